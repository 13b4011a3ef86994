import Disk
import Model
import SystemPackage

/// What a dataset's folders hold, found at the start.
struct Recovery {
    /// In the order of their sequences; none is empty.
    var segments: [Segment] = []
    /// The highest sequence any trusted header names, those of unreadable batches included.
    var lastSequence: UInt64 = 0
    /// What was damaged, cut or is missing, for the log and for `status`.
    var reports: [String] = []

    /// Reads the folders. Syncs each data file before it looks into it: what is served is durable.
    ///
    /// - Parameter visit: gets every readable record, segment by segment in the order of their names.
    /// - Throws: `wrongMasterKey`, `unsupportedVersion`, or `io` when a folder cannot be read. Damage does not throw: it is reported.
    static func run(
        folders: DatasetFolders, sandbox: String, epoch: UInt32, master: MasterKey, files: any Files, now: Instant,
        visit: (StoredRecord) -> Void
    ) throws(DatasetError) -> Recovery {
        var recovery = Recovery()
        let keyNames: [String]
        let dataNames: [String]
        do {
            try files.createFolder(folders.keyFolder)
            try files.createFolder(folders.dataFolder)
            keyNames = try names(in: folders.keyFolder, extension: DatasetFolders.keyExtension, files: files)
            dataNames = try names(in: folders.dataFolder, extension: DatasetFolders.dataExtension, files: files)
        } catch {
            throw DatasetError(.io, "\(error)")
        }
        /// A stop while a segment is made leaves an empty data file without a good key: nothing was in it.
        func wasNeverUsed(_ name: String) -> Bool {
            (try? files.open(folders.data(name)).size()) == 0
        }
        for name in dataNames where !keyNames.contains(name) && !wasNeverUsed(name) {
            recovery.reports.append("segment \(name) has no key file: it cannot be read any more")
        }
        for name in keyNames {
            do {
                let (identity, keys) = try KeyFile.read(folders.key(name), master: master, files: files)
                guard identity.sandbox == sandbox, identity.epoch == epoch, identity.fileName == name else {
                    recovery.reports.append("key file \(name) belongs to another dataset or segment: not used")
                    continue
                }
                guard identity.expiry > now else { continue }
                guard dataNames.contains(name) else {
                    recovery.reports.append("segment \(name) has a key file but no data file: its records are lost")
                    continue
                }
                try recovery.scan(identity: identity, keys: keys, path: folders.data(name), files: files, visit: visit)
            } catch  where error.code == .corrupt {
                guard !wasNeverUsed(name) else { continue }
                recovery.reports.append("segment \(name) cannot be read: \(error)")
            }
        }
        recovery.segments.sort { ($0.batches.first?.header.firstSequence ?? 0) < ($1.batches.first?.header.firstSequence ?? 0) }
        return recovery
    }

    private static func names(in folder: FilePath, extension suffix: String, files: any Files) throws(DiskError) -> [String] {
        try files.list(folder).filter { $0.hasSuffix(".\(suffix)") }.map { String($0.dropLast(suffix.count + 1)) }
    }

    private mutating func scan(
        identity: SegmentIdentity, keys: SegmentKeys, path: FilePath, files: any Files, visit: (StoredRecord) -> Void
    ) throws(DatasetError) {
        var segment: Segment
        let damage: [SegmentScan.Damage]
        do {
            segment = Segment(identity: identity, keys: keys, file: try files.open(path))
            try segment.file.sync()
            (segment.batches, damage) = try SegmentScan.run(segment, visit: visit)
        } catch {
            throw DatasetError(.io, "\(error)")
        }
        let headers = segment.batches.map(\.header) + damage.compactMap(\.header)
        lastSequence = headers.reduce(lastSequence) { max($0, $1.lastSequence) }
        reports += damage.map { "segment \(identity.fileName): \($0)" }
        if !segment.batches.isEmpty { segments.append(segment) }
    }
}

/// Walks through a data file that a stop of any kind may have left behind.
enum SegmentScan {
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

    /// Finds every batch that opens, and every stretch that should be one and is not.
    static func run(_ segment: Segment, visit: (StoredRecord) -> Void) throws(DiskError) -> ([BatchLocation], [Damage]) {
        var batches: [BatchLocation] = []
        var damage: [Damage] = []
        var inUnknown = false
        var nextOrdinal: UInt64 = 0
        let size = try segment.file.size()
        var offset: Int64 = 0
        while offset < size {
            let block = try segment.file.read(Batch.blockSize, at: offset)
            guard let header = Batch.Header(block[...], segment: segment.identity.id, key: segment.keys.headers),
                header.ordinal >= nextOrdinal
            else {
                if !inUnknown, block.contains(where: { $0 != 0 }) {
                    damage.append(Damage(offset: offset, header: nil, isTail: true))
                    inUnknown = true
                }
                offset += Int64(Batch.blockSize)
                continue
            }
            // A batch is begun only when all before it are durable: what lies before this one is no tail.
            for index in damage.indices { damage[index].isTail = false }
            inUnknown = false
            nextOrdinal = header.ordinal + 1
            let location = BatchLocation(header: header, offset: offset)
            do {
                for record in try segment.records(of: location) { visit(record) }
                batches.append(location)
            } catch {
                damage.append(Damage(offset: offset, header: header, isTail: true))
            }
            offset += header.extent
        }
        return (batches, damage)
    }
}
