import Crypto
import FoundationEssentials
import Model

/// One commit's records: the unit of sealing, writing and syncing. See Format.md beside this file.
enum Batch {
    /// Batches begin on block boundaries, so that writing one never changes a block of another.
    static let blockSize = 4096
    static let tagSize = 16

    /// A batch's header: in the clear, authenticated on its own.
    struct Header: Hashable {
        static let magic = Array("MSGXBTCH".utf8)
        static let version: UInt16 = 1
        static let size = 96
        private static let authenticatedSize = 80

        var segment: SegmentID
        /// Its number in the segment, from 0.
        var ordinal: UInt64
        /// How many batches of the segment were durable, and so perhaps acknowledged, when this one was made.
        var durable: UInt64
        /// Sequence of its first record; the others follow without gaps.
        var firstSequence: UInt64
        /// Sequences from this one up to the first record's were in batches that failed: whatever of them is found on disk was never
        /// acknowledged and does not count.
        var voidFrom: UInt64
        var ingestedAt: Instant
        var count: UInt32
        /// Bytes of the sealed records, without their tag.
        var sealedSize: UInt32

        var lastSequence: UInt64 { firstSequence + UInt64(count) - 1 }

        /// Bytes from the header to the next batch.
        var extent: Int64 {
            let used = Header.size + Int(sealedSize) + Batch.tagSize
            return Int64((used + Batch.blockSize - 1) / Batch.blockSize * Batch.blockSize)
        }

        func encoded(_ key: SymmetricKey) -> [UInt8] {
            var writer = ByteWriter()
            writer.write(Header.magic)
            writer.write(Header.version)
            writer.write(UInt16(0))
            writer.write(UInt32(0))
            writer.write(segment.bytes)
            writer.write(ordinal)
            writer.write(durable)
            writer.write(firstSequence)
            writer.write(ingestedAt.milliseconds)
            writer.write(count)
            writer.write(sealedSize)
            writer.write(voidFrom)
            let code = HMAC<SHA256>.authenticationCode(for: writer.bytes, using: key)
            writer.write(code.prefix(Header.size - Header.authenticatedSize))
            return writer.bytes
        }

        /// Nil unless the bytes begin with a header of this segment that was written by its key's holder.
        init?(_ bytes: ArraySlice<UInt8>, segment: SegmentID, key: SymmetricKey) {
            guard bytes.count >= Header.size else { return nil }
            let authenticated = bytes.prefix(Header.authenticatedSize)
            let code = HMAC<SHA256>.authenticationCode(for: Array(authenticated), using: key)
            let found = bytes.dropFirst(Header.authenticatedSize).prefix(Header.size - Header.authenticatedSize)
            guard code.prefix(found.count).elementsEqual(found) else { return nil }
            var reader = ByteReader(authenticated)
            guard reader.read(8).map(Array.init) == Header.magic, reader.read(UInt16.self) == Header.version,
                reader.read(6) != nil, reader.read(16).map(Array.init) == segment.bytes, let ordinal = reader.read(UInt64.self),
                let durable = reader.read(UInt64.self), let firstSequence = reader.read(UInt64.self),
                let ingestedAt = reader.read(Int64.self), let count = reader.read(UInt32.self), count > 0,
                let sealedSize = reader.read(UInt32.self), let voidFrom = reader.read(UInt64.self), voidFrom <= firstSequence
            else { return nil }
            self.init(
                segment: segment, ordinal: ordinal, durable: durable, firstSequence: firstSequence, voidFrom: voidFrom,
                ingestedAt: Instant(milliseconds: ingestedAt), count: count, sealedSize: sealedSize)
        }

        init(
            segment: SegmentID, ordinal: UInt64, durable: UInt64, firstSequence: UInt64, voidFrom: UInt64, ingestedAt: Instant,
            count: UInt32, sealedSize: UInt32
        ) {
            self.segment = segment
            self.ordinal = ordinal
            self.durable = durable
            self.firstSequence = firstSequence
            self.voidFrom = voidFrom
            self.ingestedAt = ingestedAt
            self.count = count
            self.sealedSize = sealedSize
        }
    }

    /// What is written at a block boundary for one batch: header, sealed records, tag, zeros to the next boundary.
    static func seal(_ plain: [UInt8], header: Header, identity: [UInt8], keys: SegmentKeys) -> [Data] {
        precondition(Int(header.sealedSize) == plain.count, "AES-GCM does not change the size")
        let headerBytes = header.encoded(keys.headers)
        do {
            let box = try AES.GCM.seal(
                plain, using: keys.batches, nonce: nonce(header.ordinal), authenticating: headerBytes + identity)
            let padding = Int(header.extent) - Header.size - plain.count - tagSize
            return [Data(headerBytes), box.ciphertext, box.tag, Data(count: padding)]
        } catch {
            preconditionFailure("AES-GCM seals under a 256-bit key: \(error)")
        }
    }

    /// The records' bytes of a batch read from disk, header included; nil when it is not what was written.
    static func open(_ bytes: ArraySlice<UInt8>, header: Header, identity: [UInt8], keys: SegmentKeys) -> [UInt8]? {
        var reader = ByteReader(bytes)
        guard let headerBytes = reader.read(Header.size), let sealed = reader.read(Int(header.sealedSize)),
            let tag = reader.read(tagSize)
        else { return nil }
        // Whatever the reason it does not open, it is not what was written.
        guard
            let box = try? AES.GCM.SealedBox(nonce: nonce(header.ordinal), ciphertext: sealed, tag: tag),
            let plain = try? AES.GCM.open(box, using: keys.batches, authenticating: Array(headerBytes) + identity)
        else { return nil }
        return Array(plain)
    }

    /// A segment's key seals each ordinal once: a segment that failed or was recovered is never appended to.
    private static func nonce(_ ordinal: UInt64) -> AES.GCM.Nonce {
        var writer = ByteWriter()
        writer.write(UInt32(0))
        writer.write(ordinal)
        do {
            return try AES.GCM.Nonce(data: writer.bytes)
        } catch {
            preconditionFailure("12 bytes are a nonce: \(error)")
        }
    }
}
