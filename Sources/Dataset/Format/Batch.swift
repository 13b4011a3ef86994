import Crypto
import FoundationEssentials

/// One commit's records: the unit of sealing, writing and syncing. See Format.md beside this file.
enum Batch {
    /// Batches begin on block boundaries, so that writing one never changes a block of another.
    static let blockSize = 4096
    static let tagSize = 16

    /// How a batch's bytes were made smaller before they were sealed.
    enum Compression: UInt8 {
        case none = 0
        case zstd = 1
        /// With the segment's dictionary.
        case zstdWithDictionary = 2
    }

    /// What is written at a block boundary for one batch: header, sealed bytes, tag, zeros to the next boundary.
    static func seal(_ content: [UInt8], header: Header, identity: [UInt8], keys: SegmentKeys) -> [Data] {
        precondition(Int(header.sealedSize) == content.count, "AES-GCM does not change the size")
        let headerBytes = header.encoded(keys.headers)
        do {
            let box = try AES.GCM.seal(
                content, using: keys.batches, nonce: Nonces.nonce(header.ordinal), authenticating: headerBytes + identity)
            let padding = Int(header.extent) - Header.size - content.count - tagSize
            return [Data(headerBytes), box.ciphertext, box.tag, Data(count: padding)]
        } catch {
            preconditionFailure("AES-GCM seals under a 256-bit key: \(error)")
        }
    }

    /// The bytes of a batch read from disk, header included, compressed as they are; nil when it is not what was written.
    static func open(_ bytes: ArraySlice<UInt8>, header: Header, identity: [UInt8], keys: SegmentKeys) -> [UInt8]? {
        var reader = ByteReader(bytes)
        guard let headerBytes = reader.read(Header.size), let sealed = reader.read(Int(header.sealedSize)),
            let tag = reader.read(tagSize)
        else { return nil }
        // Whatever the reason it does not open, it is not what was written.
        guard
            let box = try? AES.GCM.SealedBox(nonce: Nonces.nonce(header.ordinal), ciphertext: sealed, tag: tag),
            let content = try? AES.GCM.open(box, using: keys.batches, authenticating: Array(headerBytes) + identity)
        else { return nil }
        return Array(content)
    }
}

/// Nonces of AES-GCM made of a number: under one key each number seals once.
enum Nonces {
    /// Of a batch's ordinal: a segment that failed or was recovered is never appended to. Of an index's block: each index file has a key
    /// of its own.
    static func nonce(_ number: UInt64) -> AES.GCM.Nonce {
        var writer = ByteWriter()
        writer.write(UInt32(0))
        writer.write(number)
        do {
            return try AES.GCM.Nonce(data: writer.bytes)
        } catch {
            preconditionFailure("12 bytes are a nonce: \(error)")
        }
    }
}
