import Foundation
import Glibc

/// Shows on a terminal how far something is that takes long; anywhere else it shows nothing.
struct ProgressBar {
    private static let width = 30
    private let isShown = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private var last: ContinuousClock.Instant?
    private let isCount: Bool

    /// - Parameter isCount: whether what is done is counted in things, so that their rate says something.
    init(isCount: Bool = false) {
        self.isCount = isCount
    }

    /// - Parameter what: is shown behind the bar, such as `3 of 20 MiB`.
    mutating func show(_ done: UInt64, of all: UInt64, _ what: @autoclosure () -> String) {
        let now = ContinuousClock.now
        // What is over in a second needs no bar, and ten pictures a second are enough.
        guard isShown, now - start > .seconds(1), last.map({ now - $0 > .milliseconds(100) }) != false else { return }
        last = now
        let filled = all == 0 ? 0 : min(ProgressBar.width, Int(done * UInt64(ProgressBar.width) / all))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: ProgressBar.width - filled)
        let elapsed = Double((now - start).components.seconds)
        let rate = elapsed >= 1 ? ", \(Int(Double(done) / elapsed))/s" : ""
        let left = done > 0 && done < all ? ", \(Int(elapsed * Double(all - done) / Double(done))) s left" : ""
        Terminal.complain("\r\u{1B}[K\(bar) \(what())\(isCount ? rate : "")\(left)")
    }

    /// Leaves the line as if nothing had been there.
    func end() {
        if last != nil { Terminal.complain("\r\u{1B}[K") }
    }
}
