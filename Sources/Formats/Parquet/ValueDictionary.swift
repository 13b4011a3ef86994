/// The distinct values of a column, numbered in the order they came in. Bounded: what does not fit is not taken.
struct ValueDictionary: Sendable {
    /// The values, encoded as pages of plain values are.
    private(set) var plain: [UInt8] = []
    /// Where each value is in `plain`.
    private var places: [Range<Int>] = []
    /// Numbers from 1 by their hash; 0: free. A power of two of them, at most half in use.
    private var slots = [UInt32](repeating: 0, count: 64)

    var count: Int { places.count }

    /// The number of an encoded value, from 0; nil: it is new, and there is no room for it.
    mutating func number(of value: ArraySlice<UInt8>) -> UInt32? {
        if let last = places.last, plain[last] == value { return UInt32(places.count - 1) }
        var slot = Self.hash(value) & (slots.count - 1)
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if plain[places[number]] == value { return UInt32(number) }
            slot = (slot + 1) & (slots.count - 1)
        }
        guard plain.count + value.count <= ParquetLimits.dictionaryBytes else { return nil }
        places.append(plain.count..<plain.count + value.count)
        plain += value
        slots[slot] = UInt32(places.count)
        if places.count * 2 > slots.count { grow() }
        return UInt32(places.count - 1)
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 4)
        for (number, place) in places.enumerated() {
            var slot = Self.hash(plain[place]) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(number + 1)
        }
    }

    private static func hash(_ value: ArraySlice<UInt8>) -> Int {
        var hasher = Hasher()
        value.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
