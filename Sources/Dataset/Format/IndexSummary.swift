import Model

/// What an index says of its segment as a whole, and where its parts are.
struct IndexSummary: Hashable, Sendable {
    /// Of the visible records; 0: there is none.
    var firstSequence: UInt64 = 0
    var lastSequence: UInt64 = 0
    /// The highest that any header of the segment names, also of what does not count.
    var highestSequence: UInt64 = 0
    var records: UInt64 = 0
    /// Ids that are known: of the records, and of those that were erased.
    var ids: UInt64 = 0
    var tombstones: UInt64 = 0
    var batches: UInt64 = 0
    /// Bytes of the data file that count.
    var size: Int64 = 0
    var firstIngestedAt = Instant(milliseconds: 0)
    var lastIngestedAt = Instant(milliseconds: 0)
    /// What the ids' sequences and times are told from.
    var lowestSequence: UInt64 = 0
    var lowestIngestedAt = Instant(milliseconds: 0)
    var dictionary: BatchLocation?
    var lost: [ClosedRange<UInt64>] = []
    var voids: [Range<UInt64>] = []
    var submitters: [UInt32] = []
    var groups: [UInt64: UInt64] = [:]
    /// What the blocks begin with: of batches the first sequence, of ids and postings the first fingerprint.
    var batchFences: [UInt64] = []
    var idFences: [UInt64] = []
    var termFences: [UInt64] = []

    init(_ index: OpenIndex) {
        if !index.batches.isEmpty {
            let last = index.batches[index.batches.count - 1]
            firstSequence = index.batches[0].firstSequence
            lastSequence = last.lastSequence
            firstIngestedAt = index.batches[0].ingestedAt
            lastIngestedAt = index.lastIngestedAt
        }
        lowestSequence = index.lowestSequence ?? 0
        lowestIngestedAt = index.lowestIngestedAt ?? firstIngestedAt
        highestSequence = index.highestSequence
        records = index.records
        tombstones = UInt64(index.tombstones.count)
        batches = UInt64(index.batches.count)
        size = index.size
        dictionary = index.dictionary
        lost = index.lost
        voids = index.voids
        submitters = index.submitters.sorted()
        groups = index.groups
    }

    var encoded: [UInt8] {
        var writer = ByteWriter()
        for value in [firstSequence, lastSequence, highestSequence, records, ids, tombstones, batches, lowestSequence] {
            writer.write(value)
        }
        writer.write(size)
        for time in [firstIngestedAt, lastIngestedAt, lowestIngestedAt] { writer.write(time.milliseconds) }
        writer.write(dictionary?.offset ?? -1)
        writer.write(dictionary?.sealedSize ?? 0)
        writer.write(UInt32(lost.count))
        for range in lost {
            writer.write(range.lowerBound)
            writer.write(range.upperBound)
        }
        writer.write(UInt32(voids.count))
        for range in voids {
            writer.write(range.lowerBound)
            writer.write(range.upperBound)
        }
        writer.write(UInt32(submitters.count))
        for submitter in submitters { writer.write(submitter) }
        writer.write(UInt32(groups.count))
        for (group, count) in groups.sorted(by: { $0.key < $1.key }) {
            writer.write(group)
            writer.write(count)
        }
        for fences in [batchFences, idFences, termFences] {
            writer.write(UInt32(fences.count))
            for fence in fences { writer.write(fence) }
        }
        return writer.bytes
    }

    /// Nil when the bytes are not exactly one summary.
    init?(encoded: [UInt8]) {
        var reader = ByteReader(encoded[...])
        guard let numbers = reader.read(UInt64.self, count: 8), let size = reader.read(Int64.self),
            let times = reader.read(Int64.self, count: 3), let dictionaryOffset = reader.read(Int64.self),
            let dictionarySize = reader.read(UInt32.self), let lost = reader.readPairs(), let voids = reader.readPairs(),
            let submitters = reader.readList(UInt32.self), let groups = reader.readPairs(),
            let batchFences = reader.readList(UInt64.self), let idFences = reader.readList(UInt64.self),
            let termFences = reader.readList(UInt64.self), reader.remaining == 0, lost.allSatisfy({ $0.0 <= $0.1 }),
            voids.allSatisfy({ $0.0 <= $0.1 })
        else { return nil }
        (firstSequence, lastSequence, highestSequence, records) = (numbers[0], numbers[1], numbers[2], numbers[3])
        (ids, tombstones, batches, lowestSequence) = (numbers[4], numbers[5], numbers[6], numbers[7])
        self.size = size
        firstIngestedAt = Instant(milliseconds: times[0])
        lastIngestedAt = Instant(milliseconds: times[1])
        lowestIngestedAt = Instant(milliseconds: times[2])
        if dictionaryOffset >= 0 {
            dictionary = BatchLocation(
                offset: dictionaryOffset, firstSequence: 0, lastSequence: 0, ingestedAt: firstIngestedAt, count: 0,
                sealedSize: dictionarySize, plainSize: dictionarySize)
        }
        self.lost = lost.map { $0.0...$0.1 }
        self.voids = voids.map { $0.0..<$0.1 }
        self.submitters = submitters
        self.groups = Dictionary(groups.map { ($0.0, $0.1) }, uniquingKeysWith: +)
        (self.batchFences, self.idFences, self.termFences) = (batchFences, idFences, termFences)
    }
}

extension ByteReader {
    fileprivate mutating func readList<Integer: FixedWidthInteger>(_ type: Integer.Type) -> [Integer]? {
        guard let count = read(UInt32.self) else { return nil }
        return read(type, count: Int(count))
    }

    fileprivate mutating func readPairs() -> [(UInt64, UInt64)]? {
        guard let count = read(UInt32.self), let numbers = read(UInt64.self, count: Int(count) * 2) else { return nil }
        return (0..<Int(count)).map { (numbers[2 * $0], numbers[2 * $0 + 1]) }
    }
}
