import Crypto
import Model

extension Batch {
    /// A batch's header: in the clear, authenticated on its own.
    struct Header: Hashable {
        static let magic = Array("MSGXBTCH".utf8)
        static let version: UInt16 = 2
        static let size = 104
        private static let authenticatedSize = 88

        /// What is in a batch.
        enum Kind: UInt8 {
            case records = 0
            /// What the segment's batches after it were compressed with.
            case dictionary = 1
            /// What is left of records that were erased: their ids must not be taken again.
            case tombstones = 2
        }

        var segment: SegmentID
        var kind = Kind.records
        var compression = Compression.none
        /// Its number in the segment, from 0.
        var ordinal: UInt64
        /// How many batches of the segment were durable, and so perhaps acknowledged, when this one was made.
        var durable: UInt64
        /// Sequence of its first record, and of its last; there may be gaps between them. 0 where it holds none.
        var firstSequence: UInt64
        var lastSequence: UInt64
        /// Sequences from this one up to the first record's were in batches that failed: whatever of them is found on disk was never
        /// acknowledged and does not count.
        var voidFrom: UInt64
        /// Of its first record.
        var ingestedAt: Instant
        /// Records, or tombstones.
        var count: UInt32
        /// Bytes as they are sealed, without their tag.
        var sealedSize: UInt32
        /// Bytes before they were compressed.
        var plainSize: UInt32

        /// Bytes from the header to the next batch.
        var extent: Int64 {
            let used = Header.size + Int(sealedSize) + Batch.tagSize
            return Int64((used + Batch.blockSize - 1) / Batch.blockSize * Batch.blockSize)
        }

        func encoded(_ key: SymmetricKey) -> [UInt8] {
            var writer = ByteWriter()
            writer.bytes.reserveCapacity(Header.size)
            writer.write(Header.magic)
            writer.write(Header.version)
            writer.write(kind.rawValue)
            writer.write(compression.rawValue)
            writer.write(count)
            writer.write(segment.bytes)
            writer.write(ordinal)
            writer.write(durable)
            writer.write(firstSequence)
            writer.write(ingestedAt.milliseconds)
            writer.write(lastSequence)
            writer.write(sealedSize)
            writer.write(plainSize)
            writer.write(voidFrom)
            let code = HMAC<SHA256>.authenticationCode(for: writer.bytes, using: key)
            writer.write(code.prefix(Header.size - Header.authenticatedSize))
            return writer.bytes
        }

        /// Nil unless the bytes begin with a header of this segment that was written by its key's holder.
        init?(_ bytes: ArraySlice<UInt8>, segment: SegmentID, key: SymmetricKey) {
            // What stands in the clear first: a file that was used before is full of what is not this segment's.
            guard bytes.count >= Header.size, bytes.prefix(8).elementsEqual(Header.magic),
                bytes.dropFirst(16).prefix(16).elementsEqual(segment.bytes)
            else { return nil }
            let authenticated = bytes.prefix(Header.authenticatedSize)
            let code = HMAC<SHA256>.authenticationCode(for: Array(authenticated), using: key)
            let found = bytes.dropFirst(Header.authenticatedSize).prefix(Header.size - Header.authenticatedSize)
            guard code.prefix(found.count).elementsEqual(found) else { return nil }
            self.init(authenticated, segment: segment)
        }

        private init?(_ authenticated: ArraySlice<UInt8>, segment: SegmentID) {
            var reader = ByteReader(authenticated.dropFirst(8))
            guard reader.read(UInt16.self) == Header.version, let kind = reader.read(UInt8.self).flatMap(Kind.init),
                let compression = reader.read(UInt8.self).flatMap(Compression.init), let count = reader.read(UInt32.self),
                reader.read(16) != nil, let ordinal = reader.read(UInt64.self), let durable = reader.read(UInt64.self),
                let firstSequence = reader.read(UInt64.self), let ingestedAt = reader.read(Int64.self),
                let lastSequence = reader.read(UInt64.self), lastSequence >= firstSequence,
                let sealedSize = reader.read(UInt32.self), let plainSize = reader.read(UInt32.self),
                let voidFrom = reader.read(UInt64.self), voidFrom <= firstSequence
            else { return nil }
            self.init(
                segment: segment, kind: kind, compression: compression, ordinal: ordinal, durable: durable,
                firstSequence: firstSequence, lastSequence: lastSequence, voidFrom: voidFrom,
                ingestedAt: Instant(milliseconds: ingestedAt), count: count, sealedSize: sealedSize, plainSize: plainSize)
        }

        init(
            segment: SegmentID, kind: Kind = .records, compression: Compression = .none, ordinal: UInt64, durable: UInt64,
            firstSequence: UInt64, lastSequence: UInt64, voidFrom: UInt64, ingestedAt: Instant, count: UInt32,
            sealedSize: UInt32, plainSize: UInt32
        ) {
            self.segment = segment
            self.kind = kind
            self.compression = compression
            self.ordinal = ordinal
            self.durable = durable
            self.firstSequence = firstSequence
            self.lastSequence = lastSequence
            self.voidFrom = voidFrom
            self.ingestedAt = ingestedAt
            self.count = count
            self.sealedSize = sealedSize
            self.plainSize = plainSize
        }
    }
}
