/// An append-only list. A copy of it is cheap to make and to go on from, for the one who appends too: all but its last elements are shared.
struct Log<Element> {
    private static var chunkSize: Int { 1024 }

    private var chunks: [[Element]] = []
    private var last: [Element] = []

    var count: Int { chunks.count * Log.chunkSize + last.count }
    var isEmpty: Bool { chunks.isEmpty && last.isEmpty }
    var first: Element? { chunks.first?.first ?? last.first }

    init() {}

    init(_ elements: some Sequence<Element>) {
        for element in elements { append(element) }
    }

    subscript(index: Int) -> Element {
        let chunk = index / Log.chunkSize
        return chunk < chunks.count ? chunks[chunk][index % Log.chunkSize] : last[index % Log.chunkSize]
    }

    mutating func append(_ element: Element) {
        if last.isEmpty { last.reserveCapacity(min(Log.chunkSize, count == 0 ? 8 : Log.chunkSize)) }
        last.append(element)
        guard last.count == Log.chunkSize else { return }
        chunks.append(last)
        last = []
    }

    func forEach(_ body: (Element) -> Void) {
        for chunk in chunks { chunk.forEach(body) }
        last.forEach(body)
    }

    /// The first index whose element fulfils the predicate, which no element before it does and all after it do; `count`: none.
    func partitionPoint(_ predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

extension Log: Sendable where Element: Sendable {}
