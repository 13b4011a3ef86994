import Messages
import Model
import NIOCore

/// Moves bytes between a channel and the state machines of its connection. Decides nothing itself.
final class ServerConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private let methods: [MethodName: MethodHandler]
    private let services: Set<String>
    private let peer: Peer
    private let outbox: Outbox
    private var decoder = FrameDecoder()
    private var streams = ServerStreams()
    private var context: ChannelHandlerContext?
    private var hasHeldRead = false

    init(methods: [MethodName: MethodHandler], peer: Peer, eventLoop: any EventLoop) {
        self.methods = methods
        services = Set(methods.keys.map(\.service))
        self.peer = peer
        outbox = Outbox(eventLoop: eventLoop)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        outbox.open(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        outbox.close()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        decoder.receive(&bytes)
        serveWhatCame(context)
    }

    /// Whether the peer may have more served: it has not too many calls under way, and it reads its answers.
    private func mayServe(_ context: ChannelHandlerContext) -> Bool {
        streams.mayRead && context.channel.isWritable && !outbox.isFull
    }

    private func serveWhatCame(_ context: ChannelHandlerContext) {
        while mayServe(context), let event = decoder.next() {
            switch streams.receive(event) {
            case .serve(let streamID, let envelope): serve(streamID, envelope)
            case .answer(let streamID, let status): write([(streamID, Call.envelope(.failure(status)))], context: context)
            case .ignore: break
            case .close: context.close(promise: nil)
            }
        }
    }

    private func serve(_ streamID: UInt32, _ envelope: [UInt8]) {
        do throws(Status) {
            let request = try RequestEnvelope(packed: envelope)
            guard request.timeout >= 0 else { throw Status(.deadlineExceeded, "the call's deadline had passed when it was sent") }
            let method = MethodName(service: request.service, method: request.method)
            guard let handler = methods[method] else {
                let message = services.contains(method.service) ? "unknown method \(method)" : "unknown service \(method.service)"
                throw Status(.unimplemented, message)
            }
            handler(Call(method: method, payload: request.payload, peer: peer, streamID: streamID, outbox: outbox))
        } catch {
            outbox.send(streamID, Call.envelope(.failure(error)))
        }
    }

    /// Reads are held while the peer may not have more served: it is slowed down, and nobody else is.
    func read(context: ChannelHandlerContext) {
        if mayServe(context) { context.read() } else { hasHeldRead = true }
    }

    /// Goes on after a hold: first with what has come already.
    private func resume(_ context: ChannelHandlerContext) {
        serveWhatCame(context)
        guard hasHeldRead, mayServe(context) else { return }
        hasHeldRead = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resume(context)
        context.fireChannelWritabilityChanged()
    }

    /// Writes the answers that gathered, together.
    func deliver() {
        guard let context else { return }
        write(outbox.take().filter { streams.finish($0.streamID) }.map { ($0.streamID, $0.envelope) }, context: context)
        resume(context)
        if streams.isDrained { closeAfterWrites(context) }
    }

    /// Takes no further calls, answers those under way, then closes.
    func drain() {
        streams.drain()
        if streams.isDrained, let context { closeAfterWrites(context) }
    }

    private func write(_ answers: [(UInt32, [UInt8])], context: ChannelHandlerContext) {
        guard !answers.isEmpty else { return }
        let size = answers.reduce(0) { $0 + Frame.headerSize + $1.1.count }
        var buffer = context.channel.allocator.buffer(capacity: size)
        for (streamID, envelope) in answers {
            Frame(streamID: streamID, kind: .response, data: envelope).write(into: &buffer)
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
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
