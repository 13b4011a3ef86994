import Disk
import Model

/// Writes records that are there already into the data file of a new segment, compressed, and gathers its index.
struct CompactWriter: ~Copyable {
    private let identity: SegmentIdentity
    private let identityBytes: [UInt8]
    private let keys: SegmentKeys
    private let file: any File
    private let dictionary: [UInt8]
    private let compressor: Zstandard.Compressor
    private var index = OpenIndex()
    private var ids = OpenIDs()
    private var ordinal: UInt64 = 0
    private var offset: Int64 = 0
    /// What is before it is on disk.
    private var syncedOffset: Int64 = 0
    /// What becomes the next batch.
    private var gathered: [StoredRecord] = []
    private var gatheredBytes = 0

    /// - Parameter dictionary: empty: none.
    init(identity: SegmentIdentity, keys: SegmentKeys, file: any File, dictionary: [UInt8]) {
        self.identity = identity
        identityBytes = identity.encoded
        self.keys = keys
        self.file = file
        self.dictionary = dictionary
        compressor = Zstandard.Compressor(level: Limits.compressionLevel, dictionary: dictionary)
    }

    /// Writes what is before the records.
    mutating func begin() throws(DiskError) {
        guard !dictionary.isEmpty else { return }
        index.dictionary = try write(.dictionary, dictionary, count: 0)
    }

    /// Takes over what is known of a segment as a whole.
    mutating func carry(_ summary: IndexSummary) {
        index.noteSequence(summary.highestSequence)
        index.lost += summary.lost
        index.voids += summary.voids
    }

    /// Takes note of records that could not be read.
    mutating func lose(_ sequences: ClosedRange<UInt64>) {
        index.lost.append(sequences)
    }

    /// Takes note of a record of which only its id is to be known.
    mutating func bury(_ tombstone: Tombstone) {
        index.append(tombstone)
        ids[tombstone.fingerprint] = tombstone.known
    }

    /// Appends a record, in the order of sequences.
    mutating func append(_ record: StoredRecord) throws(DiskError) {
        if !gathered.isEmpty, gatheredBytes + record.payload.count > Limits.compactedBatchBytes { try flush() }
        gathered.append(record)
        gatheredBytes += record.payload.count + Submission.overhead
    }

    /// Writes the rest, and makes all of it durable.
    mutating func finish() throws(DiskError) -> (OpenIndex, OpenIDs) {
        try flush()
        let tombstones = index.tombstones
        for start in stride(from: 0, to: tombstones.count, by: Limits.batchRecords) {
            let some = Array(tombstones[start..<min(start + Limits.batchRecords, tombstones.count)])
            _ = try write(.tombstones, Tombstone.encode(some), count: UInt32(some.count))
        }
        try file.sync()
        return (index, ids)
    }

    private mutating func flush() throws(DiskError) {
        guard !gathered.isEmpty else { return }
        index.append(try write(.records, EntryCoding.encode(gathered), count: UInt32(gathered.count)))
        for record in gathered {
            index.append(
                sequence: record.sequence, ingestedAt: record.ingestedAt, submitter: record.submitter, group: record.group,
                terms: record.terms)
            ids[record.fingerprint] = record.known
        }
        gathered = []
        gatheredBytes = 0
    }

    private mutating func write(_ kind: Batch.Header.Kind, _ plain: [UInt8], count: UInt32) throws(DiskError) -> BatchLocation {
        let compressed = kind == .records ? compressor.compress(plain) : plain
        let isCompressed = compressed.count < plain.count
        let content = isCompressed ? compressed : plain
        let header = Batch.Header(
            segment: identity.id, kind: kind,
            compression: !isCompressed ? .none : dictionary.isEmpty ? .zstd : .zstdWithDictionary, ordinal: ordinal,
            durable: 0, firstSequence: gathered.first?.sequence ?? 0, lastSequence: gathered.last?.sequence ?? 0,
            voidFrom: gathered.first?.sequence ?? 0, ingestedAt: gathered.first?.ingestedAt ?? Instant(milliseconds: 0),
            count: count, sealedSize: UInt32(content.count), plainSize: UInt32(plain.count))
        let location = BatchLocation(header, offset: offset)
        try file.write(Batch.seal(content, header: header, identity: identityBytes, keys: keys), at: offset)
        ordinal += 1
        offset += header.extent
        if offset - syncedOffset >= Limits.upkeepSyncBytes {
            // Whoever commits meanwhile waits for what the disk was given before.
            try file.sync()
            syncedOffset = offset
        }
        return location
    }
}
