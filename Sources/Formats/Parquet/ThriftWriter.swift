/// Writes Thrift's compact protocol, in which Parquet's headers and footer are: fields in the order of their numbers.
struct ThriftWriter {
    private(set) var bytes: [UInt8] = []
    private var lastField: Int16 = 0

    /// What stands before an element or a field.
    enum Kind: UInt8 {
        case yes = 1
        case no = 2
        case int16 = 4
        case int32 = 5
        case int64 = 6
        case binary = 8
        case list = 9
        case structure = 12
    }

    /// A whole structure.
    static func structure(_ body: (inout ThriftWriter) -> Void) -> [UInt8] {
        var writer = ThriftWriter()
        body(&writer)
        writer.bytes.append(0)
        return writer.bytes
    }

    mutating func field(_ id: Int16, _ flag: Bool) { begin(id, flag ? .yes : .no) }

    mutating func field(_ id: Int16, _ number: Int16) {
        begin(id, .int16)
        append(zigzag: Int64(number))
    }

    mutating func field(_ id: Int16, _ number: Int32) {
        begin(id, .int32)
        append(zigzag: Int64(number))
    }

    mutating func field(_ id: Int16, _ number: Int64) {
        begin(id, .int64)
        append(zigzag: number)
    }

    mutating func field(_ id: Int16, _ content: some Collection<UInt8>) {
        begin(id, .binary)
        append(content)
    }

    mutating func field(_ id: Int16, _ text: String) { field(id, text.utf8) }

    /// A field that is a structure.
    mutating func field(_ id: Int16, _ body: (inout ThriftWriter) -> Void) {
        begin(id, .structure)
        structure(body)
    }

    /// A field that is a list; `body` writes each element.
    mutating func list<Element>(
        _ id: Int16, of kind: Kind, _ elements: some Collection<Element>, _ body: (inout ThriftWriter, Element) -> Void
    ) {
        begin(id, .list)
        if elements.count < 15 {
            bytes.append(UInt8(elements.count) << 4 | kind.rawValue)
        } else {
            bytes.append(0xF0 | kind.rawValue)
            append(varint: UInt64(elements.count))
        }
        for element in elements { body(&self, element) }
    }

    /// An element that is a structure.
    mutating func structure(_ body: (inout ThriftWriter) -> Void) {
        let outer = lastField
        lastField = 0
        body(&self)
        bytes.append(0)
        lastField = outer
    }

    /// An element that is a structure, written before.
    mutating func append(structure: [UInt8]) { bytes += structure }

    /// An element that is text or bytes.
    mutating func append(_ content: some Collection<UInt8>) {
        append(varint: UInt64(content.count))
        bytes += content
    }

    /// An element that is a whole number.
    mutating func append(zigzag number: Int64) {
        append(varint: UInt64(bitPattern: number << 1 ^ number >> 63))
    }

    private mutating func begin(_ id: Int16, _ kind: Kind) {
        let step = id - lastField
        precondition(step > 0, "fields are written in the order of their numbers")
        if step < 16 {
            bytes.append(UInt8(step) << 4 | kind.rawValue)
        } else {
            bytes.append(kind.rawValue)
            append(zigzag: Int64(id))
        }
        lastField = id
    }

    private mutating func append(varint: UInt64) { bytes.append(varint: varint) }
}

extension [UInt8] {
    /// Seven bits a byte, the lowest first.
    mutating func append(varint: UInt64) {
        var rest = varint
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(rest))
    }

    mutating func append(littleEndian number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}
