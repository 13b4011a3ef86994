import Messages
import Model
import Synchronization

/// Which configurations have their flag off, as long as that may be relied on.
final class FlagCache: Sendable {
    private struct State {
        var disabled: Set<String> = []
        var generation: UInt64?
        var leaseUntil: Int64 = 0
    }

    private let state = Mutex(State())

    /// Whether a message sent with it would not be kept, for sure.
    func isDisabled(_ configuration: String) -> Bool {
        state.withLock { $0.leaseUntil > BootClock.milliseconds && $0.disabled.contains(configuration) }
    }

    func take(_ answer: ConfigurationFlags) {
        state.withLock { state in
            if let flags = answer.flags {
                state.disabled = Set(flags.filter(\.isDisabled).map(\.name))
                state.generation = answer.generation
            }
            // A renewal of what is not known is no lease.
            state.leaseUntil = state.generation == answer.generation ? answer.leaseUntil : 0
        }
    }
}
