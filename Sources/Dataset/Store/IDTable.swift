import Model

/// Tells of an id, in memory and with one look, in which segments it may be: 8 bytes a record, between 9.4 and 11.8 with the room to grow.
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
        if (counts[shard] + 1) * 20 > shards[shard].count * 17 { grow(shard) }
        place(fingerprint.high & IDTable.tagMask | UInt64(slot), in: &shards[shard])
        counts[shard] += 1
    }

    /// Where the id may be; nearly always nowhere.
    func slots(of fingerprint: Fingerprint) -> [Slot] {
        let shard = shards[Int(fingerprint.low % UInt64(IDTable.shardCount))]
        guard !shard.isEmpty else { return [] }
        let tag = fingerprint.high & IDTable.tagMask
        var position = home(of: tag, in: shard.count)
        var found: [Slot] = []
        while shard[position] != 0 {
            if shard[position] & IDTable.tagMask == tag { found.append(Slot(truncatingIfNeeded: shard[position])) }
            position = position + 1 == shard.count ? 0 : position + 1
        }
        return found
    }

    private mutating func grow(_ shard: Int) {
        var larger = [UInt64](repeating: 0, count: max(16, shards[shard].count * 5 / 4))
        for entry in shards[shard] where entry != 0 { place(entry, in: &larger) }
        shards[shard] = larger
    }

    private func place(_ entry: UInt64, in shard: inout [UInt64]) {
        var position = home(of: entry & IDTable.tagMask, in: shard.count)
        while shard[position] != 0 { position = position + 1 == shard.count ? 0 : position + 1 }
        shard[position] = entry
    }

    private func home(of tag: UInt64, in size: Int) -> Int {
        Int(((tag &* multiplier) >> 32 &* UInt64(size)) >> 32)
    }
}
