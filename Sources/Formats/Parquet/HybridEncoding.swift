/// Parquet's hybrid of run lengths and bit packing: levels, and indexes into dictionaries.
enum HybridEncoding {
    /// Encodes numbers below 2 to the power of `bitWidth`. Deterministic.
    static func encode<Number: UnsignedInteger & FixedWidthInteger>(_ numbers: [Number], bitWidth: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        // Numbers that no run of their own is worth it for; a multiple of 8 before every run.
        var packed = 0..<0
        var place = 0
        while place < numbers.count {
            var end = place + 1
            while end < numbers.count, numbers[end] == numbers[place] { end += 1 }
            // What is packed so far must be filled up to groups of 8 before a run may begin.
            let missing = packed.isEmpty ? 0 : (8 - packed.count % 8) % 8
            if end - place >= missing + 8 {
                let start = place + missing
                pack(numbers[packed.lowerBound..<(packed.isEmpty ? packed.lowerBound : start)], bitWidth, into: &bytes)
                bytes.append(varint: UInt64(end - start) << 1)
                append(numbers[place], bitWidth, to: &bytes)
                packed = end..<end
            } else {
                packed = (packed.isEmpty ? place : packed.lowerBound)..<end
            }
            place = end
        }
        pack(numbers[packed], bitWidth, into: &bytes)
        return bytes
    }

    /// The bits that a number needs.
    static func bitWidth(of number: Int) -> Int { Int.bitWidth - number.leadingZeroBitCount }

    private static func append(_ number: some FixedWidthInteger, _ bitWidth: Int, to bytes: inout [UInt8]) {
        for byte in 0..<(bitWidth + 7) / 8 { bytes.append(UInt8(truncatingIfNeeded: UInt64(number) >> (8 * UInt64(byte)))) }
    }

    /// Groups of 8, the last filled up with zeros.
    private static func pack(_ numbers: ArraySlice<some FixedWidthInteger>, _ bitWidth: Int, into bytes: inout [UInt8]) {
        guard !numbers.isEmpty else { return }
        let groups = (numbers.count + 7) / 8
        bytes.append(varint: UInt64(groups) << 1 | 1)
        var bits: UInt64 = 0
        var count = 0
        for index in 0..<groups * 8 {
            let place = numbers.startIndex + index
            if place < numbers.endIndex { bits |= UInt64(numbers[place]) << UInt64(count) }
            count += bitWidth
            while count >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bits >>= 8
                count -= 8
            }
        }
    }
}
