import Glibc
package import Messages
package import Model
import NIOCore
import NIOPosix

/// A client's connection to a server on a Unix socket. Any number of calls may be under way.
package final class ClientConnection: Sendable {
    private let channel: any NIOCore.Channel
    private let handler: NIOLoopBound<ClientConnectionHandler>

    /// Connects; waits at most `Limits.clientCallSeconds`.
    ///
    /// - Throws: `invalidArgument` for an impossible path, `unavailable` when nobody serves it, `permissionDenied` when it may not
    ///   be used.
    package static func connect(path: String) async throws(Status) -> ClientConnection {
        try UnixSocket.check(path)
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(Int64(Limits.clientCallSeconds)))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ClientConnectionHandler())
                }
            }
        do {
            let channel = try await bootstrap.connect(unixDomainSocketPath: path).get()
            let handler = try await channel.eventLoop.submit {
                NIOLoopBound(
                    try channel.pipeline.syncOperations.handler(type: ClientConnectionHandler.self), eventLoop: channel.eventLoop)
            }.get()
            return ClientConnection(channel: channel, handler: handler)
        } catch let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM {
            throw Status(.permissionDenied, "the socket \(path) may not be used by this user", hint: "run as the daemon's user")
        } catch {
            // Without an errno, it is NIO's way to say that the other end closed at once.
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "the connection was closed"
            throw Status(
                .unavailable, "no daemon answers at \(path) (\(reason))",
                hint: "start msgexportd, or name its socket with --socket or MESSAGE_EXPORT_SOCKET")
        }
    }

    private init(channel: any NIOCore.Channel, handler: NIOLoopBound<ClientConnectionHandler>) {
        self.channel = channel
        self.handler = handler
    }

    /// Makes a call and returns its packed result.
    ///
    /// - Parameter timeout: after it the call fails with `deadlineExceeded`; the server is told.
    /// - Throws: the server's status, `unavailable` when the connection is lost (the call may have been served or not).
    package func call(_ method: MethodName, _ payload: [UInt8], timeout: Duration) async throws(Status) -> [UInt8] {
        let nanoseconds = timeout.components.seconds * 1_000_000_000 + timeout.components.attoseconds / 1_000_000_000
        let envelope = RequestEnvelope(service: method.service, method: method.method, payload: payload, timeout: nanoseconds)
            .packed
        guard envelope.count <= Limits.frameBytes else {
            throw Status(
                .resourceExhausted,
                "the request has \(envelope.count) bytes, over the limit of \(Limits.frameBytes) for one frame",
                hint:
                    "send fewer messages in one call; a mail goes with its parts and as it is, so it may have about half of the limit"
            )
        }
        let eventLoop = channel.eventLoop
        let promise = eventLoop.makePromise(of: ResponseEnvelope.self)
        eventLoop.execute { [handler] in handler.value.call(envelope, deadline: .now() + .nanoseconds(nanoseconds), promise) }
        do {
            switch try await promise.futureResult.get() {
            case .success(let payload): return payload
            case .failure(let status): throw status
            }
        } catch let status as Status {
            throw status
        } catch {
            throw Status(.unavailable, "the connection failed: \(error)")
        }
    }

    /// Closes the connection; calls under way fail with `unavailable`.
    package func close() async {
        try? await channel.close().get()
    }
}

/// Moves bytes between a channel and the calls of a client.
final class ClientConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct Waiting {
        let promise: EventLoopPromise<ResponseEnvelope>
        let timeout: Scheduled<Void>
    }

    private var decoder = FrameDecoder()
    private var waiting: [UInt32: Waiting] = [:]
    private var nextStreamID: UInt32 = 1
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func call(_ envelope: [UInt8], deadline: NIODeadline, _ promise: EventLoopPromise<ResponseEnvelope>) {
        guard let context, context.channel.isActive else {
            promise.fail(Status(.unavailable, "the connection is closed"))
            return
        }
        let streamID = nextStreamID
        nextStreamID &+= 2
        let this = NIOLoopBound(self, eventLoop: context.eventLoop)
        let timeout = context.eventLoop.scheduleTask(deadline: deadline) {
            this.value.finish(streamID, .failure(Status(.deadlineExceeded, "no answer in time; the call may have been served")))
        }
        waiting[streamID] = Waiting(promise: promise, timeout: timeout)
        var buffer = context.channel.allocator.buffer(capacity: Frame.headerSize + envelope.count)
        Frame(streamID: streamID, kind: .request, data: envelope).write(into: &buffer)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        decoder.receive(&bytes)
        while let event = decoder.next() {
            switch event {
            case .frame(let frame) where frame.kind == Frame.Kind.response.rawValue:
                do throws(Status) {
                    finish(frame.streamID, try ResponseEnvelope(packed: frame.data))
                } catch {
                    finish(frame.streamID, .failure(error))
                }
            case .frame:
                break
            case .oversize(let streamID, let length):
                finish(streamID, .failure(Status(.resourceExhausted, "the answer has \(length) bytes, over the limit")))
            case .unreadable(let reason):
                failAll(Status(.internal, "the daemon's answer cannot be understood: \(reason)"))
                context.close(promise: nil)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        failAll(
            Status(
                .unavailable, "the daemon closed the connection",
                hint: "try again; a message ingested again is never stored twice")
        )
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failAll(Status(.unavailable, "the connection failed: \(error)"))
        context.close(promise: nil)
    }

    /// A call whose time ran out is not waiting any more: its late answer is dropped.
    private func finish(_ streamID: UInt32, _ response: ResponseEnvelope) {
        guard let call = waiting.removeValue(forKey: streamID) else { return }
        call.timeout.cancel()
        call.promise.succeed(response)
    }

    private func failAll(_ status: Status) {
        for streamID in Array(waiting.keys) { finish(streamID, .failure(status)) }
    }
}
