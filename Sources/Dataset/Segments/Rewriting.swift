import Disk
import FoundationEssentials
import Model

/// Makes one segment of several that follow each other on one day: compressed, under a new key, and without what is to be erased.
///
/// ## Crash safety
/// ```
/// write X.unfinished (key), X.segment, X.index, sync all ──rename to X.key, sync──► X counts ──destroy those it replaces──► done
/// ```
/// X names in its identity what it replaces. Until its key has its name, X is destroyed at the next opening; from then on, the others are.
struct Rewriting {
    /// What was made.
    struct Outcome {
        let segment: Segment
        /// Records that are left out.
        let erased: UInt64
    }

    private let sources: [Segment]
    private let identity: SegmentIdentity
    private let keys = SegmentKeys.random()
    private let folders: DatasetFolders
    private let files: any Files
    private let master: MasterKey
    /// Whether a record is to be left out, and only its id known; nil: none is, and all must be readable.
    private let isErased: ((StoredRecord) throws -> Bool)?
    /// Called between batches: may take its time, so that others have theirs.
    private let pause: () throws -> Void
    /// Is told of each batch that cannot be read: it is lost.
    private let tellDamage: (DatasetError) -> Void
    /// Is told the name of a segment that was not made whole and could not be destroyed.
    private let leave: (String) -> Void

    /// - Precondition: `sources` have index files, and are of one day.
    init(
        _ sources: [Segment], master: MasterKey, isErased: ((StoredRecord) throws -> Bool)?,
        pause: @escaping () throws -> Void, tellDamage: @escaping (DatasetError) -> Void, leave: @escaping (String) -> Void
    ) {
        self.leave = leave
        let first = sources[0]
        self.sources = sources
        self.master = master
        self.isErased = isErased
        self.pause = pause
        self.tellDamage = tellDamage
        folders = first.folders
        files = first.files
        identity = SegmentIdentity(
            id: .random(), sandbox: first.identity.sandbox, epoch: first.identity.epoch, zone: first.identity.zone,
            day: first.identity.day, expiry: first.identity.expiry, replaces: sources.map(\.identity.id))
    }

    /// Makes the segment. When it returns, it counts on disk, and those that it replaces do not.
    /// - Throws: `io`, `full`, or what `isErased` and `pause` throw: nothing has changed then.
    func run() throws -> Outcome {
        let name = identity.fileName
        do {
            try KeyFile.create(folders.unfinishedKey(name), identity: identity, keys: keys, master: master, files: files)
            let (index, ids, erased) = try writeData()
            let draft = Segment(identity: identity, keys: keys, folders: folders, files: files, index: .open(index))
            let sealed = try Sealing.run(draft, index, ids)
            try files.rename(folders.unfinishedKey(name), to: folders.key(name))
            try files.syncFolder(folders.keyFolder)
            var segment = draft
            segment.index = .sealed(sealed)
            return Outcome(segment: segment, erased: erased)
        } catch {
            // It may have its name by now, and count at the next start: it must be gone before those it replaces are.
            do { try Destruction.run([name], folders: folders, files: files) } catch { leave(name) }
            guard let failure = error as? DiskError else { throw error }
            throw DatasetError(failure.isFull ? .full : .io, "\(failure)")
        }
    }

    private func writeData() throws -> (OpenIndex, OpenIDs, erased: UInt64) {
        let file = try files.create(folders.data(identity.fileName))
        try files.syncFolder(folders.dataFolder)
        var writer = CompactWriter(identity: identity, keys: keys, file: file, dictionary: try dictionary())
        try writer.begin()
        var erased: UInt64 = 0
        for source in sources {
            guard case .sealed(let index) = source.index else { preconditionFailure("it has an index file") }
            writer.carry(index.summary)
            let reader = try SegmentReader(source)
            for block in 0..<index.batchBlocks {
                for batch in try index.batches(inBlock: block) {
                    try pause()
                    let records: [StoredRecord]
                    do throws(DatasetError) {
                        records = try reader.records(of: batch)
                    } catch {
                        // Only what is to be gone may be lost with it.
                        guard error.code == .corrupt, !error.mayPass, isErased != nil else { throw error }
                        tellDamage(error)
                        writer.lose(batch.firstSequence...batch.lastSequence)
                        continue
                    }
                    for record in records {
                        if try isErased?(record) == true {
                            writer.bury(Tombstone(record))
                            erased += 1
                        } else {
                            try writer.append(record)
                        }
                    }
                }
            }
            if index.summary.tombstones > 0 { for tombstone in try tombstones(of: index) { writer.bury(tombstone) } }
        }
        let (index, ids) = try writer.finish()
        return (index, ids, erased)
    }

    private func tombstones(of index: SealedIndex) throws(DatasetError) -> [Tombstone] {
        var tombstones: [Tombstone] = []
        try index.forEachIDs { ids in
            for (fingerprint, known) in ids where known.isErased {
                tombstones.append(Tombstone(fingerprint: fingerprint, known: known))
            }
        }
        return tombstones
    }

    /// What the records have in common, by a sample of them.
    private func dictionary() throws(DatasetError) -> [UInt8] {
        var samples: [[UInt8]] = []
        var size = 0
        for source in sources {
            let reader = try SegmentReader(source)
            var cursor: UInt64 = 0
            while size < Limits.sampleBytes, let batch = try source.batch(after: cursor) {
                cursor = batch.lastSequence
                guard batch.plainSize <= Limits.batchBytes, let records = try? reader.records(of: batch) else { continue }
                for record in records where size < Limits.sampleBytes {
                    samples.append(Array(record.payload.prefix(Limits.sampleRecordBytes)))
                    size += samples.last?.count ?? 0
                }
            }
        }
        return Zstandard.dictionary(of: samples, size: min(Limits.dictionaryBytes, size / 10))
    }
}

extension Tombstone {
    init(_ record: StoredRecord) {
        var known = record.known
        known.isErased = true
        self.init(fingerprint: record.fingerprint, known: known)
    }
}
