import Model
import NIOCore
import Synchronization

/// Who is connected to a server, and how many may be.
final class ConnectionTable: Sendable {
    struct Connection {
        let channel: any NIOCore.Channel
        let handler: NIOLoopBound<ServerConnectionHandler>
        let uid: UInt32
    }

    private struct State {
        var open: [UInt64: Connection] = [:]
        /// How many of them each user has.
        var ofUser: [UInt32: Int] = [:]
        var isDraining = false
        var lastNumber: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: connections at a time.
    init(limit: Int) {
        self.limit = limit
    }

    /// How many are open.
    var count: Int { state.withLock { $0.open.count } }

    /// A number that no other connection has.
    func nextNumber() -> UInt64 {
        state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    /// Nil, or why it is refused.
    func add(_ connection: Connection, _ number: UInt64) -> String? {
        state.withLock { state in
            guard !state.isDraining else { return "the daemon is stopping" }
            guard state.open.count < limit else { return "there are \(limit) connections, the most there may be" }
            let ofUser = state.ofUser[connection.uid, default: 0]
            guard ofUser < Limits.connectionsPerUser else {
                return "user \(connection.uid) has \(ofUser) connections, the most that one may have"
            }
            state.open[number] = connection
            state.ofUser[connection.uid] = ofUser + 1
            return nil
        }
    }

    func remove(_ number: UInt64) {
        state.withLock { state in
            guard let connection = state.open.removeValue(forKey: number) else { return }
            let rest = (state.ofUser[connection.uid] ?? 1) - 1
            state.ofUser[connection.uid] = rest == 0 ? nil : rest
        }
    }

    /// Adds no further ones; those there are.
    func drain() -> [Connection] {
        state.withLock { state in
            state.isDraining = true
            return Array(state.open.values)
        }
    }
}
