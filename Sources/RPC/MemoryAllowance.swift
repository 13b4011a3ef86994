import Synchronization

/// How much memory all who use it may take together. Any thread.
package final class MemoryAllowance: Sendable {
    /// In bytes.
    package let limit: Int
    private let taken = Mutex(0)

    package init(limit: Int) {
        self.limit = limit
    }

    /// False when there is no room; nothing was taken then.
    package func take(_ bytes: Int) -> Bool {
        taken.withLock { taken in
            guard taken + bytes <= limit else { return false }
            taken += bytes
            return true
        }
    }

    /// Gives back what was taken.
    package func giveBack(_ bytes: Int) {
        guard bytes > 0 else { return }
        taken.withLock { taken in
            precondition(taken >= bytes, "what is given back was taken")
            taken -= bytes
        }
    }
}
