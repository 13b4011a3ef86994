import Disk
import Model
import SystemPackage

/// What a dataset's folders hold, found at the start.
struct Recovery {
    /// What is to be known of a record.
    struct Record {
        let key: RecordKey
        let retained: RecordStore.State.Retained

        var sequence: UInt64 { retained.sequence }

        init(_ record: StoredRecord) {
            key = RecordKey(submitter: record.submitter, id: record.id)
            retained = RecordStore.State.Retained(
                contentSHA256: record.contentSHA256, sequence: record.sequence, ingestedAt: record.ingestedAt,
                expiresAt: record.expiresAt)
        }
    }

    /// In the order of their sequences; none is empty.
    private(set) var segments: [Segment] = []
    /// Those whose time is over: to be destroyed.
    private(set) var expired: [RecordStore.Expired] = []
    /// Those of the segments' batches.
    private(set) var records: [Record] = []
    /// Sequences of records that are lost: of batches whose header can be trusted, but not their content.
    private(set) var lost: [ClosedRange<UInt64>] = []
    /// The highest sequence any trusted header names, those of unreadable and expired batches included.
    private(set) var lastSequence: UInt64 = 0
    /// What was damaged, cut or is missing, for the log and for `status`.
    private(set) var reports: [String] = []
    /// Sequences that failed batches had, by what later ones say.
    private var voids: [Range<UInt64>] = []
    /// What is damaged in each segment, by its name.
    private var damage: [(name: String, damage: SegmentScan.Damage)] = []

    /// Reads the folders. Syncs each data file before it looks into it: what is served is durable.
    ///
    /// - Throws: `wrongMasterKey`, `unsupportedVersion`, or `io` when a folder or file cannot be opened. Damage, a bad sector too,
    ///   does not throw: it is reported.
    static func run(
        folders: DatasetFolders, sandbox: String, epoch: UInt32, master: MasterKey, files: any Files, now: Instant
    ) throws(DatasetError) -> Recovery {
        var recovery = Recovery()
        let keyNames: [String]
        let dataNames: [String]
        do {
            try files.createFolder(folders.keyFolder)
            try files.createFolder(folders.dataFolder)
            try Destruction.goOn(folders: folders, files: files)
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
                guard dataNames.contains(name) || identity.expiry > now else {
                    // Its key is to go too, whatever became of its data.
                    recovery.expired.append(RecordStore.Expired(identity, batches: []))
                    continue
                }
                guard dataNames.contains(name) else {
                    recovery.reports.append("segment \(name) has a key file but no data file: its records are lost")
                    continue
                }
                try recovery.scan(identity: identity, keys: keys, path: folders.data(name), files: files, now: now)
            } catch  where error.code == .corrupt {
                guard !wasNeverUsed(name) else { continue }
                recovery.reports.append("segment \(name) cannot be read: \(error)")
            }
        }
        recovery.dropVoids()
        recovery.reportDamage()
        recovery.segments.sort { ($0.batches.first?.header.firstSequence ?? 0) < ($1.batches.first?.header.firstSequence ?? 0) }
        return recovery
    }

    private static func names(in folder: FilePath, extension suffix: String, files: any Files) throws(DiskError) -> [String] {
        try files.list(folder).filter { $0.hasSuffix(".\(suffix)") }.map { String($0.dropLast(suffix.count + 1)) }
    }

    private mutating func scan(
        identity: SegmentIdentity, keys: SegmentKeys, path: FilePath, files: any Files, now: Instant
    ) throws(DatasetError) {
        var segment: Segment
        let scan: SegmentScan
        do {
            segment = Segment(identity: identity, keys: keys, file: try files.open(path))
            try segment.file.sync()
            scan = try SegmentScan.run(segment)
        } catch {
            throw DatasetError(.io, "\(error)")
        }
        for header in scan.batches.map(\.header) + scan.damage.compactMap(\.header) {
            lastSequence = max(lastSequence, header.lastSequence)
            if header.voidFrom < header.firstSequence { voids.append(header.voidFrom..<header.firstSequence) }
        }
        guard identity.expiry > now else {
            expired.append(RecordStore.Expired(identity, batches: scan.batches))
            return
        }
        damage += scan.damage.map { (identity.fileName, $0) }
        segment.batches = scan.batches
        segments.append(segment)
        records += scan.records
    }

    private mutating func reportDamage() {
        reports += damage.map { "segment \($0.name): \($0.damage)" }
        lost = damage.filter { !$0.damage.isTail }.compactMap(\.damage.header).map { $0.firstSequence...$0.lastSequence }
    }

    /// Leaves out what failed batches left behind, whole or torn, and segments that hold nothing.
    private mutating func dropVoids() {
        if !voids.isEmpty {
            func isVoid(_ sequence: UInt64) -> Bool { voids.contains { $0.contains(sequence) } }
            damage.removeAll { $0.damage.header.map { isVoid($0.firstSequence) } ?? false }
            for index in segments.indices { segments[index].batches.removeAll { isVoid($0.header.firstSequence) } }
            records.removeAll { isVoid($0.sequence) }
        }
        segments.removeAll { $0.batches.isEmpty }
    }
}
