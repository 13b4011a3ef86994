package import Model
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualTime: TimeSource {
    private let current: Mutex<Instant>

    /// Starts at 2026-11-23T12:00:00Z.
    package init(_ start: Instant = Instant(milliseconds: 1_795_435_200_000)) {
        current = Mutex(start)
    }

    package var now: Instant { current.withLock { $0 } }

    /// Lets time pass.
    package func advance(hours: Int64 = 0, milliseconds: Int64 = 0) {
        current.withLock { $0.milliseconds += hours * 3_600_000 + milliseconds }
    }

    /// Sets the clock, backwards too.
    package func set(_ instant: Instant) {
        current.withLock { $0 = instant }
    }
}
