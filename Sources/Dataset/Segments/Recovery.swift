import Disk
import Model

/// What a dataset's folders hold, found at the start. Sealed segments are known by their index's summary; others are read whole.
struct Recovery {
    /// In the order of their sequences; one without readable records has damage.
    private(set) var segments: [Segment] = []
    /// Of the segments that have no index file.
    private(set) var ids: [SegmentID: OpenIDs] = [:]
    /// Those whose time is over: to be destroyed.
    private(set) var expired: [RecordStore.Expired] = []
    /// The highest sequence any trusted header names, those of unreadable and expired batches included.
    private(set) var lastSequence: UInt64 = 0
    /// What was damaged, cut or is missing, for the log and for `status`.
    private(set) var reports: [String] = []
    private var scans: [SegmentScan] = []
    private let opening: Opening

    /// What is opened, and with what.
    struct Opening {
        let folders: DatasetFolders
        let sandbox: String
        let epoch: UInt32
        let master: MasterKey
        let files: any Files
        let now: Instant
    }

    /// Reads the folders.
    ///
    /// - Throws: `wrongMasterKey`, `unsupportedVersion`, or `io` when a folder or file cannot be opened. Damage, a bad sector too,
    ///   does not throw: it is reported.
    init(_ opening: Opening) throws(DatasetError) {
        self.opening = opening
        let (folders, files) = (opening.folders, opening.files)
        let (keyNames, dataNames) = try Recovery.unlessDiskFails { () throws(DiskError) in
            try files.createFolder(folders.keyFolder)
            try files.createFolder(folders.dataFolder)
            try Destruction.goOn(folders: folders, files: files)
            return (
                try DatasetFolders.names(in: folders.keyFolder, DatasetFolders.keyExtension, files: files),
                try DatasetFolders.names(in: folders.dataFolder, DatasetFolders.dataExtension, files: files)
            )
        }
        for name in dataNames where !keyNames.contains(name) && !wasNeverUsed(name) {
            reports.append("segment \(name) has no key file: it cannot be read any more")
        }
        var found: [(identity: SegmentIdentity, keys: SegmentKeys)] = []
        for name in keyNames { if let segment = try readKey(name) { found.append(segment) } }
        let replaced = Set(found.flatMap(\.identity.replaces))
        try destroy(found.filter { replaced.contains($0.identity.id) }.map(\.identity.fileName))
        let data = Set(dataNames)
        for (identity, keys) in found where !replaced.contains(identity.id) {
            try take(identity, keys, hasData: data.contains(identity.fileName))
        }
        try takeScans()
        try removeLeftovers(Set(keyNames))
        segments.sort { $0.firstSequence < $1.firstSequence }
    }

    /// A stop while a segment is made leaves an empty data file without a good key: nothing was in it.
    private func wasNeverUsed(_ name: String) -> Bool {
        (try? opening.files.open(opening.folders.data(name)).size()) == 0
    }

    private static func unlessDiskFails<Value>(_ body: () throws(DiskError) -> Value) throws(DatasetError) -> Value {
        do { return try body() } catch { throw DatasetError(.io, "\(error)") }
    }

    private mutating func readKey(_ name: String) throws(DatasetError) -> (identity: SegmentIdentity, keys: SegmentKeys)? {
        do {
            let found = try KeyFile.read(opening.folders.key(name), master: opening.master, files: opening.files)
            let identity = found.identity
            guard identity.sandbox == opening.sandbox, identity.epoch == opening.epoch, identity.fileName == name else {
                reports.append("key file \(name) belongs to another dataset or segment: not used")
                return nil
            }
            return found
        } catch  where error.code == .corrupt {
            if !wasNeverUsed(name) { reports.append("segment \(name) cannot be read: \(error)") }
            return nil
        }
    }

    /// What another segment took over is not needed any more.
    private func destroy(_ names: [String]) throws(DatasetError) {
        guard !names.isEmpty else { return }
        try Recovery.unlessDiskFails { () throws(DiskError) in
            try Destruction.run(names, folders: opening.folders, files: opening.files)
        }
    }

    private mutating func take(_ identity: SegmentIdentity, _ keys: SegmentKeys, hasData: Bool) throws(DatasetError) {
        let isExpired = identity.expiry <= opening.now
        guard hasData else {
            if isExpired {
                // Its key is to go too, whatever became of its data.
                expired.append(RecordStore.Expired(identity))
            } else {
                reports.append("segment \(identity.fileName) has a key file but no data file: its records are lost")
            }
            return
        }
        guard let sealed = try sealedIndex(identity, keys) else {
            return scans.append(try SegmentScan(identity, keys: keys, folders: opening.folders, files: opening.files))
        }
        lastSequence = max(lastSequence, sealed.summary.highestSequence)
        guard !isExpired else { return expired.append(RecordStore.Expired(segment(identity, keys, .sealed(sealed)))) }
        reports += sealed.summary.lost.map {
            "segment \(identity.fileName): sequences \($0.lowerBound) to \($0.upperBound) are lost, all other batches are intact"
        }
        add(identity, keys, .sealed(sealed))
    }

    /// Nil: there is none that can be used, and the segment is to be read whole.
    private mutating func sealedIndex(_ identity: SegmentIdentity, _ keys: SegmentKeys) throws(DatasetError) -> SealedIndex? {
        let path = opening.folders.index(identity.fileName)
        do {
            guard try Recovery.unlessDiskFails({ () throws(DiskError) in try opening.files.exists(path) }) else { return nil }
            return try SealedIndex(path, identity: identity, keys: keys, files: opening.files)
        } catch  where error.code == .corrupt {
            reports.append("\(error): it is made again from the data, and nothing is lost")
            return nil
        }
    }

    private mutating func add(_ identity: SegmentIdentity, _ keys: SegmentKeys, _ index: Segment.Index) {
        segments.append(segment(identity, keys, index))
    }

    private func segment(_ identity: SegmentIdentity, _ keys: SegmentKeys, _ index: Segment.Index) -> Segment {
        Segment(identity: identity, keys: keys, folders: opening.folders, files: opening.files, index: index)
    }

    private mutating func takeScans() throws(DatasetError) {
        var voids = scans.flatMap(\.voids)
        for case .sealed(let index) in segments.map(\.index) { voids += index.summary.voids }
        for var scan in scans {
            lastSequence = max(lastSequence, scan.highestSequence)
            scan.drop(voids)
            guard scan.identity.expiry > opening.now else {
                expired.append(RecordStore.Expired(segment(scan.identity, scan.keys, .open(scan.index.0))))
                continue
            }
            reports += scan.damage.map { "segment \(scan.identity.fileName): \($0)" }
            if scan.isEmpty, scan.damage.isEmpty {
                try destroy([scan.identity.fileName])
                continue
            }
            let (index, known) = scan.index
            ids[scan.identity.id] = known
            add(scan.identity, scan.keys, .open(index))
        }
        scans = []
    }

    /// Removes what is of no use to anybody: what was not finished, and indexes whose key is gone.
    private func removeLeftovers(_ keyNames: Set<String>) throws(DatasetError) {
        let (folders, files) = (opening.folders, opening.files)
        try Recovery.unlessDiskFails { () throws(DiskError) in
            for name in try DatasetFolders.names(in: folders.dataFolder, DatasetFolders.unfinishedExtension, files: files) {
                try files.remove(folders.unfinishedIndex(name))
            }
            for name in try DatasetFolders.names(in: folders.keyFolder, DatasetFolders.rewrappedExtension, files: files) {
                try files.remove(folders.rewrappedKey(name))
            }
            for name in try DatasetFolders.names(in: folders.dataFolder, DatasetFolders.indexExtension, files: files)
            where !keyNames.contains(name) {
                try files.remove(folders.index(name))
            }
        }
    }
}
