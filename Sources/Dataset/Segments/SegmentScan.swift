import Disk
import Model

/// Walks through a data file that has no index: one that a stop of any kind left behind.
struct SegmentScan {
    /// A stretch of the file that holds no readable batch.
    struct Damage: Hashable, CustomStringConvertible {
        let offset: Int64
        /// The batch's own header, where that can still be trusted.
        let header: Batch.Header?
        /// The last thing in the file: the write under way when the daemon stopped, or the last batch damaged since.
        var isTail: Bool

        var description: String {
            let records =
                header.map { "\($0.count) records, sequences \($0.firstSequence) to \($0.lastSequence)" } ?? "unknown records"
            return isTail
                ? "cut at byte \(offset): the last batch was not written whole (\(records); possibly acknowledged)"
                : "damaged at byte \(offset): \(records) lost, all other batches are intact"
        }
    }

    /// What is to be known of a record.
    struct Record {
        let fingerprint: Fingerprint
        let known: KnownRecord
        let submitter: UInt32
        let group: Term
        let terms: [Term]

        init(_ record: StoredRecord) {
            fingerprint = record.fingerprint
            known = record.known
            submitter = record.submitter
            group = record.group
            terms = record.terms
        }
    }

    let identity: SegmentIdentity
    let keys: SegmentKeys
    private(set) var batches: [(location: BatchLocation, records: [Record])] = []
    private(set) var tombstones: [Tombstone] = []
    private(set) var dictionary: BatchLocation?
    private(set) var damage: [Damage] = []
    /// Sequences that failed batches had, by what the headers here say.
    private(set) var voids: [Range<UInt64>] = []
    private(set) var highestSequence: UInt64 = 0
    private var reader: SegmentReader
    private let file: any File
    private var nextOrdinal: UInt64 = 0
    /// Where the last batch that has a trusted header ends.
    private var end: Int64 = 0
    /// Whether what lies between `end` and here is in `damage` already.
    private var isNoted = false

    /// Finds every batch that opens, and every stretch that should be one and is not. A block that cannot be read counts as damage.
    /// Syncs the file first: what is served is durable.
    init(_ identity: SegmentIdentity, keys: SegmentKeys, folders: DatasetFolders, files: any Files) throws(DatasetError) {
        self.identity = identity
        self.keys = keys
        do throws(DiskError) {
            file = try files.open(folders.data(identity.fileName))
            reader = SegmentReader(identity, keys, file)
            try file.sync()
        } catch {
            throw DatasetError(.io, "\(error)", source: .init(segment: identity.id, isIndex: false))
        }
        try run()
    }

    private mutating func run() throws(DatasetError) {
        let size = try unlessDiskFails(identity) { () throws(DiskError) in try file.size() }
        var offset: Int64 = 0
        while offset < size {
            let block = try read(offset)
            guard let block, let header = Batch.Header(block[...], segment: identity.id, key: keys.headers),
                header.ordinal >= nextOrdinal
            else {
                if block?.contains(where: { $0 != 0 }) != false { note(offset) }
                offset += Int64(Batch.blockSize)
                continue
            }
            try take(header, at: offset)
            offset += header.extent
        }
    }

    private func read(_ offset: Int64) throws(DatasetError) -> [UInt8]? {
        do {
            return try unlessDiskFails(identity) { () throws(DiskError) in try file.read(Batch.blockSize, at: offset) }
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    private mutating func note(_ offset: Int64) {
        guard !isNoted else { return }
        damage.append(Damage(offset: offset, header: nil, isTail: true))
        isNoted = true
    }

    private mutating func take(_ header: Batch.Header, at offset: Int64) throws(DatasetError) {
        // Ordinals have no gaps: a batch that is gone without a trace, its blocks all zero, is noticed by the next one.
        if header.ordinal > nextOrdinal { note(end) }
        // A batch is begun only when all before it are durable: what lies before this one is no tail.
        for index in damage.indices { damage[index].isTail = false }
        isNoted = false
        nextOrdinal = header.ordinal + 1
        end = offset + header.extent
        highestSequence = max(highestSequence, header.lastSequence)
        if header.voidFrom < header.firstSequence { voids.append(header.voidFrom..<header.firstSequence) }
        guard let plain = try reader.plain(of: header, at: offset), open(plain, header, at: offset) else {
            damage.append(Damage(offset: offset, header: header, isTail: true))
            return
        }
    }

    private mutating func open(_ plain: [UInt8], _ header: Batch.Header, at offset: Int64) -> Bool {
        switch header.kind {
        case .records:
            guard let records = EntryCoding.decode(plain, header: header, expiry: identity.expiry) else { return false }
            batches.append((BatchLocation(header, offset: offset), records.map(Record.init)))
        case .dictionary:
            dictionary = BatchLocation(header, offset: offset)
            reader = SegmentReader(identity, keys, file, dictionary: plain)
        case .tombstones:
            guard let found = Tombstone.decode(plain, count: header.count) else { return false }
            tombstones += found
        }
        return true
    }

    /// Leaves out what failed batches left behind, whole or torn, by what this and other segments say.
    mutating func drop(_ voids: [Range<UInt64>]) {
        guard !voids.isEmpty else { return }
        func isVoid(_ sequence: UInt64) -> Bool { voids.contains { $0.contains(sequence) } }
        damage.removeAll { $0.header.map { isVoid($0.firstSequence) } ?? false }
        batches.removeAll { isVoid($0.location.firstSequence) }
    }

    /// What is to be known of the segment until it has an index file.
    var index: (OpenIndex, OpenIDs) {
        var index = OpenIndex()
        var ids = OpenIDs()
        index.dictionary = dictionary
        index.voids = voids
        index.lost = damage.filter { !$0.isTail }.compactMap(\.header).filter { $0.kind == .records }.map {
            $0.firstSequence...$0.lastSequence
        }
        index.noteSequence(highestSequence)
        for tombstone in tombstones {
            index.append(tombstone)
            ids[tombstone.fingerprint] = tombstone.known
        }
        for (location, records) in batches {
            index.append(location)
            for record in records {
                index.append(
                    sequence: record.known.sequence, ingestedAt: record.known.ingestedAt, submitter: record.submitter,
                    group: record.group, terms: record.terms)
                ids[record.fingerprint] = record.known
            }
        }
        return (index, ids)
    }

    /// Whether nothing is to be known of it.
    var isEmpty: Bool { batches.isEmpty && tombstones.isEmpty }
}
