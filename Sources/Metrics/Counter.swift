import Synchronization

/// A number that only grows. Any thread may count.
package final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    package init() {}

    /// Counts as many more.
    package func add(_ number: UInt64 = 1) {
        count.wrappingAdd(number, ordering: .relaxed)
    }

    /// What was counted so far.
    package var value: UInt64 { count.load(ordering: .relaxed) }
}
