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

    /// Whose turn it is.
    var first: Element? { turn < turns.count ? lanes[turns[turn]]?.first : nil }

    /// Takes the first; then the next source has its turn.
    mutating func removeFirst() {
        let source = turns[turn]
        lanes[source]?.removeFirst()
        count -= 1
        turn += 1
        if lanes[source]?.first == nil { lanes[source] = nil } else { turns.append(source) }
        guard turn * 2 >= turns.count else { return }
        turns.removeFirst(turn)
        turn = 0
    }
}
