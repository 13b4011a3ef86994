import Crypto
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Dataset

/// What is sealed opens as what it was sealed as, and as nothing else.
@Suite struct SealTests {
    private func identity(sandbox: String = "s", epoch: UInt32 = 1, day: Int64 = 20_000, expiry: Int64 = 9, id: SegmentID)
        -> SegmentIdentity
    {
        SegmentIdentity(
            id: id, sandbox: sandbox, epoch: epoch, zone: "UTC", day: Day(number: day), expiry: Instant(milliseconds: expiry))
    }

    @Test func `a batch opens under its own identity, header and key, and under no other`() {
        let (id, keys) = (SegmentID.random(), SegmentKeys.random())
        let plain = Array("content".utf8)
        let header = Batch.Header(
            segment: id, ordinal: 3, durable: 3, firstSequence: 7, lastSequence: 7, voidFrom: 7,
            ingestedAt: Instant(milliseconds: 5), count: 1, sealedSize: UInt32(plain.count), plainSize: UInt32(plain.count))
        let own = identity(id: id).encoded
        let bytes = Batch.seal(plain, header: header, identity: own, keys: keys).flatMap { Array($0) }
        #expect(Batch.open(bytes[...], header: header, identity: own, keys: keys) == plain)
        for other in [
            identity(sandbox: "t", id: id), identity(epoch: 2, id: id), identity(day: 20_001, id: id),
            identity(expiry: 10, id: id),
            identity(id: .random()),
        ] {
            #expect(Batch.open(bytes[...], header: header, identity: other.encoded, keys: keys) == nil)
        }
        #expect(Batch.open(bytes[...], header: header, identity: own, keys: .random()) == nil)
        var moved = header
        moved.ordinal = 4
        #expect(Batch.open(bytes[...], header: moved, identity: own, keys: keys) == nil, "its place is its nonce")
        // A header that its key's holder did not write is none.
        for offset in 0..<Batch.Header.size {
            var changed = bytes
            changed[offset] ^= 1
            #expect(Batch.Header(changed[...], segment: id, key: keys.headers) == nil, "byte \(offset)")
        }
    }

    @Test func `a key file opens as the segment's that it was made for`() throws {
        let (master, keys, path) = (MasterKey.random().key, SegmentKeys.random(), FilePath("/k"))
        let own = identity(id: .random())
        let copy = KeyFile.encode(identity: own, keys: keys, master: master)
        #expect(try KeyFile.decode(copy[...], master: master, path: path).identity == own)
        for offset in copy.indices {
            var changed = copy
            changed[offset] ^= 1
            #expect(throws: DatasetError.self, "byte \(offset)") { try KeyFile.decode(changed[...], master: master, path: path) }
        }
        #expect(throws: DatasetError.self) { try KeyFile.decode(copy[...], master: MasterKey.random().key, path: path) }
    }
}
