import Glibc
package import Messages
package import Model
package import NIOCore
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
            .channelOption(.writeBufferWaterMark, value: .init(low: Limits.clientUnsentBytes / 4, high: Limits.clientUnsentBytes))
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
            throw Status(
                .permissionDenied, "the socket \(path) may not be used by this user",
                hint: "its group and mode say who may: socket.group and socket.mode of msgexportd")
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

    /// Ends of calls that had no answer.
    static let closed = Status(.unavailable, "the connection is closed")
    static let lost = Status(
        .unavailable, "the daemon closed the connection", hint: "try again; a message ingested again is never stored twice")

    /// Whether calls can be made; false once the daemon has closed it.
    package var isActive: Bool { channel.isActive }

    /// Makes a call that has one request and one answer, and returns its packed result. Begins when fewer than
    /// `Limits.clientCallsInFlight` are under way.
    ///
    /// - Parameter deadline: then the call fails with `deadlineExceeded`; the server is told.
    /// - Throws: the server's status; `unavailable` when the connection is lost (the call may have been served or not); `cancelled`
    ///   when the task was.
    package func call(
        _ method: MethodDescription, _ payload: [UInt8], metadata: [RequestEnvelope.Metadata] = [], deadline: NIODeadline?
    ) async throws(Status) -> [UInt8] {
        let envelope = try envelope(method, payload, metadata, deadline)
        let result = channel.eventLoop.makePromise(of: [UInt8].self)
        let (known, _) = begin(method, envelope, deadline, .result(result))
        return try await value(of: result.futureResult, call: known)
    }

    /// Begins a call that sends or gets any number of messages.
    ///
    /// - Parameters:
    ///   - first: the request, where the method takes one; for a method that takes many, sent with the call.
    ///   - deadline: then the call ends with `deadlineExceeded`; the server is told.
    package func open(
        _ method: MethodDescription, _ first: [UInt8]? = nil, metadata: [RequestEnvelope.Metadata] = [],
        deadline: NIODeadline? = nil
    ) async throws(Status) -> ClientStream {
        let envelope = try envelope(method, first ?? [], metadata, deadline)
        let stream = channel.eventLoop.makePromise(of: UInt32.self)
        let made = ClientStream.Messages.makeSequence(
            backPressureStrategy: .init(
                lowWatermark: Limits.clientMessagesBuffered / 2, highWatermark: Limits.clientMessagesBuffered),
            finishOnDeinit: false, delegate: ClientStream.Demand(handler: handler, streamID: stream.futureResult))
        let (known, begun) = begin(method, envelope, deadline, .messages(made.source))
        known.cascade(to: stream)
        return ClientStream(
            handler: handler, eventLoop: channel.eventLoop, streamID: try await value(of: begun, call: known),
            messages: made.sequence)
    }

    /// `known`: the call's stream, at once; `begun`: the same, when it is sent.
    private func begin(
        _ method: MethodDescription, _ envelope: [UInt8], _ deadline: NIODeadline?, _ receiver: ClientConnectionHandler.Receiver
    ) -> (known: EventLoopFuture<UInt32>, begun: EventLoopFuture<UInt32>) {
        let beginning = ClientConnectionHandler.Beginning(
            method: method, envelope: envelope,
            flags: method.clientStreams ? .remoteOpen : method.serverStreams ? .remoteClosed : [],
            deadline: deadline, receiver: receiver, known: channel.eventLoop.makePromise(), begun: channel.eventLoop.makePromise()
        )
        channel.eventLoop.execute { [handler] in handler.value.begin(beginning) }
        return (beginning.known.futureResult, beginning.begun.futureResult)
    }

    /// What comes of a call, which is forgotten when the task is cancelled.
    private func value<Value: Sendable>(
        of future: EventLoopFuture<Value>, call: EventLoopFuture<UInt32>
    ) async throws(Status) -> Value {
        let cancelled = Status(.cancelled, "the call was cancelled; it may have been served")
        do {
            return try await withTaskCancellationHandler {
                try await future.get()
            } onCancel: {
                call.whenSuccess { [handler] in handler.value.forget($0, cancelled) }
            }
        } catch {
            throw Status(client: error)
        }
    }

    private func envelope(
        _ method: MethodDescription, _ payload: [UInt8], _ metadata: [RequestEnvelope.Metadata], _ deadline: NIODeadline?
    ) throws(Status) -> [UInt8] {
        // Passed already: 0 would mean for ever.
        let timeout = deadline.map { time in
            let left = (time - .now()).nanoseconds
            return left == 0 ? -1 : left
        }
        let envelope = RequestEnvelope(
            service: method.name.service, method: method.name.method, payload: payload, timeout: timeout ?? 0, metadata: metadata
        ).packed
        guard envelope.count <= Limits.frameBytes else {
            throw Status(
                .resourceExhausted,
                "the request has \(envelope.count) bytes, over the limit of \(Limits.frameBytes) for one frame",
                hint: "send fewer messages in one call", limit: Limits.frameBytes)
        }
        return envelope
    }

    /// Closes the connection; calls under way fail with `unavailable`.
    package func close() async {
        try? await channel.close().get()
    }
}
