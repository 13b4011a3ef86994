import Disk
import Model
package import SystemPackage

/// A segment as its readers know it: what it is, and where its records are. A value: what is published later is not in it.
struct Segment: Sendable {
    /// Where it is looked up what is in it.
    enum Index: Sendable {
        /// In memory: records are added to it, or its index file is not written yet.
        case open(OpenIndex)
        case sealed(SealedIndex)
    }

    let identity: SegmentIdentity
    let keys: SegmentKeys
    let folders: DatasetFolders
    let files: any Files
    var index: Index

    var isSealed: Bool { if case .sealed = index { true } else { false } }

    // MARK: As a whole

    /// Of its readable records; 0: there is none.
    var firstSequence: UInt64 {
        switch index {
        case .open(let index): index.batches.first?.firstSequence ?? 0
        case .sealed(let index): index.summary.firstSequence
        }
    }

    var lastSequence: UInt64 {
        switch index {
        case .open(let index): index.batches.isEmpty ? 0 : index.batches[index.batches.count - 1].lastSequence
        case .sealed(let index): index.summary.lastSequence
        }
    }

    /// Readable records.
    var records: UInt64 {
        switch index {
        case .open(let index): index.records
        case .sealed(let index): index.summary.records
        }
    }

    /// Bytes of the data file up to the end of its last readable batch.
    var size: Int64 {
        switch index {
        case .open(let index): index.size
        case .sealed(let index): index.summary.size
        }
    }

    /// Records by the term that they are counted by.
    var groups: [UInt64: UInt64] {
        switch index {
        case .open(let index): index.groups
        case .sealed(let index): index.summary.groups
        }
    }

    var submitters: [UInt32] {
        switch index {
        case .open(let index): Array(index.submitters)
        case .sealed(let index): index.summary.submitters
        }
    }

    /// Sequences of records that cannot be read.
    var lost: [ClosedRange<UInt64>] {
        switch index {
        case .open(let index): index.lost
        case .sealed(let index): index.summary.lost
        }
    }

    var hasTombstones: Bool {
        switch index {
        case .open(let index): !index.tombstones.isEmpty
        case .sealed(let index): index.summary.tombstones > 0
        }
    }

    /// When its records were ingested; nil: there is none.
    var times: ClosedRange<Instant>? {
        switch index {
        case .open(let index): index.batches.first.map { $0.ingestedAt...max($0.ingestedAt, index.lastIngestedAt) }
        case .sealed(let index):
            index.summary.records > 0
                ? index.summary.firstIngestedAt...max(index.summary.firstIngestedAt, index.summary.lastIngestedAt) : nil
        }
    }

    // MARK: Batches. These block.

    /// The first batch with a record after `sequence`.
    func batch(after sequence: UInt64) throws(DatasetError) -> BatchLocation? {
        try batches(after: sequence, bytes: 0).first
    }

    /// The first batch with a record after `sequence`, and as many behind it as one look tells of and as have no more than `bytes` together.
    func batches(after sequence: UInt64, bytes: Int) throws(DatasetError) -> [BatchLocation] {
        switch index {
        case .open(let index):
            let first = index.batches.partitionPoint { $0.lastSequence > sequence }
            return Self.first((first..<index.batches.count).lazy.map { index.batches[$0] }, bytes: bytes)
        case .sealed(let index):
            return Self.first(try index.batches(after: sequence), bytes: bytes)
        }
    }

    private static func first(_ batches: some Sequence<BatchLocation>, bytes: Int) -> [BatchLocation] {
        var found: [BatchLocation] = []
        var total = 0
        for batch in batches {
            total += Int(batch.plainSize)
            guard found.isEmpty || total <= bytes else { break }
            found.append(batch)
        }
        return found
    }

    /// The last batch with a record before `sequence`.
    func batch(before sequence: UInt64) throws(DatasetError) -> BatchLocation? {
        switch index {
        case .open(let index):
            let found = index.batches.partitionPoint { $0.firstSequence >= sequence }
            return found > 0 ? index.batches[found - 1] : nil
        case .sealed(let index):
            return try index.batch(before: sequence)
        }
    }

    /// How many readable records have sequences after `after`, up to and with `through`.
    func count(after: UInt64, through: UInt64) throws(DatasetError) -> UInt64 {
        guard records > 0, after < lastSequence, through >= firstSequence else { return 0 }
        if after < firstSequence, through >= lastSequence { return records }
        var count: UInt64 = 0
        var cursor = after
        while let batch = try batch(after: cursor), batch.firstSequence <= through {
            cursor = batch.lastSequence
            let isWhole = batch.firstSequence > after && batch.lastSequence <= through
            let hasGaps = batch.lastSequence - batch.firstSequence + 1 != UInt64(batch.count)
            if isWhole {
                count += UInt64(batch.count)
            } else if hasGaps {
                count += UInt64(try records(of: batch).count { $0.sequence > after && $0.sequence <= through })
            } else {
                count += min(batch.lastSequence, through) - max(batch.firstSequence, after + 1) + 1
            }
        }
        return count
    }

    /// Sequences of the records that a term finds, in their order.
    func sequences(of term: Term) throws(DatasetError) -> [UInt64] {
        switch index {
        case .open(let index): index.sequences(of: term)
        case .sealed(let index): try index.sequences(of: term)
        }
    }

    /// Reads one batch's records from disk, in the order of their sequences.
    func records(of batch: BatchLocation) throws(DatasetError) -> [StoredRecord] {
        let reader = try SegmentReader(self)
        return try reader.records(of: batch)
    }
}

/// The folders of a dataset, and what all datasets share. Keys are kept apart, so that a backup of the data can leave them out.
package struct DatasetFolders: Sendable {
    let keyFolder: FilePath
    let dataFolder: FilePath

    static let keyExtension = "key"
    static let dataExtension = "segment"
    static let indexExtension = "index"
    static let doomedExtension = "doomed"
    /// Of a key or an index that is being made.
    static let unfinishedExtension = "unfinished"

    static let rewrappedExtension = "rewrapped"

    package init(keys: FilePath, data: FilePath) {
        keyFolder = keys
        dataFolder = data
    }

    func key(_ name: String) -> FilePath { keyFolder.appending("\(name).\(DatasetFolders.keyExtension)") }
    func unfinishedKey(_ name: String) -> FilePath { keyFolder.appending("\(name).\(DatasetFolders.unfinishedExtension)") }
    /// Of a key file that takes the place of one of the same name.
    func rewrappedKey(_ name: String) -> FilePath { keyFolder.appending("\(name).\(DatasetFolders.rewrappedExtension)") }
    func data(_ name: String) -> FilePath { dataFolder.appending("\(name).\(DatasetFolders.dataExtension)") }
    func doomed(_ name: String) -> FilePath { dataFolder.appending("\(name).\(DatasetFolders.doomedExtension)") }
    func index(_ name: String) -> FilePath { dataFolder.appending("\(name).\(DatasetFolders.indexExtension)") }
    func unfinishedIndex(_ name: String) -> FilePath {
        dataFolder.appending("\(name).\(DatasetFolders.unfinishedExtension)")
    }

    /// The names, without `suffix`, of what ends in it in a folder.
    static func names(in folder: FilePath, _ suffix: String, files: any Files) throws(DiskError) -> [String] {
        try files.list(folder).filter { $0.hasSuffix(".\(suffix)") }.map { String($0.dropLast(suffix.count + 1)) }
    }
}
