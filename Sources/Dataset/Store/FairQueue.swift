import Model

/// A queue whose sources take turns: who brings much does not hold up who brings little. Within a source the order is kept.
struct FairQueue<Element> {
    /// What waits of one source; what was taken is cut off when it is half of it.
    private struct Lane {
        let source: UInt64
        var elements: [Element] = []
        var taken = 0
        /// Of it in the batch that is being taken.
        var used = (count: 0, bytes: 0)

        var first: Element? { taken < elements.count ? elements[taken] : nil }

        mutating func removeFirst() {
            taken += 1
            guard taken * 2 >= elements.count else { return }
            elements.removeFirst(taken)
            taken = 0
        }
    }

    /// By a number of their own; those that are empty wait in `free` for another source.
    private var lanes: [Lane] = []
    private var free: [Int] = []
    private var numbers: [UInt64: Int] = [:]
    /// The lanes that have something, the next one first; what had its turn is cut off when it is half of it.
    private var turns: [Int] = []
    private var turn = 0
    private(set) var count = 0
    /// How often in a row each source brought few.
    private var quietTimes: [UInt64: Int] = [:]

    var isEmpty: Bool { count == 0 }

    mutating func append(_ element: Element, of source: UInt64) {
        lanes[numbers[source] ?? open(source)].elements.append(element)
        count += 1
    }

    private mutating func open(_ source: UInt64) -> Int {
        let number = free.popLast() ?? lanes.count
        if number == lanes.count { lanes.append(Lane(source: source)) } else { lanes[number] = Lane(source: source) }
        numbers[source] = number
        turns.append(number)
        return number
    }

    /// Takes one after the other, each of the next source, until `limit` of them, or `bytes`, are taken; of one source at most `share`.
    /// The first is taken whatever its size. `hasQuiet`: whether beside others there is a source that has brought few for some time.
    mutating func take(
        atMost limit: Int, bytes: Int, share: Int, size: (Element) -> Int
    ) -> (elements: [Element], bytes: Int, hasQuiet: Bool) {
        var taken: [Element] = []
        var total = 0
        var counts: [UInt64: Int] = [:]
        // Sources in a row that have had their share.
        var passed = 0
        while taken.count < limit, passed < numbers.count {
            let number = turns[turn]
            guard let next = lanes[number].first else { break }
            let size = size(next)
            guard lanes[number].used.count == 0 || lanes[number].used.bytes + size <= share else {
                passed += 1
                rotate()
                continue
            }
            guard taken.isEmpty || total + size <= bytes else { break }
            passed = 0
            taken.append(next)
            total += size
            lanes[number].used.count += 1
            lanes[number].used.bytes += size
            lanes[number].removeFirst()
            count -= 1
            if lanes[number].first == nil { counts[lanes[number].source] = lanes[number].used.count }
            rotate()
        }
        for number in turns[turn...] where lanes[number].used.count > 0 {
            counts[lanes[number].source] = lanes[number].used.count
            lanes[number].used = (0, 0)
        }
        return (taken, total, noteQuiet(counts) && counts.count > 1)
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

    /// The next source has its turn; one that has nothing any more has none.
    private mutating func rotate() {
        let number = turns[turn]
        turn += 1
        if lanes[number].first == nil { close(number) } else { turns.append(number) }
        guard turn * 2 >= turns.count else { return }
        turns.removeFirst(turn)
        turn = 0
    }

    private mutating func close(_ number: Int) {
        numbers[lanes[number].source] = nil
        lanes[number].elements = []
        free.append(number)
    }
}
