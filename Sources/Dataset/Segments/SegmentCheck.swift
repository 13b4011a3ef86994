import Disk
import Model

/// Reads all of a segment's files and tells whatever is not as it was written, down to the last byte of its last batch.
struct SegmentCheck {
    private let segment: Segment
    private let file: any File
    private(set) var problems: [String] = []
    private(set) var batches: UInt64 = 0
    private(set) var records: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    private var ids: [Fingerprint: KnownRecord] = [:]
    private var groups: [UInt64: UInt64] = [:]
    private var tombstones: UInt64 = 0
    /// Batches of records by their place, as the index has them.
    private var expected: [Int64: BatchLocation] = [:]

    /// Opens the data file.
    init(_ segment: Segment) throws(DatasetError) {
        self.segment = segment
        file = try unlessDiskFails(segment.identity) { () throws(DiskError) in
            try segment.files.open(segment.folders.data(segment.identity.fileName))
        }
    }

    /// Checks key, data and index. Damage does not throw: see `problems`.
    ///
    /// - Parameter step: is called for each batch; may take its time, and throw.
    mutating func run(master: MasterKey, step: (UInt64) throws -> Void) throws {
        problems += try KeyFile.problems(
            segment.folders.key(segment.identity.fileName), expected: segment.identity, master: master, files: segment.files)
        var isIndexIntact = true
        do throws(DatasetError) { try readExpected() } catch {
            try note(error)
            isIndexIntact = false
        }
        try readData(step)
        if case .sealed(let index) = segment.index, isIndexIntact {
            do throws(DatasetError) { try check(index) } catch { try note(error) }
        }
    }

    private mutating func note(_ error: DatasetError) throws(DatasetError) {
        guard error.code == .corrupt else { throw error }
        problems.append(error.message)
    }

    private mutating func readExpected() throws(DatasetError) {
        switch segment.index {
        case .open(let index): index.batches.forEach { expected[$0.offset] = $0 }
        case .sealed(let index):
            for block in 0..<index.batchBlocks {
                for batch in try index.batches(inBlock: block) { expected[batch.offset] = batch }
            }
        }
    }

    // MARK: Data

    private mutating func readData(_ step: (UInt64) throws -> Void) throws {
        var reader = SegmentReader(segment.identity, segment.keys, file)
        var expectedTombstones: UInt64 = 0
        switch segment.index {
        case .open(let index): expectedTombstones = UInt64(index.tombstones.count)
        case .sealed(let index): expectedTombstones = index.summary.tombstones
        }
        var offset: Int64 = 0
        while offset < segment.size || tombstones < expectedTombstones {
            let block = try? file.read(Batch.blockSize, at: offset)
            guard let header = block.flatMap({ Batch.Header($0[...], segment: segment.identity.id, key: segment.keys.headers) })
            else {
                guard let next = lose(offset) else { return }
                offset = next
                continue
            }
            try step(UInt64(header.extent))
            batches += 1
            bytes += UInt64(header.extent)
            if let plain = try reader.plain(of: header, at: offset), take(plain, header, at: offset) {
                if header.kind == .dictionary {
                    reader = SegmentReader(segment.identity, segment.keys, file, dictionary: plain)
                }
                try checkPadding(header, at: offset)
            } else if !segment.lost.contains(where: { $0.contains(header.firstSequence) }) {
                problems.append("\(name): the batch at byte \(offset) is damaged (\(described(header)))")
            }
            offset += header.extent
        }
    }

    private var name: String { "segment \(segment.identity.fileName)" }

    private func described(_ header: Batch.Header) -> String {
        switch header.kind {
        case .records: "\(header.count) records, sequences \(header.firstSequence) to \(header.lastSequence)"
        case .dictionary: "the dictionary of all after it"
        case .tombstones: "\(header.count) ids of erased records"
        }
    }

    /// Passes over a batch without a header; nil: nothing tells where the next one is.
    private mutating func lose(_ offset: Int64) -> Int64? {
        if let batch = expected[offset] {
            problems.append(
                "\(name): the batch at byte \(offset) is damaged (\(batch.count) records, sequences \(batch.firstSequence) to \(batch.lastSequence))"
            )
            return offset + batch.extent
        }
        if segment.lost.isEmpty || expected.isEmpty { problems.append("\(name): there is no batch at byte \(offset)") }
        return expected.keys.filter { $0 > offset }.min()
    }

    private mutating func take(_ plain: [UInt8], _ header: Batch.Header, at offset: Int64) -> Bool {
        switch header.kind {
        case .dictionary: return true
        case .tombstones:
            guard let found = Tombstone.decode(plain, count: header.count) else { return false }
            for tombstone in found { ids[tombstone.fingerprint] = tombstone.known }
            tombstones += UInt64(found.count)
        case .records:
            guard let found = EntryCoding.decode(plain, header: header, expiry: segment.identity.expiry) else { return false }
            guard expected[offset] != nil else { return true }
            records += UInt64(found.count)
            for record in found {
                ids[record.fingerprint] = record.known
                groups[record.group.fingerprint, default: 0] += 1
            }
        }
        return true
    }

    private mutating func checkPadding(_ header: Batch.Header, at offset: Int64) throws {
        let used = Int64(Batch.Header.size + Int(header.sealedSize) + Batch.tagSize)
        let padding = try file.read(Int(header.extent - used), at: offset + used)
        if padding.contains(where: { $0 != 0 }) {
            problems.append("\(name): bytes that mean nothing behind the batch at byte \(offset) were changed; nothing is lost")
        }
    }

    // MARK: Index

    private mutating func check(_ index: SealedIndex) throws(DatasetError) {
        let name = segment.identity.fileName
        let path = segment.folders.index(name)
        let index = try SealedIndex(path, identity: segment.identity, keys: segment.keys, files: segment.files)
        for number in 0..<index.blocks { _ = try index.block(number) }
        if try !index.paddingIsIntact() {
            problems.append("index of segment \(name): bytes that mean nothing were changed; nothing is lost")
        }
        // What is damaged in the data was told above.
        guard problems.isEmpty else { return }
        var known: [Fingerprint: KnownRecord] = [:]
        try index.forEachIDs { ids in for (fingerprint, record) in ids { known[fingerprint] = record } }
        guard known == ids, index.summary.records == records, index.summary.groups == groups else {
            throw DatasetError(
                .corrupt, "the index of segment \(name) does not say what the data says",
                source: .init(segment: segment.identity.id, isIndex: true))
        }
    }
}
