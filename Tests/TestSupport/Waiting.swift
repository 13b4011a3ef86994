/// What a test waited for did not come: without a limit it would stand, and say nothing.
package struct NeverCame: Error, CustomStringConvertible {
    /// What was waited for.
    package let what: String

    package init(what: String) {
        self.what = what
    }

    package var description: String { "waited in vain for \(what)" }
}

/// Waits until something is so, for what tells nobody when it happens.
///
/// - Parameter limit: when the test fails instead; far above what it takes on a slow machine, so that no result hangs on it.
/// - Throws: `NeverCame`, or what the condition throws.
package func wait(
    for what: String, limit: Duration = .seconds(240), until condition: () async throws -> Bool
) async throws {
    let start = ContinuousClock.now
    while try await !condition() {
        guard ContinuousClock.now - start < limit, !Task.isCancelled else { throw NeverCame(what: what) }
        await Task.yield()
    }
}
