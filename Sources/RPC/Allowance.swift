import Synchronization

/// How much of something all connections may have together, and each of them: one cannot take all. Any thread.
package final class Allowance: Sendable {
    private struct Waiter {
        let number: UInt64
        let amount: Int
        let connection: UInt64
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var taken = 0
        var ofConnection: [UInt64: Int] = [:]
        /// In the order in which they began to wait.
        var waiters: [Waiter] = []
        var lastNumber: UInt64 = 0
        /// Those who are about to wait; who is cancelled before is not among them any more.
        var beginning: Set<UInt64> = []
    }

    /// Of all connections together.
    package let limit: Int
    /// Of each.
    package let share: Int
    private let state = Mutex(State())

    package init(limit: Int, share: Int) {
        self.limit = limit
        self.share = share
    }

    /// Takes `amount` for a connection. False when it does not fit; nothing was taken then.
    package func take(_ amount: Int, of connection: UInt64) -> Bool {
        state.withLock { take(amount, of: connection, &$0) }
    }

    /// Takes `amount` for a connection as soon as it fits, in the order in which this was asked for; who has its share does not hold up
    /// others. False when the task was cancelled, or it never fits; nothing was taken then.
    package func wait(_ amount: Int, of connection: UInt64) async -> Bool {
        guard amount <= min(limit, share) else { return false }
        let number = state.withLock { state in
            state.lastNumber += 1
            state.beginning.insert(state.lastNumber)
            return state.lastNumber
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    guard state.beginning.remove(number) != nil else { return true }
                    state.waiters.append(
                        Waiter(number: number, amount: amount, connection: connection, continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume(returning: false) } else { resumeWaiters() }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard state.beginning.remove(number) == nil else { return nil }
                return state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: false)
            resumeWaiters()
        }
    }

    /// How many wait.
    package var waiters: Int { state.withLock { $0.waiters.count } }

    /// Gives back what was taken for a connection.
    package func giveBack(_ amount: Int, of connection: UInt64) {
        guard amount > 0 else { return }
        state.withLock { state in
            let rest = state.ofConnection[connection, default: 0] - amount
            precondition(rest >= 0, "what is given back was taken")
            state.ofConnection[connection] = rest == 0 ? nil : rest
            state.taken -= amount
        }
        resumeWaiters()
    }

    private func take(_ amount: Int, of connection: UInt64, _ state: inout State) -> Bool {
        let held = state.ofConnection[connection, default: 0]
        guard held + amount <= share, state.taken + amount <= limit else { return false }
        state.ofConnection[connection] = held + amount
        state.taken += amount
        return true
    }

    private func resumeWaiters() {
        let fitting = state.withLock { state -> [Waiter] in
            var fitting: [Waiter] = []
            var rest: [Waiter] = []
            var isHeldUp = false
            for waiter in state.waiters {
                let hasShare = state.ofConnection[waiter.connection, default: 0] + waiter.amount <= share
                if !isHeldUp, hasShare, take(waiter.amount, of: waiter.connection, &state) {
                    fitting.append(waiter)
                } else {
                    // What does not fit for all holds up those behind it, or what is large would wait for ever.
                    isHeldUp = isHeldUp || hasShare
                    rest.append(waiter)
                }
            }
            state.waiters = rest
            return fitting
        }
        for waiter in fitting { waiter.continuation.resume(returning: true) }
    }
}
