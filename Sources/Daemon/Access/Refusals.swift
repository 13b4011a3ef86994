import Catalog
import Messages
import Metrics
import Model
import RPC
import Synchronization

/// Counts what was refused, until it is recorded: a flood of refusals is a few events.
final class Refusals: Sendable {
    private struct Kind: Hashable {
        let user: UInt32
        let method: MethodName
        let chain: String
        let action: AuditEvent.Action
    }

    /// All since the start.
    let counter: Counter
    private let counts: Mutex<[Kind: UInt64]> = Mutex([:])

    init(counter: Counter = Counter()) {
        self.counter = counter
    }

    /// - Parameter chain: id of the sandbox; empty: of none, or of one that does not exist.
    func add(_ call: Call, chain: String, action: AuditEvent.Action = .accessRefused) {
        counter.add()
        let kind = Kind(user: call.peer.uid, method: call.method.name, chain: chain, action: action)
        counts.withLock { counts in
            // There are fewer kinds than users times methods; whoever has many users has them counted as one.
            let isKnown = counts[kind] != nil || counts.count < Limits.refusalsCounted
            counts[isKnown ? kind : Kind(user: .max, method: kind.method, chain: "", action: action), default: 0] += 1
        }
    }

    /// All since the last time, as events.
    func take() -> [Deed] {
        let taken = counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
        return taken.map { kind, count in
            Deed(
                user: kind.user, chain: kind.chain, action: kind.action, object: "\(kind.method)", outcome: .refused,
                count: count)
        }.sorted { ($0.chain, $0.object) < ($1.chain, $1.object) }
    }
}
