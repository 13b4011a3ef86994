/// Pauses between tries: each is a random part, at least half, of a time that doubles up to a limit, so that those who lost the same
/// server do not come back at the same moment.
package struct Backoff: Sendable {
    private var longest: Double
    private let limit: Double

    /// - Parameter milliseconds: the first and the longest pause.
    package init(milliseconds: ClosedRange<Int>) {
        longest = Double(milliseconds.lowerBound)
        limit = Double(milliseconds.upperBound)
    }

    /// The next pause.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { longest = min(longest * 2, limit) }
        return .milliseconds(Double.random(in: longest / 2...longest, using: &generator))
    }
}
