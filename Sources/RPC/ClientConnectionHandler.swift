import Messages
import Model
import NIOCore

/// Moves bytes between a channel and the calls of a client. Decides nothing itself.
final class ClientConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// Who gets what comes for a call, on the event loop.
    enum Receiver {
        case result(EventLoopPromise<[UInt8]>)
        case messages(ClientStream.Source)
    }

    /// A call that is to begin.
    struct Beginning {
        let method: MethodDescription
        let envelope: [UInt8]
        let flags: Frame.Flags
        let deadline: NIODeadline?
        let receiver: Receiver
        /// Told the call's stream at once, to `forget` it by.
        let known: EventLoopPromise<UInt32>
        /// Told its stream once it is sent.
        let begun: EventLoopPromise<UInt32>
    }

    /// A call that is not over.
    private struct Waiting {
        let call: Beginning
        var isSent = false
        /// Whether all its messages are sent.
        var isClosed: Bool
    }

    private var decoder = FrameDecoder()
    private var streams = ClientStreams()
    private var calls: [UInt32: Waiting] = [:]
    /// Calls over the bound, in order: they are sent when others end.
    private var queued: [UInt32] = []
    /// Those who go on sending when the daemon reads again.
    private var senders: [(streamID: UInt32, done: EventLoopPromise<Void>)] = []
    /// Streams whose messages nobody takes at the moment: then nothing is read.
    private var full: Set<UInt32> = []
    private var hasHeldRead = false
    private var isFlushScheduled = false
    private var nextWake: NIODeadline?
    private var wake: Scheduled<Void>?
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        wake?.cancel()
    }

    // MARK: Calling

    func begin(_ call: Beginning) {
        guard let context, context.channel.isActive else {
            call.known.fail(ClientConnection.closed)
            return end(call, ClientConnection.closed)
        }
        let streamID = streams.begin(call.method)
        calls[streamID] = Waiting(call: call, isClosed: !call.method.clientStreams)
        call.known.succeed(streamID)
        if let deadline = call.deadline { scheduleWake(deadline, context) }
        queued.append(streamID)
        sendQueued()
    }

    /// What the daemon does not read waits here, where it is forgotten with its call, and not in the channel.
    private func sendQueued() {
        while let streamID = queued.first, calls.count - queued.count < Limits.clientCallsInFlight, let context,
            context.channel.isWritable
        {
            queued.removeFirst()
            guard let call = calls[streamID]?.call else { continue }
            calls[streamID]?.isSent = true
            write(Frame(streamID: streamID, kind: .request, flags: call.flags, data: call.envelope), context)
            call.begun.succeed(streamID)
        }
    }

    /// Sends a message, or the end of them; `done` is told when more may be sent.
    func send(_ message: [UInt8]?, on streamID: UInt32, _ done: EventLoopPromise<Void>) {
        guard let context, let call = calls[streamID], call.isSent else {
            return done.fail(Status(.cancelled, "the call is over"))
        }
        write(message.map { Frame(streamID: streamID, kind: .data, data: $0) } ?? .end(streamID), context)
        if message == nil { calls[streamID]?.isClosed = true }
        if context.channel.isWritable { done.succeed() } else { senders.append((streamID, done)) }
    }

    /// Nobody waits for it any more. ttrpc has no way to say so: what still comes is dropped; but that nothing more follows can be said.
    func forget(_ streamID: UInt32, _ status: Status) {
        guard streams.forget(streamID), let call = remove(streamID) else { return }
        if call.isSent, !call.isClosed, let context { write(.end(streamID), context) }
        end(call.call, status)
        callEnded()
    }

    private func remove(_ streamID: UInt32) -> Waiting? {
        guard let call = calls.removeValue(forKey: streamID) else { return nil }
        full.remove(streamID)
        if !call.isSent { queued.removeAll { $0 == streamID } }
        senders.removeAll { sender in
            guard sender.streamID == streamID else { return false }
            sender.done.fail(Status(.cancelled, "the call is over"))
            return true
        }
        return call
    }

    private func end(_ call: Beginning, _ status: Status) {
        call.begun.fail(status)
        finish(call.receiver, message: nil, status)
    }

    /// One write for all that is sent in one turn of the loop.
    private func write(_ frame: Frame, _ context: ChannelHandlerContext) {
        var buffer = context.channel.allocator.buffer(capacity: Frame.headerSize + frame.data.count)
        frame.write(into: &buffer)
        context.write(wrapOutboundOut(buffer), promise: nil)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute {
            this.value.isFlushScheduled = false
            this.value.context?.flush()
        }
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        decoder.receive(&bytes)
        decoder.reserveFrame()
        while let event = decoder.next() {
            switch streams.receive(event) {
            case .message(let streamID, let message):
                guard case .messages(let source)? = calls[streamID]?.call.receiver else { continue }
                if source.yield(message) == .stopProducing { full.insert(streamID) }
            case .end(let streamID, let message, let status):
                if let call = remove(streamID) { finish(call.call.receiver, message: message, status) }
                callEnded()
            case .ignore: break
            case .close(let status):
                failAll(status)
                context.close(promise: nil)
            }
        }
    }

    private func finish(_ receiver: Receiver, message: [UInt8]?, _ status: Status?) {
        switch receiver {
        case .result(let promise):
            if let status { promise.fail(status) } else { promise.succeed(message ?? []) }
        case .messages(let source):
            if let message { _ = source.yield(message) }
            if let status { source.finish(status) } else { source.finish() }
        }
    }

    private func callEnded() {
        sendQueued()
        resumeReading()
    }

    /// More of this stream is wanted.
    func wants(_ streamID: UInt32) {
        full.remove(streamID)
        resumeReading()
    }

    /// What a stream has and nobody takes holds up the connection: there is no way to slow down one stream alone.
    func read(context: ChannelHandlerContext) {
        if full.isEmpty { context.read() } else { hasHeldRead = true }
    }

    private func resumeReading() {
        guard hasHeldRead, full.isEmpty, let context else { return }
        hasHeldRead = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            let waiting = senders
            senders = []
            for sender in waiting { sender.done.succeed() }
            sendQueued()
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Time

    private func scheduleWake(_ deadline: NIODeadline, _ context: ChannelHandlerContext) {
        if let nextWake, nextWake <= deadline { return }
        nextWake = deadline
        wake?.cancel()
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        wake = context.eventLoop.scheduleTask(deadline: deadline) { this.value.wakeUp() }
    }

    private func wakeUp() {
        nextWake = nil
        let now = NIODeadline.now()
        let late = Status(.deadlineExceeded, "no answer in time; the call may have been served")
        for (streamID, call) in calls where call.call.deadline.map({ $0 <= now }) ?? false { forget(streamID, late) }
        let next = calls.values.compactMap(\.call.deadline).min()
        if let next, let context { scheduleWake(next, context) }
    }

    // MARK: The end

    func channelInactive(context: ChannelHandlerContext) {
        failAll(ClientConnection.lost)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failAll(Status(.unavailable, "the connection failed: \(error)"))
        context.close(promise: nil)
    }

    private func failAll(_ status: Status) {
        let (ended, sending) = (calls, senders)
        (calls, queued, senders) = ([:], [], [])
        _ = streams.forgetAll()
        for call in ended.values { end(call.call, call.isSent ? status : ClientConnection.closed) }
        for sender in sending { sender.done.fail(status) }
    }
}
