import Model

/// A queue whose sources take turns: who brings much does not hold up who brings little. Within a source the order is kept.
struct FairQueue<Element> {
    /// What waits of one source; what was taken is cut off when it is half of it.
    private struct Lane {
        var elements: [Element] = []
        var taken = 0

        var first: Element? { taken < elements.count ? elements[taken] : nil }

        mutating func removeFirst() {
            taken += 1
            guard taken * 2 >= elements.count else { return }
            elements.removeFirst(taken)
            taken = 0
        }
    }

    private var lanes: [UInt64: Lane] = [:]
    /// The sources that have something, the next one first; what had its turn is cut off when it is half of it.
    private var turns: [UInt64] = []
    private var turn = 0
    private(set) var count = 0
    /// How often in a row each source brought few.
    private var quietTimes: [UInt64: Int] = [:]

    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element, of source: UInt64) {
        if lanes[source] == nil { turns.append(source) }
        lanes[source, default: Lane()].elements.append(element)
        count += 1
    }

    /// Takes one after the other, each of the next source, until `limit` of them, or `bytes`, are taken; of one source at most `share`.
    /// The first is taken whatever its size. `hasQuiet`: whether beside others there is a source that has brought few for some time.
    mutating func take(
        atMost limit: Int, bytes: Int, share: Int, size: (Element) -> Int
    ) -> (elements: [Element], bytes: Int, hasQuiet: Bool) {
        var taken: [Element] = []
        var total = 0
        var ofSource: [UInt64: (count: Int, bytes: Int)] = [:]
        // Sources in a row that have had their share.
        var passed = 0
        while taken.count < limit, passed < lanes.count {
            let source = turns[turn]
            guard let next = lanes[source]?.first else { break }
            let size = size(next)
            let used = ofSource[source, default: (0, 0)]
            guard used.count == 0 || used.bytes + size <= share else {
                passed += 1
                rotate(source)
                continue
            }
            guard taken.isEmpty || total + size <= bytes else { break }
            passed = 0
            taken.append(next)
            total += size
            ofSource[source] = (used.count + 1, used.bytes + size)
            lanes[source]?.removeFirst()
            count -= 1
            rotate(source)
        }
        return (taken, total, noteQuiet(ofSource.mapValues(\.count)) && ofSource.count > 1)
    }

    /// Whether any of these has brought few, each time, for some time: who brings much may do so once by chance.
    private mutating func noteQuiet(_ counts: [UInt64: Int]) -> Bool {
        // More sources than this are not there at a time; those that are gone are forgotten.
        if quietTimes.count > Limits.connections { quietTimes = [:] }
        var hasQuiet = false
        for (source, count) in counts {
            let times = count <= Limits.batchFewRecords ? quietTimes[source, default: 0] + 1 : 0
            quietTimes[source] = times
            if times >= Limits.batchQuietTimes { hasQuiet = true }
        }
        return hasQuiet
    }

    /// The next source has its turn.
    private mutating func rotate(_ source: UInt64) {
        turn += 1
        if lanes[source]?.first == nil { lanes[source] = nil } else { turns.append(source) }
        guard turn * 2 >= turns.count else { return }
        turns.removeFirst(turn)
        turn = 0
    }
}
