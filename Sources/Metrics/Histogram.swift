import Synchronization

/// How often values were how large: counted in buckets, of which each holds what the one below it does not. Any thread may observe.
package final class Histogram: Sendable {
    /// The buckets' upper bounds, in what is observed.
    let bounds: [UInt64]
    private let buckets: [Counter]
    private let total = Counter()

    /// - Parameter bounds: grow; what is larger than the last is counted beyond it.
    package init(bounds: [UInt64]) {
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Counter() }
    }

    /// Nanoseconds, from 50 µs to 10 s.
    package static var durations: Histogram {
        Histogram(
            bounds: [
                50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
                10_000_000,
            ].map { $0 * 1_000 })
    }

    /// From 1 on, each bound `factor` times the one before.
    package static func powers(of factor: UInt64, count: Int) -> Histogram {
        Histogram(
            bounds: (0..<count).reduce(into: [1]) { bounds, index in if index > 0 { bounds.append(bounds[index - 1] * factor) } })
    }

    /// Counts a value.
    package func observe(_ value: UInt64) {
        var bucket = 0
        while bucket < bounds.count, value > bounds[bucket] { bucket += 1 }
        buckets[bucket].add()
        total.add(value)
    }

    /// What was observed so far. Not of one instant where others observe meanwhile.
    package var reading: Reading {
        Reading(bounds: bounds, counts: buckets.map(\.value), sum: total.value)
    }

    /// What a histogram held.
    package struct Reading: Hashable, Sendable {
        /// The buckets' upper bounds.
        package let bounds: [UInt64]
        /// One more than bounds.
        package private(set) var counts: [UInt64]
        /// Of all values.
        package private(set) var sum: UInt64

        init(bounds: [UInt64], counts: [UInt64], sum: UInt64) {
            (self.bounds, self.counts, self.sum) = (bounds, counts, sum)
        }

        /// Adds what another one of the same bounds held.
        package mutating func add(_ other: Reading) {
            for index in counts.indices { counts[index] += other.counts[index] }
            sum += other.sum
        }
    }
}
