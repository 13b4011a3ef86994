/// Runs that wait for their turn: each sandbox in turn, so that none waits for all of another's. A value.
struct RunQueue: Sendable {
    private var orders: [String: [String]] = [:]
    /// Sandboxes that have any, the next one first.
    private var turns: [String] = []

    var count: Int { orders.values.reduce(0) { $0 + $1.count } }

    mutating func append(_ runID: String, of sandboxID: String) {
        if orders[sandboxID] == nil { turns.append(sandboxID) }
        orders[sandboxID, default: []].append(runID)
    }

    mutating func next() -> (runID: String, sandboxID: String)? {
        guard !turns.isEmpty else { return nil }
        let sandboxID = turns.removeFirst()
        guard var waiting = orders.removeValue(forKey: sandboxID), !waiting.isEmpty else { return next() }
        let runID = waiting.removeFirst()
        if !waiting.isEmpty {
            orders[sandboxID] = waiting
            turns.append(sandboxID)
        }
        return (runID, sandboxID)
    }
}
