import Disk
import Model

/// Reads the batches of one segment. Blocks.
struct SegmentReader {
    private let identity: SegmentIdentity
    private let identityBytes: [UInt8]
    private let keys: SegmentKeys
    private let file: any File
    private let dictionary: [UInt8]

    /// Opens the data file, and reads what its batches were compressed with.
    init(_ segment: Segment) throws(DatasetError) {
        let dictionary: BatchLocation?
        switch segment.index {
        case .open(let index): dictionary = index.dictionary
        case .sealed(let index): dictionary = index.summary.dictionary
        }
        let file = try unlessDiskFails(segment.identity) { () throws(DiskError) in
            try segment.files.open(segment.folders.data(segment.identity.fileName))
        }
        let bare = SegmentReader(segment.identity, segment.keys, file)
        self.init(
            segment.identity, segment.keys, file,
            dictionary: try dictionary.map { place throws(DatasetError) in
                try bare.content(of: place, isIntact: { $0.kind == .dictionary }).plain
            } ?? [])
    }

    init(_ identity: SegmentIdentity, _ keys: SegmentKeys, _ file: any File, dictionary: [UInt8] = []) {
        self.identity = identity
        identityBytes = identity.encoded
        self.keys = keys
        self.file = file
        self.dictionary = dictionary
    }

    func records(of batch: BatchLocation) throws(DatasetError) -> [StoredRecord] {
        let (header, plain) = try content(of: batch) { $0.kind == .records && BatchLocation($0, offset: batch.offset) == batch }
        guard let records = EntryCoding.decode(plain, header: header, expiry: identity.expiry) else { throw damage(batch) }
        return records
    }

    /// What a batch holds whose header is known; nil: it is not what was written.
    func plain(of header: Batch.Header, at offset: Int64) throws(DatasetError) -> [UInt8]? {
        do throws(DatasetError) {
            return try content(of: BatchLocation(header, offset: offset)) { $0 == header }.plain
        } catch {
            guard error.code == .corrupt else { throw error }
            return nil
        }
    }

    private func content(
        of batch: BatchLocation, isIntact: (Batch.Header) -> Bool
    ) throws(DatasetError) -> (header: Batch.Header, plain: [UInt8]) {
        let size = Batch.Header.size + Int(batch.sealedSize) + Batch.tagSize
        let bytes = try unlessDiskFails(identity) { () throws(DiskError) in try file.read(size, at: batch.offset) }
        guard let header = Batch.Header(bytes[...], segment: identity.id, key: keys.headers), isIntact(header),
            let content = Batch.open(bytes[...], header: header, identity: identityBytes, keys: keys)
        else { throw damage(batch) }
        switch header.compression {
        case .none: return (header, content)
        case .zstd, .zstdWithDictionary:
            let used = header.compression == .zstd ? [] : dictionary
            guard let plain = Zstandard.decompress(content, size: Int(header.plainSize), dictionary: used) else {
                throw damage(batch)
            }
            return (header, plain)
        }
    }

    private func damage(_ batch: BatchLocation) -> DatasetError {
        DatasetError(
            .corrupt,
            "segment \(identity.fileName): the batch at byte \(batch.offset) is damaged (sequences "
                + "\(batch.firstSequence) to \(batch.lastSequence))", source: .init(segment: identity.id, isIndex: false))
    }
}
