import Messages
import Model
import NIOCore

/// Moves bytes between a channel and the state machine of its connection, and calls between that and their handlers. Decides nothing
/// itself.
///
/// It lives on after its channel until the calls that came on it have been ended: they still hold memory.
final class ServerConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// What the connections of a server share.
    struct Shared: Sendable {
        let methods: [MethodName: Method]
        let descriptions: [MethodName: MethodDescription]
        let answerMemory: Allowance
        let turnEnd: TurnEnd
        /// Told of each connection that is closed for what its peer did.
        let report: @Sendable (Peer, String) -> Void
    }

    private let shared: Shared
    private let memory: ReceiveMemory
    private let peer: Peer
    private let number: UInt64
    private let outbox: Outbox
    private var connection: ServerConnection
    /// Who is told of the end of calls, by serial.
    private var cancellables: [UInt64: any Cancellable] = [:]
    /// Who takes the messages of calls.
    private var receivers: [UInt64: any MessageReceiver] = [:]
    /// Who has received messages in this turn.
    private var receiving: (any MessageReceiver)?
    private var context: ChannelHandlerContext?
    private var hasHeldRead = false
    /// Others have their turn: there is more to serve.
    private var isYielding = false
    private var isWaitingForMemory = false
    /// Bytes of the large frame that is being received; its memory is taken.
    private var frameReserved: Int?
    /// What `memory` counts for the messages of this connection.
    private var accounted = 0
    private var nextWake: NIODeadline?
    private var wake: Scheduled<Void>?

    init(shared: Shared, memory: ReceiveMemory, peer: Peer, number: UInt64, eventLoop: any EventLoop) {
        self.shared = shared
        self.memory = memory
        self.peer = peer
        self.number = number
        outbox = Outbox(eventLoop: eventLoop, memory: shared.answerMemory, connection: number)
        connection = ServerConnection(methods: shared.descriptions, now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outbox.open(self)
        scheduleWake(context.eventLoop)
    }

    /// The peer is gone: what it began is cancelled, and counts until it has ended.
    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        wake?.cancel()
        wake = nil
        memory.stopWaiting(self)
        giveFrameBack()
        for call in connection.streams.abandonAll() { cancel(call) }
        _ = connection.streams.drain()
        account()
        outbox.resumeSenders()
        if connection.streams.isDrained { outbox.close() }
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        connection.receive(&bytes)
        serveWhatCame(context)
    }

    /// Whether the peer may have more served: it keeps to its bounds, it reads its answers, and there is memory.
    private func mayServe(_ context: ChannelHandlerContext) -> Bool {
        !isYielding && connection.streams.mayRead && context.channel.isWritable && !outbox.isFull
            && !lacksMemory
    }

    /// Who has begun a large frame may finish it once its memory is taken, whatever the others hold.
    private var lacksMemory: Bool { frameReserved == nil && (!memory.hasRoom || connection.largeFrame != nil) }

    private func serveWhatCame(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        var served = 0
        while mayServe(context), let action = connection.next(now: now) {
            perform(action, context)
            account()
            giveFrameBack()
            served += 1
            if served == Limits.callsPerTurn { yield(context) }
        }
        endTurn()
        if lacksMemory { waitForMemory() }
        scheduleWake(context.eventLoop)
    }

    private func perform(_ action: ServerConnection.Action, _ context: ChannelHandlerContext) {
        switch action {
        case .stream(.begin(let id, let beginning)): begin(id, beginning, context)
        case .stream(.message(let id, let message, let isLast)):
            if let receiver = receivers[id.serial] { receive(message, receiver, isLast: isLast) }
        case .stream(.close(let id)): receivers[id.serial].map(close)
        case .stream(.cancel(let id, let status)):
            cancel(id)
            answer(id.streamID, status, context)
        case .stream(.answer(let streamID, let status)): answer(streamID, status, context)
        case .stream(.ignore): break
        case .close(let reason):
            shared.report(peer, reason)
            context.close(promise: nil)
        }
    }

    private func receive(_ message: [UInt8], _ receiver: any MessageReceiver, isLast: Bool) {
        if let receiving, receiving !== receiver { receiving.endTurn() }
        receiving = receiver
        receiver.receive(message)
        if isLast { close(receiver) }
    }

    private func close(_ receiver: any MessageReceiver) {
        endTurn()
        receiver.close()
    }

    private func cancel(_ call: CallID) {
        endTurn()
        (receivers[call.serial] ?? cancellables[call.serial])?.cancel()
    }

    private func endTurn() {
        receiving?.endTurn()
        receiving = nil
    }

    private func begin(_ id: CallID, _ beginning: ServerStreams.Beginning, _ context: ChannelHandlerContext) {
        guard let method = shared.methods[beginning.method.name] else { preconditionFailure("only what is served begins") }
        let call = Call(
            method: beginning.method, peer: peer, metadata: beginning.metadata, deadline: beginning.deadline, connection: number,
            id: id, outbox: outbox, turnEnd: shared.turnEnd)
        switch method.handler {
        case .single(let serve):
            if let cancellable = serve(call, beginning.message ?? []) { cancellables[id.serial] = cancellable }
        case .stream(let open):
            let receiver = open(call)
            receivers[id.serial] = receiver
            if let message = beginning.message {
                receive(message, receiver, isLast: beginning.isLast)
            } else if beginning.isLast {
                close(receiver)
            }
        }
    }

    private func account() {
        let holds = connection.streams.bytesHeld
        guard holds != accounted else { return }
        let change = holds - accounted
        accounted = holds
        memory.change(by: change)
    }

    /// Reads are held while the peer may not have more served: it is slowed down, and nobody else is.
    func read(context: ChannelHandlerContext) {
        if lacksMemory { waitForMemory() }
        if mayServe(context) {
            context.read()
        } else {
            hasHeldRead = true
            connection.hold()
        }
    }

    /// Goes on after a hold: first with what has come already.
    private func resume(_ context: ChannelHandlerContext) {
        serveWhatCame(context)
        guard hasHeldRead, mayServe(context) else { return }
        hasHeldRead = false
        context.read()
    }

    private func yield(_ context: ChannelHandlerContext) {
        isYielding = true
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            this.value.isYielding = false
            if let context = this.value.context { this.value.resume(context) }
        }
    }

    /// What is to be received in many reads asks for its memory first.
    private func waitForMemory() {
        guard !isWaitingForMemory else { return }
        guard let frame = connection.largeFrame else {
            isWaitingForMemory = true
            return memory.waitForRoom(self)
        }
        guard memory.reserve(self, frame: frame) else {
            isWaitingForMemory = true
            return
        }
        begin(frame: frame)
    }

    /// There is memory again; `frame`: for the large frame that has begun, and it is taken.
    func resumeAfterWait(frame: Int?) {
        isWaitingForMemory = false
        if let frame { begin(frame: frame) }
        if let context { resume(context) }
    }

    private func begin(frame: Int) {
        frameReserved = frame
        connection.reserveFrame()
    }

    private func giveFrameBack() {
        guard let frame = frameReserved else { return }
        frameReserved = nil
        memory.giveBack(frame: frame)
    }

    // MARK: Writing

    /// Writes what gathered, together.
    func deliver() {
        let items = outbox.take()
        guard let context else {
            for item in items { _ = frame(for: item) }
            account()
            outbox.giveBack(Outbox.largeBytes(items))
            outbox.resumeSenders()
            if connection.streams.isDrained { outbox.close() }
            return
        }
        var buffer = context.channel.allocator.buffer(
            capacity: items.reduce(0) { $0 + Frame.headerSize + $1.bytes })
        for item in items { frame(for: item)?.write(into: &buffer) }
        account()
        let large = Outbox.largeBytes(items)
        if large > 0 {
            context.writeAndFlush(wrapOutboundOut(buffer)).whenComplete { [outbox] _ in
                outbox.giveBack(large)
            }
        } else if buffer.readableBytes > 0 {
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
        resume(context)
        if context.channel.isWritable { outbox.resumeSenders() }
        if connection.streams.isDrained { closeAfterWrites(context) }
    }

    /// What is to be sent for an item; nil: nothing. Ends the calls that it ends.
    private func frame(for item: Outbox.Item) -> Frame? {
        switch item {
        case .response(let id, let envelope):
            return end(id) ? Frame(streamID: id.streamID, kind: .response, data: envelope) : nil
        case .finish(let id):
            return end(id) ? .end(id.streamID) : nil
        case .message(let id, let message):
            return connection.streams.isOpen(id) ? Frame(streamID: id.streamID, kind: .data, data: message) : nil
        case .gathered(let id, let make):
            // Made even when nobody waits: what gathers is let go of by it.
            let message = make()
            guard connection.streams.isOpen(id) else { return nil }
            guard message.count <= Limits.frameBytes else {
                return frame(for: .response(id, Call.envelope(.failure(Call.tooLarge(message.count)))))
            }
            return Frame(streamID: id.streamID, kind: .data, data: message)
        case .release(let id, let messages, let bytes):
            connection.streams.release(id, messages: messages, bytes: bytes)
            return nil
        }
    }

    private func end(_ id: CallID) -> Bool {
        receivers[id.serial] = nil
        cancellables[id.serial] = nil
        return connection.streams.end(id)
    }

    private func answer(_ streamID: UInt32, _ status: Status, _ context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(capacity: 256)
        Frame(streamID: streamID, kind: .response, data: Call.envelope(.failure(status))).write(into: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        connection.noteUnread(!context.channel.isWritable, now: .now())
        if context.channel.isWritable { outbox.resumeSenders() }
        resume(context)
        context.fireChannelWritabilityChanged()
    }

    // MARK: Time

    private func scheduleWake(_ eventLoop: any EventLoop) {
        guard let wanted = connection.nextWake, context != nil else { return }
        // A timer that comes too early finds nothing to do: one is set only where none comes in time.
        if let nextWake, nextWake <= wanted { return }
        wake?.cancel()
        nextWake = wanted
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        wake = eventLoop.scheduleTask(deadline: wanted) { this.value.wakeUp() }
    }

    private func wakeUp() {
        (wake, nextWake) = (nil, nil)
        guard let context else { return }
        for action in connection.wake(now: .now()) { perform(action, context) }
        scheduleWake(context.eventLoop)
    }

    // MARK: The end

    /// Takes no further calls and messages, answers those under way, then closes.
    func drain() {
        endTurn()
        for call in connection.streams.drain() { receivers[call.serial]?.stop() }
        if connection.streams.isDrained, let context { closeAfterWrites(context) }
    }

    /// Writes are done in order: an empty one ends when all before it have.
    private func closeAfterWrites(_ context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.value.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in context.value.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The peer went away, or the socket failed: there is nobody to answer.
        context.close(promise: nil)
    }
}
