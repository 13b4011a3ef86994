import Disk
import FoundationEssentials
import Model

/// Appends batches to a segment of its own making. After a throw it must not be used again: begin a new segment.
struct SegmentWriter: Sendable {
    let identity: SegmentIdentity
    let keys: SegmentKeys
    private let file: any File
    private let identityBytes: [UInt8]
    /// Batches in it.
    private(set) var ordinal: UInt64 = 0
    private(set) var offset: Int64 = 0
    /// Bytes of the file: behind the last batch there may be zeros.
    private var size: Int64 = 0
    /// Bytes that the last batch takes in the file.
    private(set) var lastExtent: Int64 = 0
    /// Whether further batches may be added.
    var hasRoom: Bool { offset < Limits.segmentBytes }
    /// How long the last batch's sync took, in nanoseconds.
    private(set) var syncNanoseconds: UInt64 = 0

    /// Makes the segment's two files. When it returns both are durable, and the data file is empty.
    ///
    /// The data file comes first: where only it is found, or with a broken key, and it is empty, then nothing was ever in it.
    init(identity: SegmentIdentity, folders: DatasetFolders, master: MasterKey, files: any Files) throws(DiskError) {
        let keys = SegmentKeys.random()
        do {
            file = try files.create(folders.data(identity.fileName))
            try files.syncFolder(folders.dataFolder)
            try KeyFile.create(folders.key(identity.fileName), identity: identity, keys: keys, master: master, files: files)
        } catch {
            SegmentWriter.remove(identity, folders: folders, files: files)
            throw error
        }
        self.identity = identity
        self.keys = keys
        identityBytes = identity.encoded
    }

    /// Seals the records into one batch. When it returns they are durable.
    ///
    /// - Parameter voidFrom: the first sequence after the last batch of the dataset that succeeded; its own when none failed since.
    mutating func append(
        _ records: [NewRecord], firstSequence: UInt64, voidFrom: UInt64, ingestedAt: Instant
    ) throws(DiskError) -> BatchLocation {
        let plain = EntryCoding.encode(records)
        // Batch after batch: when this one is made, all before it are durable.
        let header = Batch.Header(
            segment: identity.id, ordinal: ordinal, durable: ordinal, firstSequence: firstSequence,
            lastSequence: firstSequence + UInt64(records.count) - 1, voidFrom: voidFrom, ingestedAt: ingestedAt,
            count: UInt32(records.count), sealedSize: UInt32(plain.count), plainSize: UInt32(plain.count))
        let location = try write(plain, header: header)
        let start = BootClock.nanoseconds
        try file.sync()
        syncNanoseconds = BootClock.nanoseconds - start
        return location
    }

    /// A file that grows takes longer to sync than one that does not: where a small batch makes it grow, zeros go with it for those to come.
    private mutating func write(_ content: [UInt8], header: Batch.Header) throws(DiskError) -> BatchLocation {
        let end = offset + header.extent
        var zeros = end > size && header.extent <= Limits.smallBatchBytes ? min(end, Limits.zerosAheadBytes) : 0
        let sealed = Batch.seal(content, header: header, identity: identityBytes, keys: keys)
        do {
            try file.write(zeros > 0 ? sealed + [Data(count: Int(zeros))] : sealed, at: offset)
        } catch  where error.isFull && zeros > 0 {
            // The batch may fit alone.
            zeros = 0
            try file.write(sealed, at: offset)
        }
        let location = BatchLocation(header, offset: offset)
        ordinal += 1
        lastExtent = header.extent
        offset = end
        size = max(size, end + zeros)
        return location
    }

    /// Removes the files of a segment in which nothing was ever acknowledged, as far as that can be done: on a disk that fails or is
    /// full, each attempt to write would leave another one.
    static func remove(_ identity: SegmentIdentity, folders: DatasetFolders, files: any Files) {
        try? files.remove(folders.key(identity.fileName))
        try? files.remove(folders.data(identity.fileName))
    }
}
