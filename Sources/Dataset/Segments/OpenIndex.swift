import Model

/// Where a batch of records is in its data file, and what is in it.
struct BatchLocation: Hashable, Sendable {
    let offset: Int64
    let firstSequence: UInt64
    let lastSequence: UInt64
    /// When its first record was ingested; the others not before it.
    let ingestedAt: Instant
    let count: UInt32
    let sealedSize: UInt32
    /// Its bytes as they are decoded.
    let plainSize: UInt32

    /// Bytes that stand in its file before the next batch.
    var extent: Int64 {
        let used = Batch.Header.size + Int(sealedSize) + Batch.tagSize
        return Int64((used + Batch.blockSize - 1) / Batch.blockSize * Batch.blockSize)
    }
}

extension BatchLocation {
    init(_ header: Batch.Header, offset: Int64) {
        self.init(
            offset: offset, firstSequence: header.firstSequence, lastSequence: header.lastSequence, ingestedAt: header.ingestedAt,
            count: header.count, sealedSize: header.sealedSize, plainSize: header.plainSize)
    }
}

/// That a record is found by a term.
struct Posting: Hashable, Comparable, Sendable {
    let term: UInt64
    let sequence: UInt64

    static func < (left: Posting, right: Posting) -> Bool {
        left.term == right.term ? left.sequence < right.sequence : left.term < right.term
    }
}

/// What an index file says, of a segment that has none yet: in memory, some 100 bytes a record. A copy is a consistent view of what was
/// published when it was made.
struct OpenIndex: Sendable {
    /// In the order of their sequences.
    private(set) var batches = Log<BatchLocation>()
    private(set) var postings = Log<Posting>()
    private(set) var records: UInt64 = 0
    /// Records by the term that they are counted by.
    private(set) var groups: [UInt64: UInt64] = [:]
    private(set) var submitters: Set<UInt32> = []
    private(set) var lastIngestedAt = Instant(milliseconds: .min)
    /// What the batches were compressed with.
    var dictionary: BatchLocation?
    /// Sequences that were found lost, and those that failed batches had.
    var lost: [ClosedRange<UInt64>] = []
    var voids: [Range<UInt64>] = []
    /// Of the sealed batches' headers, also of those that do not count.
    private(set) var highestSequence: UInt64 = 0
    /// Of all whose ids are known; nil: there is none.
    private(set) var lowestSequence: UInt64?
    private(set) var lowestIngestedAt: Instant?
    /// Of erased records, whose ids are known still.
    private(set) var tombstones: [Tombstone] = []

    /// Bytes of the data file up to the end of its last readable batch.
    var size: Int64 { batches.isEmpty ? 0 : batches[batches.count - 1].offset + batches[batches.count - 1].extent }

    mutating func append(_ batch: BatchLocation) {
        batches.append(batch)
        records += UInt64(batch.count)
        noteSequence(batch.lastSequence)
        noteLowest(batch.firstSequence, batch.ingestedAt)
    }

    /// Takes note of a sequence that was given, whether it counts or not.
    mutating func noteSequence(_ sequence: UInt64) {
        highestSequence = max(highestSequence, sequence)
    }

    mutating func append(_ tombstone: Tombstone) {
        tombstones.append(tombstone)
        noteLowest(tombstone.known.sequence, tombstone.known.ingestedAt)
    }

    private mutating func noteLowest(_ sequence: UInt64, _ ingestedAt: Instant) {
        lowestSequence = min(lowestSequence ?? sequence, sequence)
        lowestIngestedAt = min(lowestIngestedAt ?? ingestedAt, ingestedAt)
    }

    mutating func append(sequence: UInt64, ingestedAt: Instant, submitter: UInt32, group: Term, terms: [Term]) {
        postings.append(Posting(term: group.fingerprint, sequence: sequence))
        for term in terms { postings.append(Posting(term: term.fingerprint, sequence: sequence)) }
        groups[group.fingerprint, default: 0] += 1
        if !submitters.contains(submitter) { submitters.insert(submitter) }
        lastIngestedAt = max(lastIngestedAt, ingestedAt)
    }

    /// Sequences of the records that a term finds, in their order.
    func sequences(of term: Term) -> [UInt64] {
        var found: [UInt64] = []
        postings.forEach { if $0.term == term.fingerprint { found.append($0.sequence) } }
        return found
    }
}

/// What is known of the ids of a segment that has no index file yet. In parts, so that none takes long to grow.
struct OpenIDs: Sendable {
    private var parts = [[Fingerprint: KnownRecord]](repeating: [:], count: 16)

    subscript(fingerprint: Fingerprint) -> KnownRecord? {
        get { parts[Int(fingerprint.low & 15)][fingerprint] }
        set { parts[Int(fingerprint.low & 15)][fingerprint] = newValue }
    }

    var count: Int { parts.reduce(0) { $0 + $1.count } }

    var all: [(fingerprint: Fingerprint, known: KnownRecord)] { parts.flatMap { $0.map { ($0.key, $0.value) } } }
}
