import Crypto
import Disk
import Model
import SystemPackage

/// The index of a segment to which nothing is added any more: its summary in memory, the rest in its file, read a block at a time.
struct SealedIndex: Sendable {
    let summary: IndexSummary
    private let path: FilePath
    private let files: any Files
    private let key: SymmetricKey
    private let authenticated: [UInt8]
    private let segment: SegmentIdentity
    private let paddingOffset: Int
    private let blocksOffset: Int

    /// Reads what is to be in memory.
    /// - Throws: `corrupt` when it is not whole, or of another version; `io`. The segment can be read without it.
    init(_ path: FilePath, identity: SegmentIdentity, keys: SegmentKeys, files: any Files) throws(DatasetError) {
        func damaged() -> DatasetError { .damagedIndex(identity, path) }
        let file = try unlessDiskFails(identity, isIndex: true) { () throws(DiskError) in try files.open(path) }
        func read(_ count: Int, at offset: Int64) throws(DatasetError) -> [UInt8] {
            try unlessDiskFails(identity, isIndex: true) { () throws(DiskError) in try file.read(count, at: offset) }
        }
        let headerBytes = try read(IndexFile.headerSize, at: 0)
        var reader = ByteReader(headerBytes[...])
        guard reader.read(8).map(Array.init) == IndexFile.magic, let version = reader.read(UInt16.self) else { throw damaged() }
        // Of a version that is not known here it is of no more use than a damaged one: it is made again.
        guard version == IndexFile.version else { throw damaged() }
        guard reader.read(UInt16.self) != nil, let summarySize = reader.read(UInt32.self),
            reader.read(16).map(Array.init) == identity.id.bytes, reader.read(UInt32.self) != nil, let salt = reader.read(32),
            summarySize <= Limits.indexSummaryBytes
        else { throw damaged() }
        key = IndexFile.key(keys.root, salt: salt)
        authenticated = headerBytes + identity.encoded
        let sealed = try read(Int(summarySize) + Batch.tagSize, at: Int64(IndexFile.headerSize))
        guard sealed.count == Int(summarySize) + Batch.tagSize,
            let plain = IndexFile.open(sealed[...], .max, key, authenticated), let summary = IndexSummary(encoded: plain)
        else { throw damaged() }
        self.summary = summary
        self.path = path
        self.files = files
        segment = identity
        paddingOffset = IndexFile.headerSize + Int(summarySize) + Batch.tagSize
        blocksOffset = IndexFile.blocksOffset(summarySize: Int(summarySize))
    }

    // MARK: Batches

    /// The first batch with a record after `sequence`, and those that its block tells of behind it; empty: there is none.
    func batches(after sequence: UInt64) throws(DatasetError) -> ArraySlice<BatchLocation> {
        guard sequence < summary.lastSequence else { return [] }
        // The last block that begins at or before it, or the first; it is in there, or the next one's first.
        let block = max(0, summary.batchFences.partitioningIndex { $0 > sequence } - 1)
        for number in [block, block + 1] where number < summary.batchFences.count {
            let found = try batches(inBlock: number).drop { $0.lastSequence <= sequence }
            if !found.isEmpty { return found }
        }
        return []
    }

    /// The last batch with a record before `sequence`.
    func batch(before sequence: UInt64) throws(DatasetError) -> BatchLocation? {
        let block = summary.batchFences.partitioningIndex { $0 >= sequence } - 1
        guard block >= 0 else { return nil }
        return try batches(inBlock: block).last { $0.firstSequence < sequence }
    }

    /// The batches of one block, in their order.
    func batches(inBlock number: Int) throws(DatasetError) -> [BatchLocation] {
        let count = min(IndexFile.batchesPerBlock, Int(summary.batches) - number * IndexFile.batchesPerBlock)
        guard let batches = IndexFile.decodeBatches(try block(number), count: count) else { throw damaged }
        return batches
    }

    /// How many blocks of batches there are.
    var batchBlocks: Int { summary.batchFences.count }

    // MARK: Ids and postings

    /// What is known of an id; nil: it is not in this segment. One read.
    func known(_ fingerprint: Fingerprint) throws(DatasetError) -> KnownRecord? {
        var number = summary.idFences.partitioningIndex { $0 > fingerprint.high } - 1
        while number >= 0 {
            if let found = try ids(inBlock: number).first(where: { $0.fingerprint == fingerprint }) { return found.known }
            // Where fingerprints share their upper half, they may begin in the block before.
            guard summary.idFences[number] == fingerprint.high else { return nil }
            number -= 1
        }
        return nil
    }

    /// Hands over all ids, some at a time.
    func forEachIDs(_ body: ([(fingerprint: Fingerprint, known: KnownRecord)]) -> Void) throws(DatasetError) {
        try forEachIDBlock { (plain, number) throws(DatasetError) in body(try decodeIDs(plain, number: number)) }
    }

    /// Hands over the fingerprints of all ids, some at a time: as fast as they can be read.
    func forEachFingerprints(_ body: ([Fingerprint]) -> Void) throws(DatasetError) {
        var gathered: [Fingerprint] = []
        try forEachIDBlock { (plain, number) throws(DatasetError) in
            IndexFile.decodeFingerprints(plain, count: idCount(inBlock: number), into: &gathered)
            guard gathered.count >= 4096 else { return }
            body(gathered)
            gathered.removeAll(keepingCapacity: true)
        }
        body(gathered)
    }

    private func idCount(inBlock number: Int) -> Int {
        max(0, min(IndexFile.idsPerBlock, Int(summary.ids) - number * IndexFile.idsPerBlock))
    }

    private func forEachIDBlock(_ body: ([UInt8], Int) throws(DatasetError) -> Void) throws(DatasetError) {
        let together = 64
        let file = try open()
        var start = 0
        while start < summary.idFences.count {
            let count = min(together, summary.idFences.count - start)
            let first = batchBlocks + start
            let bytes = try unlessDiskFails(segment, isIndex: true) { () throws(DiskError) in
                try file.read(count * IndexFile.stride, at: offset(of: first))
            }
            for index in 0..<count {
                let sealed = bytes.dropFirst(index * IndexFile.stride).prefix(IndexFile.stride)
                guard let plain = IndexFile.open(sealed, UInt64(first + index), key, authenticated) else { throw damaged }
                try body(plain, start + index)
            }
            start += count
        }
    }

    private func ids(inBlock number: Int) throws(DatasetError) -> [(fingerprint: Fingerprint, known: KnownRecord)] {
        try decodeIDs(try block(batchBlocks + number), number: number)
    }

    private func decodeIDs(
        _ plain: [UInt8], number: Int
    ) throws(DatasetError) -> [(fingerprint: Fingerprint, known: KnownRecord)] {
        guard let ids = IndexFile.decodeIDs(plain, count: idCount(inBlock: number), base: summary) else { throw damaged }
        return ids
    }

    /// Sequences of the records that a term finds, in their order. One read, unless they are many; none for the first of all terms.
    func sequences(of term: Term) throws(DatasetError) -> [UInt64] {
        var found: [UInt64] = []
        // What would stand before all others is not there.
        guard let first = summary.termFences.first, first <= term.fingerprint else { return [] }
        var number = max(0, summary.termFences.partitioningIndex { $0 >= term.fingerprint } - 1)
        while number < summary.termFences.count, summary.termFences[number] <= term.fingerprint {
            let plain = try block(batchBlocks + summary.idFences.count + number)
            guard IndexFile.decodePostings(plain, of: term, base: summary.firstSequence, into: &found) != nil else {
                throw damaged
            }
            number += 1
        }
        return found
    }

    /// How many blocks there are in all.
    var blocks: Int { summary.batchFences.count + summary.idFences.count + summary.termFences.count }

    // MARK: Blocks

    /// The content of one block.
    func block(_ number: Int) throws(DatasetError) -> [UInt8] {
        let file = try open()
        let sealed = try unlessDiskFails(segment, isIndex: true) { () throws(DiskError) in
            try file.read(IndexFile.stride, at: offset(of: number))
        }
        guard let plain = IndexFile.open(sealed[...], UInt64(number), key, authenticated) else { throw damaged }
        return plain
    }

    /// Whether the bytes between summary and blocks are as they were written.
    func paddingIsIntact() throws(DatasetError) -> Bool {
        let file = try open()
        let padding = try unlessDiskFails(segment, isIndex: true) { () throws(DiskError) in
            try file.read(blocksOffset - paddingOffset, at: Int64(paddingOffset))
        }
        return padding.allSatisfy { $0 == 0 }
    }

    private func open() throws(DatasetError) -> any File {
        try unlessDiskFails(segment, isIndex: true) { () throws(DiskError) in try files.open(path) }
    }

    private func offset(of block: Int) -> Int64 { Int64(blocksOffset + block * IndexFile.stride) }

    private var damaged: DatasetError { .damagedIndex(segment, path) }
}

extension Array {
    /// The first index whose element fulfils the predicate, which no element before it does and all after it do.
    func partitioningIndex(_ predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
