import Metrics
import Model
import Synchronization

/// All that is counted in a daemon since its start.
final class Meters: Sendable {
    private struct State {
        /// By the sandbox's name, which is never given again: of deleted ones too, or sums would shrink.
        var ofSandboxes: [String: SandboxMeter] = [:]
        var backlogs: [String: [BacklogFigure]] = [:]
    }

    private let state = Mutex(State())
    /// Of messages for no sandbox that their sender may know of.
    let elsewhere = SandboxMeter()
    /// Requests that were refused.
    let refusals = Counter()
    /// Audit events that could not be written.
    let auditFailures = Counter()
    /// Connections that were closed for what their peers did, or not taken.
    let connectionsClosed = Counter()
    /// Damage that was found.
    let damage = Counter()
    private let connections = Mutex<@Sendable () -> Int>({ 0 })

    /// That of a sandbox; the same one always.
    func meter(of sandbox: String) -> SandboxMeter {
        state.withLock { state in
            if let known = state.ofSandboxes[sandbox] { return known }
            let meter = SandboxMeter()
            state.ofSandboxes[sandbox] = meter
            return meter
        }
    }

    /// With their sandboxes' names, in order.
    var ofSandboxes: [(sandbox: String, meter: SandboxMeter)] {
        state.withLock { $0.ofSandboxes.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
    }

    /// Takes note of who knows how many connections are open.
    func watchConnections(_ count: @escaping @Sendable () -> Int) {
        connections.withLock { $0 = count }
    }

    /// Connections that are open.
    var openConnections: Int { connections.withLock { $0 }() }

    /// Takes note of what waits in a sandbox to be exported.
    func note(_ backlogs: [BacklogFigure], of sandbox: String) {
        state.withLock { $0.backlogs[sandbox] = backlogs }
    }

    /// What waits to be exported in a sandbox.
    func backlogs(of sandbox: String) -> [BacklogFigure] {
        state.withLock { $0.backlogs[sandbox] ?? [] }
    }
}

/// What waits to be exported by one dataflow.
struct BacklogFigure: Hashable, Sendable {
    /// Records that it has not exported.
    let records: UInt64
    /// Whether they may expire before they are exported.
    let isAtRisk: Bool
}
