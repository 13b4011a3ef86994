import Glibc
import Messages
package import Model
import NIOCore
import NIOPosix
import Synchronization

/// Serves methods on a Unix socket.
package final class Server: Sendable {
    private let listener: any NIOCore.Channel
    private let path: String
    private let connections: ConnectionTable

    /// Begins to serve. When this returns, clients can connect to `path`, whose file has mode 0600.
    ///
    /// - Parameters:
    ///   - methods: what is served, one of a name.
    ///   - report: told of each connection that is refused, or closed for what its peer did, with why: never what was sent. Called on
    ///     an event loop; must not block.
    /// - Throws: as `UnixSocket.bind`.
    package static func start(
        path: String, methods: [Method], report: @escaping @Sendable (Peer, String) -> Void = { _, _ in }
    ) async throws(Status) -> Server {
        let descriptor = try UnixSocket.bind(path)
        let connections = ConnectionTable(limit: connectionLimit())
        let shared = ServerConnectionHandler.Shared(
            methods: Dictionary(uniqueKeysWithValues: methods.map { ($0.description.name, $0) }),
            descriptions: Dictionary(uniqueKeysWithValues: methods.map { ($0.description.name, $0.description) }),
            answerMemory: Allowance(limit: Limits.answerBytes, share: Limits.answerBytesPerConnection), report: report)
        // One loop for all connections: they share its memory, and are fair among each other on it.
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let memory = NIOLoopBoundBox.makeBoxSendingValue(ReceiveMemory(), eventLoop: eventLoop)
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            // One read of a connection, then the others have theirs.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let peer = UnixSocket.peer(of: channel) else { throw ChannelError.ioOnClosedChannel }
                    let number = connections.nextNumber()
                    let handler = ServerConnectionHandler(
                        shared: shared, memory: memory.value, peer: peer, number: number, eventLoop: channel.eventLoop)
                    let connection = ConnectionTable.Connection(
                        channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), uid: peer.uid)
                    if let refusal = connections.add(connection, number) {
                        report(peer, refusal)
                        throw ChannelError.ioOnClosedChannel
                    }
                    channel.closeFuture.whenComplete { _ in connections.remove(number) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        do {
            let listener = try await bootstrap.withBoundSocket(descriptor).get()
            UnixSocket.closeAllOnExec()
            return Server(listener: listener, path: path, connections: connections)
        } catch {
            UnixSocket.remove(path)
            throw Status(.unavailable, "cannot listen on \(path): \(error)")
        }
    }

    /// What the descriptors of this process allow: the dataset and the catalog need some too.
    private static func connectionLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Limits.connections }
        let kept = min(limit.rlim_cur / 2, rlim_t(Limits.descriptorsKept))
        return Int(min(limit.rlim_cur - kept, rlim_t(Limits.connections)))
    }

    private init(listener: any NIOCore.Channel, path: String, connections: ConnectionTable) {
        self.listener = listener
        self.path = path
        self.connections = connections
    }

    /// Accepts no more, answers the calls under way, and removes the socket. Calls that take longer than
    /// `Limits.shutdownGraceSeconds` are cut off.
    package func stop() async {
        UnixSocket.remove(path)
        try? await listener.close().get()
        let open = connections.drain()
        for connection in open {
            connection.channel.eventLoop.execute { connection.handler.value.drain() }
            let cutOff = connection.channel.eventLoop.scheduleTask(in: .seconds(Int64(Limits.shutdownGraceSeconds))) {
                connection.channel.close(promise: nil)
            }
            connection.channel.closeFuture.whenComplete { _ in cutOff.cancel() }
        }
        for connection in open { try? await connection.channel.closeFuture.get() }
    }
}
