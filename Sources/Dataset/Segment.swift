import Disk
import Model
package import SystemPackage

/// One data file that is being read: what it is and where its readable batches are.
struct Segment: Sendable {
    let identity: SegmentIdentity
    let keys: SegmentKeys
    let file: any File
    /// In the order of their sequences.
    var batches: [BatchLocation] = []

    /// Bytes of the file up to the end of its last readable batch.
    var size: Int64 { batches.last.map { $0.offset + $0.header.extent } ?? 0 }

    /// The first batch with a record after `sequence`.
    func batch(after sequence: UInt64) -> BatchLocation? {
        var low = 0
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].header.lastSequence > sequence { high = middle } else { low = middle + 1 }
        }
        return low < batches.count ? batches[low] : nil
    }

    /// The last batch with a record before `sequence`.
    func batch(before sequence: UInt64) -> BatchLocation? {
        batches.last { $0.header.firstSequence < sequence }
    }

    /// The segment as its readers need it: the list of batches is the writer's, and long.
    var withoutBatches: Segment { Segment(identity: identity, keys: keys, file: file) }

    /// Reads one batch's records from disk. Blocks.
    func records(of batch: BatchLocation) throws(DatasetError) -> [StoredRecord] {
        let size = Batch.Header.size + Int(batch.header.sealedSize) + Batch.tagSize
        let bytes: [UInt8]
        do {
            bytes = try file.read(size, at: batch.offset)
        } catch {
            throw DatasetError(.io, "\(error)")
        }
        guard let header = Batch.Header(bytes[...], segment: identity.id, key: keys.headers), header == batch.header,
            let plain = Batch.open(bytes[...], header: header, identity: identity.encoded, keys: keys),
            let records = EntryCoding.decode(plain, header: header, expiry: identity.expiry)
        else {
            throw DatasetError(
                .corrupt,
                "segment \(identity.fileName): the batch at byte \(batch.offset) is damaged (sequences "
                    + "\(batch.header.firstSequence) to \(batch.header.lastSequence))")
        }
        return records
    }
}

/// Where a batch is in its data file.
struct BatchLocation: Hashable {
    let header: Batch.Header
    let offset: Int64
}

/// Appends batches to a segment of its own making. After a throw it must not be used again: begin a new segment.
struct SegmentWriter: Sendable {
    let segment: Segment
    private let identityBytes: [UInt8]
    /// Batches in it.
    private(set) var ordinal: UInt64 = 0
    private(set) var offset: Int64 = 0

    /// Makes the segment's two files. When it returns both are durable, and the data file is empty.
    ///
    /// The data file comes first: where only it is found, or with a broken key, and it is empty, then nothing was ever in it.
    init(identity: SegmentIdentity, folders: DatasetFolders, master: MasterKey, files: any Files) throws(DiskError) {
        let keys = SegmentKeys.random()
        let file: any File
        do {
            file = try files.create(folders.data(identity.fileName))
            try files.syncFolder(folders.dataFolder)
            try KeyFile.create(folders.key(identity.fileName), identity: identity, keys: keys, master: master, files: files)
        } catch {
            SegmentWriter.remove(identity, folders: folders, files: files)
            throw error
        }
        segment = Segment(identity: identity, keys: keys, file: file)
        identityBytes = identity.encoded
    }

    /// Seals the records into one batch. When it returns they are durable.
    ///
    /// - Parameter voidFrom: the first sequence after the last batch of the dataset that succeeded; its own when none failed since.
    mutating func append(
        _ submissions: [Submission], firstSequence: UInt64, voidFrom: UInt64, ingestedAt: Instant
    ) throws(DiskError) -> BatchLocation {
        let plain = EntryCoding.encode(submissions)
        // Batch after batch: when this one is made, all before it are durable.
        let header = Batch.Header(
            segment: segment.identity.id, ordinal: ordinal, durable: ordinal, firstSequence: firstSequence, voidFrom: voidFrom,
            ingestedAt: ingestedAt, count: UInt32(submissions.count), sealedSize: UInt32(plain.count))
        let pieces = Batch.seal(plain, header: header, identity: identityBytes, keys: segment.keys)
        try segment.file.write(pieces, at: offset)
        try segment.file.sync()
        let location = BatchLocation(header: header, offset: offset)
        ordinal += 1
        offset += header.extent
        return location
    }

    /// Removes the files of a segment in which nothing was ever acknowledged, as far as that can be done: on a disk that fails or is
    /// full, each attempt to write would leave another one.
    static func remove(_ identity: SegmentIdentity, folders: DatasetFolders, files: any Files) {
        try? files.remove(folders.key(identity.fileName))
        try? files.remove(folders.data(identity.fileName))
    }
}

/// The two folders of a dataset. Keys are kept apart, so that a backup of the data can leave them out.
package struct DatasetFolders: Sendable {
    let keyFolder: FilePath
    let dataFolder: FilePath

    static let keyExtension = "key"
    static let dataExtension = "segment"
    static let doomedExtension = "doomed"

    package init(keys: FilePath, data: FilePath) {
        keyFolder = keys
        dataFolder = data
    }

    func key(_ name: String) -> FilePath { keyFolder.appending("\(name).\(DatasetFolders.keyExtension)") }
    func data(_ name: String) -> FilePath { dataFolder.appending("\(name).\(DatasetFolders.dataExtension)") }
    func doomed(_ name: String) -> FilePath { dataFolder.appending("\(name).\(DatasetFolders.doomedExtension)") }
}
