import Glibc
import Messages
package import Model
import NIOCore
import NIOPosix
import Synchronization

/// Serves methods on Unix sockets: what their connections may take together is shared by all of them.
package final class Server: Sendable {
    private let listeners: [any NIOCore.Channel]
    private let sockets: [ListeningSocket]
    private let connections: ConnectionTable

    /// Begins to serve. When this returns, clients can connect to the sockets.
    ///
    /// - Parameters:
    ///   - methods: what is served, one of a name.
    ///   - report: told of each connection that is refused, or closed for what its peer did, with why: never what was sent. Called on
    ///     an event loop; must not block.
    /// - Throws: as `UnixSocket.bind`; then none is served.
    package static func start(
        _ sockets: [ListeningSocket], methods: [Method], report: @escaping @Sendable (Peer, String) -> Void = { _, _ in }
    ) async throws(Status) -> Server {
        let connections = ConnectionTable(limit: connectionLimit())
        // One loop for all connections: they share its memory, and are fair among each other on it.
        let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
        let shared = ServerConnectionHandler.Shared(
            methods: Dictionary(uniqueKeysWithValues: methods.map { ($0.description.name, $0) }),
            descriptions: Dictionary(uniqueKeysWithValues: methods.map { ($0.description.name, $0.description) }),
            answerMemory: Allowance(limit: Limits.answerBytes, share: Limits.answerBytesPerConnection),
            turnEnd: TurnEnd(eventLoop), report: report)
        let memory = NIOLoopBoundBox.makeBoxSendingValue(ReceiveMemory(), eventLoop: eventLoop)
        var listeners: [any NIOCore.Channel] = []
        for socket in sockets {
            do throws(Status) {
                listeners.append(try await listen(socket, shared, memory, connections, eventLoop))
            } catch {
                for (listener, socket) in zip(listeners, sockets) {
                    socket.remove()
                    try? await listener.close().get()
                }
                throw error
            }
        }
        UnixSocket.closeAllOnExec()
        return Server(listeners: listeners, sockets: sockets, connections: connections)
    }

    private static func listen(
        _ socket: ListeningSocket, _ shared: ServerConnectionHandler.Shared, _ memory: NIOLoopBoundBox<ReceiveMemory>,
        _ connections: ConnectionTable, _ eventLoop: any EventLoop
    ) async throws(Status) -> any NIOCore.Channel {
        let descriptor: Int32
        if let passed = socket.passed {
            descriptor = passed
        } else {
            descriptor = try UnixSocket.bind(socket.path, mode: socket.mode, group: socket.group)
        }
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            // One read of a connection, then the others have theirs.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            // Each connection holds what it has read: that of a thousand is to be little.
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: Limits.bytesAtARead)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel, on: socket, shared, memory.value, connections) }
            }
        do {
            return try await bootstrap.withBoundSocket(descriptor).get()
        } catch {
            socket.remove()
            throw Status(.unavailable, "cannot listen on \(socket.path): \(error)")
        }
    }

    /// On the channel's event loop.
    private static func accept(
        _ channel: any NIOCore.Channel, on socket: ListeningSocket, _ shared: ServerConnectionHandler.Shared,
        _ memory: ReceiveMemory, _ connections: ConnectionTable
    ) throws {
        guard var peer = UnixSocket.peer(of: channel) else { throw ChannelError.ioOnClosedChannel }
        peer.sandbox = socket.sandbox
        let number = connections.nextNumber()
        let handler = ServerConnectionHandler(
            shared: shared, memory: memory, peer: peer, number: number, eventLoop: channel.eventLoop)
        let connection = ConnectionTable.Connection(
            channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop), uid: peer.uid)
        if let refusal = connections.add(connection, number) {
            shared.report(peer, refusal)
            throw ChannelError.ioOnClosedChannel
        }
        channel.closeFuture.whenComplete { _ in connections.remove(number) }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    /// What the descriptors of this process allow: the dataset and the catalog need some too.
    private static func connectionLimit() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Limits.connections }
        let kept = min(limit.rlim_cur / 2, rlim_t(Limits.descriptorsKept))
        return Int(min(limit.rlim_cur - kept, rlim_t(Limits.connections)))
    }

    private init(listeners: [any NIOCore.Channel], sockets: [ListeningSocket], connections: ConnectionTable) {
        self.listeners = listeners
        self.sockets = sockets
        self.connections = connections
    }

    /// Connections that are open.
    package var connectionCount: Int { connections.count }

    /// Accepts no more, answers the calls under way, and removes the sockets. Calls that take longer than
    /// `Limits.shutdownGraceSeconds` are cut off.
    package func stop() async {
        for socket in sockets { socket.remove() }
        for listener in listeners { try? await listener.close().get() }
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
