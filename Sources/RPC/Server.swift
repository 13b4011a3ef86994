package import Messages
package import Model
import NIOCore
import NIOPosix
import Synchronization

/// Serves methods on a Unix socket.
package final class Server: Sendable {
    private struct Connections {
        var open: [ObjectIdentifier: Connection] = [:]
        var isDraining = false
    }

    private struct Connection {
        let channel: any NIOCore.Channel
        let handler: NIOLoopBound<ServerConnectionHandler>
    }

    private let group: MultiThreadedEventLoopGroup
    private let listener: any NIOCore.Channel
    private let path: String
    private let connections: ConnectionTable

    /// Who is connected; refuses more than `Limits.connections`.
    private final class ConnectionTable: Sendable {
        let state = Mutex(Connections())

        func add(_ channel: any NIOCore.Channel, _ handler: NIOLoopBound<ServerConnectionHandler>) -> Bool {
            state.withLock { state in
                guard !state.isDraining, state.open.count < Limits.connections else { return false }
                state.open[ObjectIdentifier(channel)] = Connection(channel: channel, handler: handler)
                return true
            }
        }

        func remove(_ channel: any NIOCore.Channel) {
            _ = state.withLock { $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
        }

        func drain() -> [Connection] {
            state.withLock { state in
                state.isDraining = true
                return Array(state.open.values)
            }
        }
    }

    /// Begins to serve. When this returns, clients can connect to `path`, whose file has mode 0600.
    ///
    /// - Throws: as `UnixSocket.bind`.
    package static func start(path: String, methods: [MethodName: MethodHandler]) async throws(Status) -> Server {
        let descriptor = try UnixSocket.bind(path)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connections = ConnectionTable()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let peer = UnixSocket.peer(of: channel) else { throw ChannelError.ioOnClosedChannel }
                    let handler = ServerConnectionHandler(methods: methods, peer: peer, eventLoop: channel.eventLoop)
                    guard connections.add(channel, NIOLoopBound(handler, eventLoop: channel.eventLoop)) else {
                        throw ChannelError.ioOnClosedChannel
                    }
                    channel.closeFuture.whenComplete { _ in connections.remove(channel) }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        do {
            let listener = try await bootstrap.withBoundSocket(descriptor).get()
            return Server(group: group, listener: listener, path: path, connections: connections)
        } catch {
            UnixSocket.remove(path)
            try? await group.shutdownGracefully()
            throw Status(.unavailable, "cannot listen on \(path): \(error)")
        }
    }

    private init(group: MultiThreadedEventLoopGroup, listener: any NIOCore.Channel, path: String, connections: ConnectionTable) {
        self.group = group
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
        try? await group.shutdownGracefully()
    }
}
