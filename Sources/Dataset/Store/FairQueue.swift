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

    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element, of source: UInt64) {
        if lanes[source] == nil { turns.append(source) }
        lanes[source, default: Lane()].elements.append(element)
        count += 1
    }

    /// Takes one after the other, each of the next source, until `limit` of them, or `bytes`, are taken; of one source at most `share`.
    /// The first is taken whatever its size. `fewest`: elements taken of the source that brought least; of one alone, no number.
    mutating func take(
        atMost limit: Int, bytes: Int, share: Int, size: (Element) -> Int
    ) -> (elements: [Element], bytes: Int, fewest: Int) {
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
        return (taken, total, ofSource.count > 1 ? ofSource.values.map(\.count).min() ?? 0 : .max)
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
