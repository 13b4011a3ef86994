import Glibc
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import RPC

/// Answers HTTP requests for a few pages, each on a connection of its own: for scrapers and load balancers, not for the world.
package struct MetricsServer: Sendable {
    /// What is answered.
    package struct Page: Sendable {
        let status: HTTPResponseStatus
        let contentType: String
        let text: String

        /// - Parameter isGood: answered with 200; otherwise with 503.
        package init(_ text: String, contentType: String = "text/plain; charset=utf-8", isGood: Bool = true) {
            status = isGood ? .ok : .serviceUnavailable
            self.contentType = contentType
            self.text = text
        }

        private init(_ status: HTTPResponseStatus) {
            (self.status, contentType, text) = (status, "text/plain; charset=utf-8", "\(status.reasonPhrase)\n")
        }

        static let notFound = Page(.notFound)
        static let notAllowed = Page(.methodNotAllowed)
    }

    /// Where it is served.
    package enum Place: Hashable, Sendable, CustomStringConvertible {
        /// A socket for this user alone. Whoever names it holds a lock on its path.
        case socket(String)
        /// An address of this machine alone.
        case loopback(host: String, port: Int)

        /// As people write it.
        package var description: String {
            switch self {
            case .socket(let path): path
            case .loopback(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPServerRequestPart, HTTPPart<HTTPResponseHead, ByteBuffer>>

    /// Pages by their paths.
    private let pages: [String: @Sendable () async -> Page]

    package init(pages: [String: @Sendable () async -> Page]) {
        self.pages = pages
    }

    /// Serves until its task is cancelled.
    ///
    /// - Parameter isListening: called when clients can connect, with where: a port that was 0 is told.
    /// - Throws: `unavailable`, or as `UnixSocket.bind`.
    package func serve(at place: Place, isListening: @Sendable (Place) -> Void = { _ in }) async throws {
        let listener = try await listen(at: place)
        defer { if case .socket(let path) = place { UnixSocket.remove(path) } }
        var bound = place
        if case .loopback(let host, _) = place { bound = .loopback(host: host, port: listener.channel.localAddress?.port ?? 0) }
        isListening(bound)
        try await listener.executeThenClose { connections in
            try await withThrowingTaskGroup(of: Void.self) { group in
                var atWork = 0
                for try await connection in connections {
                    if atWork == Limits.metricsConnections {
                        try await group.next()
                        atWork -= 1
                    }
                    group.addTask { await answer(connection) }
                    atWork += 1
                }
            }
        }
    }

    private func listen(at place: Place) async throws -> NIOAsyncChannel<Connection, Never> {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: Int32(Limits.metricsConnections))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        let configure: @Sendable (any NIOCore.Channel) -> EventLoopFuture<Connection> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(
                    IdleStateHandler(allTimeout: .seconds(Int64(Limits.metricsSeconds))))
                try channel.pipeline.syncOperations.addHandler(CloseWhenIdle())
                try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: false)
                try channel.pipeline.syncOperations.addHandler(AnswersOfBytes())
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
        // Connections wait in the kernel while as many as may be are answered.
        let few = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
            lowWatermark: 1, highWatermark: Limits.metricsConnections)
        switch place {
        case .socket(let path):
            let descriptor = try UnixSocket.bind(path, mode: 0o600, group: nil)
            return try await bootstrap.bind(descriptor, serverBackPressureStrategy: few, childChannelInitializer: configure)
        case .loopback(let host, let port):
            do {
                return try await bootstrap.bind(
                    host: host, port: port, serverBackPressureStrategy: few, childChannelInitializer: configure)
            } catch {
                throw Status(
                    .unavailable, "cannot serve metrics on \(place): \(error)", hint: "name another address with metrics.listen")
            }
        }
    }

    /// Answers the one request of a connection; what goes wrong is its peer's loss.
    private func answer(_ connection: Connection) async {
        try? await connection.executeThenClose { requests, answers in
            for try await part in requests {
                guard case .head(let request) = part else { continue }
                let page = await page(for: request)
                let body = ByteBuffer(string: page.text)
                var head = HTTPResponseHead(version: .http1_1, status: page.status)
                head.headers.add(name: "Content-Type", value: page.contentType)
                head.headers.add(name: "Content-Length", value: "\(body.readableBytes)")
                head.headers.add(name: "Connection", value: "close")
                try await answers.write(.head(head))
                if request.method != .HEAD { try await answers.write(.body(body)) }
                try await answers.write(.end(nil))
                return
            }
        }
    }

    private func page(for request: HTTPRequestHead) async -> Page {
        guard [.GET, .HEAD].contains(request.method) else { return .notAllowed }
        let path = request.uri.prefix { $0 != "?" }
        guard let page = pages[String(path)] else { return .notFound }
        return await page()
    }
}

/// Makes the parts of answers that cross threads those that NIO encodes.
private final class AnswersOfBytes: ChannelOutboundHandler {
    typealias OutboundIn = HTTPPart<HTTPResponseHead, ByteBuffer>
    typealias OutboundOut = HTTPServerResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part: HTTPServerResponsePart =
            switch unwrapOutboundIn(data) {
            case .head(let head): .head(head)
            case .body(let bytes): .body(.byteBuffer(bytes))
            case .end(let trailers): .end(trailers)
            }
        context.write(wrapOutboundOut(part), promise: promise)
    }
}

/// Closes a connection on which nothing has happened for long.
private final class CloseWhenIdle: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}
