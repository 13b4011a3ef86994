import Model

/// Tells of an id, in memory and with one look, in which segments it may be: 8 bytes a record, between 10.7 and 16 with
/// the room to grow.
///
/// An entry is the upper 48 bits of the id's fingerprint and the slot of the segment. Two ids in one entry are as likely as one record in
/// 2^48: whoever is told a segment looks there.
struct IDTable: Sendable {
    /// The number of a segment, from 1.
    typealias Slot = UInt16

    private static let shardCount = 256
    private static let tagMask: UInt64 = ~0xFFFF

    /// Each grows on its own, so that none takes long. 0 is a free place.
    private var shards = [[UInt64]](repeating: [], count: IDTable.shardCount)
    private var counts = [Int](repeating: 0, count: IDTable.shardCount)
    /// Odd, and nobody knows it: ids cannot be chosen that stand in each other's way.
    private let multiplier = UInt64.random(in: .min ... .max) | 1

    /// Entries in it.
    var count: Int { counts.reduce(0, +) }
    /// Bytes that it takes.
    var bytes: Int { shards.reduce(0) { $0 + $1.capacity * 8 } }

    mutating func insert(_ fingerprint: Fingerprint, _ slot: Slot) {
        let shard = Int(fingerprint.low % UInt64(IDTable.shardCount))
        if (counts[shard] + 1) * 4 > shards[shard].count * 3 { grow(shard) }
        IDTable.place(fingerprint.high & IDTable.tagMask | UInt64(slot), in: &shards[shard], multiplier)
        counts[shard] += 1
    }

    /// Where the id may be; nearly always nowhere.
    func slots(of fingerprint: Fingerprint) -> [Slot] {
        let shard = Int(fingerprint.low % UInt64(IDTable.shardCount))
        let size = shards[shard].count
        guard size > 0 else { return [] }
        let tag = fingerprint.high & IDTable.tagMask
        var position = IDTable.home(of: tag, in: size, multiplier)
        var found: [Slot] = []
        while shards[shard][position] != 0 {
            let entry = shards[shard][position]
            if entry & IDTable.tagMask == tag { found.append(Slot(truncatingIfNeeded: entry)) }
            position = position + 1 == size ? 0 : position + 1
        }
        return found
    }

    /// Makes room for so many more.
    mutating func makeRoom(for more: Int) {
        // Shards differ a little in what they get.
        let each = more / IDTable.shardCount * 17 / 16
        for shard in shards.indices {
            let size = (counts[shard] + each) * 4 / 3 + 1
            if size > shards[shard].count { resize(shard, to: size) }
        }
    }

    private mutating func grow(_ shard: Int) {
        resize(shard, to: max(16, shards[shard].count * 3 / 2))
    }

    private mutating func resize(_ shard: Int, to size: Int) {
        var larger = [UInt64](repeating: 0, count: size)
        for entry in shards[shard] where entry != 0 { IDTable.place(entry, in: &larger, multiplier) }
        shards[shard] = larger
    }

    // These know nothing of the table, so that a shard is changed in place.

    private static func place(_ entry: UInt64, in shard: inout [UInt64], _ multiplier: UInt64) {
        var position = home(of: entry & tagMask, in: shard.count, multiplier)
        while shard[position] != 0 { position = position + 1 == shard.count ? 0 : position + 1 }
        shard[position] = entry
    }

    private static func home(of tag: UInt64, in size: Int, _ multiplier: UInt64) -> Int {
        Int(((tag &* multiplier) >> 32 &* UInt64(size)) >> 32)
    }
}
