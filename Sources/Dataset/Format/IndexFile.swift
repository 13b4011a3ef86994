import Crypto
import Disk
import FoundationEssentials
import Model

/// Writes and reads the index of a segment to which nothing is added any more. See Format.md beside this file.
enum IndexFile {
    static let magic = Array("MSGXINDX".utf8)
    static let version: UInt16 = 1
    static let headerSize = 68
    static let blockSize = 8 << 10
    /// From one block to the next.
    static let stride = blockSize + Batch.tagSize
    static let batchSize = 48
    static let idSize = 40
    static let batchesPerBlock = blockSize / batchSize
    static let idsPerBlock = blockSize / idSize
    /// Postings of a term that stand together, at most.
    static let postingsTogether = 1000
    private static let erasedFlag: UInt32 = 1 << 31

    /// The key of one index file: it is never used for another one, so that its blocks' numbers are nonces.
    static func key(_ root: SymmetricKey, salt: ArraySlice<UInt8>) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: root, salt: Array(salt), info: Array("message-export index".utf8), outputByteCount: 32)
    }

    /// The whole file.
    static func encode(_ index: OpenIndex, _ ids: OpenIDs, identity: SegmentIdentity, keys: SegmentKeys) -> [Data] {
        var summary = IndexSummary(index)
        var blocks: [[UInt8]] = []
        summary.batchFences = encodeBatches(index.batches, into: &blocks)
        summary.idFences = encode(ids, base: summary, into: &blocks)
        summary.termFences = encodePostings(index.postings, base: summary.firstSequence, into: &blocks)
        summary.ids = UInt64(ids.count)
        let salt = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let sealedSummary = summary.encoded
        var header = ByteWriter()
        header.write(magic)
        header.write(version)
        header.write(UInt16(0))
        header.write(UInt32(sealedSummary.count))
        header.write(identity.id.bytes)
        header.write(UInt32(blocks.count))
        header.write(salt)
        let key = key(keys.root, salt: salt[...])
        let authenticated = header.bytes + identity.encoded
        var file = [Data(header.bytes), seal(sealedSummary, .max, key, authenticated)]
        file.append(
            Data(count: blocksOffset(summarySize: sealedSummary.count) - headerSize - sealedSummary.count - Batch.tagSize))
        for (number, block) in blocks.enumerated() { file.append(seal(block, UInt64(number), key, authenticated)) }
        return file
    }

    /// Where the first block is.
    static func blocksOffset(summarySize: Int) -> Int {
        (headerSize + summarySize + Batch.tagSize + Batch.blockSize - 1) / Batch.blockSize * Batch.blockSize
    }

    private static func seal(_ plain: [UInt8], _ number: UInt64, _ key: SymmetricKey, _ authenticated: [UInt8]) -> Data {
        do {
            let box = try AES.GCM.seal(plain, using: key, nonce: Nonces.nonce(number), authenticating: authenticated)
            return box.ciphertext + box.tag
        } catch {
            preconditionFailure("AES-GCM seals under a 256-bit key: \(error)")
        }
    }

    /// The content of a block or of the summary; nil when it is not what was written.
    static func open(_ sealed: ArraySlice<UInt8>, _ number: UInt64, _ key: SymmetricKey, _ authenticated: [UInt8]) -> [UInt8]? {
        guard sealed.count >= Batch.tagSize,
            let box = try? AES.GCM.SealedBox(
                nonce: Nonces.nonce(number), ciphertext: sealed.dropLast(Batch.tagSize), tag: sealed.suffix(Batch.tagSize)),
            let plain = try? AES.GCM.open(box, using: key, authenticating: authenticated)
        else { return nil }
        return Array(plain)
    }

    // MARK: Batches

    private static func encodeBatches(_ batches: Log<BatchLocation>, into blocks: inout [[UInt8]]) -> [UInt64] {
        var fences: [UInt64] = []
        for start in Swift.stride(from: 0, to: batches.count, by: batchesPerBlock) {
            var writer = ByteWriter()
            for index in start..<min(start + batchesPerBlock, batches.count) {
                let batch = batches[index]
                writer.write(batch.offset)
                writer.write(batch.firstSequence)
                writer.write(batch.lastSequence)
                writer.write(batch.ingestedAt.milliseconds)
                writer.write(batch.count)
                writer.write(batch.sealedSize)
                writer.write(batch.plainSize)
                writer.write(UInt32(0))
            }
            fences.append(batches[start].firstSequence)
            blocks.append(padded(writer.bytes))
        }
        return fences
    }

    /// Nil when the block does not hold so many.
    static func decodeBatches(_ block: [UInt8], count: Int) -> [BatchLocation]? {
        var reader = ByteReader(block[...])
        var batches: [BatchLocation] = []
        for _ in 0..<count {
            guard let offset = reader.read(Int64.self), let first = reader.read(UInt64.self), let last = reader.read(UInt64.self),
                let ingestedAt = reader.read(Int64.self), let count = reader.read(UInt32.self),
                let sealedSize = reader.read(UInt32.self), let plainSize = reader.read(UInt32.self), reader.read(4) != nil
            else { return nil }
            batches.append(
                BatchLocation(
                    offset: offset, firstSequence: first, lastSequence: last, ingestedAt: Instant(milliseconds: ingestedAt),
                    count: count, sealedSize: sealedSize, plainSize: plainSize))
        }
        return batches
    }

    // MARK: Ids

    private static func encode(_ ids: OpenIDs, base: IndexSummary, into blocks: inout [[UInt8]]) -> [UInt64] {
        let sorted = ids.all.sorted { $0.fingerprint < $1.fingerprint }
        var fences: [UInt64] = []
        for start in Swift.stride(from: 0, to: sorted.count, by: idsPerBlock) {
            var writer = ByteWriter()
            writer.bytes.reserveCapacity(blockSize)
            for (fingerprint, known) in sorted[start..<min(start + idsPerBlock, sorted.count)] {
                writer.write(fingerprint)
                writer.write(known.content)
                writer.write(UInt32(known.sequence - base.lowestSequence))
                let time = UInt32(max(0, known.ingestedAt.milliseconds - base.lowestIngestedAt.milliseconds))
                writer.write(time | (known.isErased ? erasedFlag : 0))
            }
            fences.append(sorted[start].fingerprint.high)
            blocks.append(padded(writer.bytes))
        }
        return fences
    }

    /// Nil when the block does not hold so many.
    static func decodeIDs(_ block: [UInt8], count: Int, base: IndexSummary) -> [(fingerprint: Fingerprint, known: KnownRecord)]? {
        var reader = ByteReader(block[...])
        var ids: [(fingerprint: Fingerprint, known: KnownRecord)] = []
        ids.reserveCapacity(count)
        for _ in 0..<count {
            guard let fingerprint = reader.readFingerprint(), let content = reader.readFingerprint(),
                let sequence = reader.read(UInt32.self), let time = reader.read(UInt32.self)
            else { return nil }
            let ingestedAt = base.lowestIngestedAt.milliseconds + Int64(time & ~erasedFlag)
            ids.append(
                (
                    fingerprint,
                    KnownRecord(
                        content: content, sequence: base.lowestSequence + UInt64(sequence),
                        ingestedAt: Instant(milliseconds: ingestedAt), isErased: time & erasedFlag != 0)
                ))
        }
        return ids
    }

    /// Adds the fingerprints of a block of ids.
    /// - Precondition: it is a whole block.
    static func decodeFingerprints(_ block: [UInt8], count: Int, into fingerprints: inout [Fingerprint]) {
        precondition(block.count >= count * idSize, "a block has its size")
        block.withUnsafeBytes { bytes in
            for index in 0..<count {
                fingerprints.append(
                    Fingerprint(
                        high: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * idSize, as: UInt64.self)),
                        low: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index * idSize + 8, as: UInt64.self))))
            }
        }
    }

    // MARK: Postings

    private static func encodePostings(_ postings: Log<Posting>, base: UInt64, into blocks: inout [[UInt8]]) -> [UInt64] {
        var sorted: [Posting] = []
        sorted.reserveCapacity(postings.count)
        postings.forEach { sorted.append($0) }
        sorted.sort()
        var fences: [UInt64] = []
        var block = ByteWriter()
        var fence: UInt64?
        func flush() {
            guard let first = fence else { return }
            var writer = ByteWriter()
            writer.write(UInt16(block.bytes.count))
            blocks.append(padded(writer.bytes + block.bytes))
            fences.append(first)
            (block, fence) = (ByteWriter(), nil)
        }
        var start = 0
        while start < sorted.count {
            let term = sorted[start].term
            var end = start
            var together = ByteWriter()
            var previous = base
            while end < sorted.count, sorted[end].term == term, end - start < postingsTogether {
                together.writeVariable(sorted[end].sequence - previous)
                previous = sorted[end].sequence
                end += 1
            }
            if block.bytes.count + together.bytes.count + 12 > blockSize - 2 { flush() }
            fence = fence ?? term
            block.write(term)
            block.write(UInt16(end - start))
            block.write(together.bytes)
            start = end
        }
        flush()
        return fences
    }

    /// Adds the sequences of a term that a block holds; nil when the block is not one.
    static func decodePostings(_ block: [UInt8], of term: Term, base: UInt64, into found: inout [UInt64]) -> Bool? {
        var outer = ByteReader(block[...])
        guard let used = outer.read(UInt16.self), let content = outer.read(Int(used)) else { return nil }
        var reader = ByteReader(content)
        while reader.remaining > 0 {
            guard let other = reader.read(UInt64.self), let count = reader.read(UInt16.self) else { return nil }
            var sequence = base
            for _ in 0..<count {
                guard let step = reader.readVariable() else { return nil }
                sequence &+= step
                if other == term.fingerprint { found.append(sequence) }
            }
            if other > term.fingerprint { return true }
        }
        return true
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count <= blockSize, "a block takes what is put in it")
        return bytes + [UInt8](repeating: 0, count: blockSize - bytes.count)
    }
}
