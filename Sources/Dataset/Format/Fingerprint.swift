import Crypto
import FoundationEssentials
import Model

/// 128 bits of a SHA-256: tells apart what is not equal. It stands in files that are sealed, and in memory, only.
struct Fingerprint: Hashable, Comparable, Sendable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The first 16 bytes of a digest.
    /// - Precondition: it has as many.
    init(digest: some ContiguousBytes) {
        (high, low) = digest.withUnsafeBytes { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// What a submitter's message id is known by.
    init(submitter: UInt32, id: MessageID) {
        self = withUnsafeTemporaryAllocation(byteCount: 5 + id.value.utf8.count, alignment: 4) { bytes in
            bytes[0] = 0
            bytes.storeBytes(of: submitter.littleEndian, toByteOffset: 1, as: UInt32.self)
            bytes[5...].copyBytes(from: id.value.utf8)
            return Fingerprint(hashOf: UnsafeRawBufferPointer(bytes))
        }
    }

    fileprivate init(hashOf bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        self.init(digest: hash.finalize())
    }

    static func < (left: Fingerprint, right: Fingerprint) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }
}

/// Something that records are found by, beside their id. Equal terms mean equal values, but for one in 2^64: who finds a record by one
/// looks whether it is so.
package struct Term: Hashable, Sendable {
    /// What a term says of a record.
    package enum Kind: UInt8, Sendable {
        case configuration = 1
        case recipient = 2
        case campaign = 3
        case journey = 4
    }

    let fingerprint: UInt64

    /// Comes before all others: a segment where it finds nothing is known without a look.
    package static let first = Term(fingerprint: 0)

    /// The term of a value as it is compared: equal values have equal bytes.
    package init(_ kind: Kind, _ value: some StringProtocol) {
        fingerprint = withUnsafeTemporaryAllocation(byteCount: 1 + value.utf8.count, alignment: 1) { bytes in
            bytes[0] = kind.rawValue
            bytes[1...].copyBytes(from: value.utf8)
            return Fingerprint(hashOf: UnsafeRawBufferPointer(bytes)).high
        }
    }

    init(fingerprint: UInt64) {
        self.fingerprint = fingerprint
    }
}
