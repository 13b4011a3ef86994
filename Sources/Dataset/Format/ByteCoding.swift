/// Writes the fixed-width little-endian integers and length-prefixed strings of the dataset's files.
struct ByteWriter {
    var bytes: [UInt8] = []

    mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ content: some Sequence<UInt8>) {
        bytes.append(contentsOf: content)
    }

    mutating func write(_ fingerprint: Fingerprint) {
        write(fingerprint.high)
        write(fingerprint.low)
    }

    /// A string of at most 65,535 bytes, behind its length.
    mutating func writeShort(_ text: String) {
        write(UInt16(text.utf8.count))
        write(text.utf8)
    }

    /// Seven bits a byte, the lowest first.
    mutating func writeVariable(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// Reads what `ByteWriter` wrote; nil at the first thing that is not there whole. Safe on any bytes.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var remaining: Int { bytes.endIndex - position }

    mutating func read<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Integer? {
        guard let slice = read(MemoryLayout<Integer>.size) else { return nil }
        var value: Integer = 0
        withUnsafeMutableBytes(of: &value) { $0.copyBytes(from: slice) }
        return Integer(littleEndian: value)
    }

    mutating func read<Integer: FixedWidthInteger>(_ type: Integer.Type, count: Int) -> [Integer]? {
        guard count <= remaining / MemoryLayout<Integer>.size else { return nil }
        return (0..<count).compactMap { _ in read(type) }
    }

    mutating func read(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func readFingerprint() -> Fingerprint? {
        guard let high = read(UInt64.self), let low = read(UInt64.self) else { return nil }
        return Fingerprint(high: high, low: low)
    }

    mutating func readShort() -> String? {
        guard let length = read(UInt16.self), let text = read(Int(length)) else { return nil }
        return String(validating: text, as: UTF8.self)
    }

    mutating func readVariable() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard let byte = read(UInt8.self) else { return nil }
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
        }
        return nil
    }
}
