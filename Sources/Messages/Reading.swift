import CMessages
import CProtobufC
import Model

extension ProtobufCBinaryData {
    private var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: data, count: len) }

    /// A copy of the bytes.
    var array: [UInt8] { Array(buffer) }

    /// The text of a `string` field.
    /// - Throws: `invalidArgument` naming `field` when it is not UTF-8.
    func text(_ field: @autoclosure () -> String) throws(Status) -> String {
        guard let text = String(validating: buffer, as: UTF8.self) else { throw notUTF8(field()) }
        return text
    }

    /// The text, or nil when it is empty.
    func textIfAny(_ field: @autoclosure () -> String) throws(Status) -> String? {
        len == 0 ? nil : try text(field())
    }

    /// Checks a `string` field without making a Swift string of it.
    func checkUTF8(_ field: @autoclosure () -> String) throws(Status) {
        guard len == 0 || (try? UTF8Span(validating: buffer.span)) != nil else { throw notUTF8(field()) }
    }

    private func notUTF8(_ field: String) -> Status {
        Status(
            .invalidArgument, "text is not valid UTF-8", field: field, hint: "a string field holds UTF-8; keep other bytes in raw"
        )
    }
}

/// Calls `body` with each message of a repeated field and its index.
func forEach<C>(
    _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, _ body: (Int, C) throws(Status) -> Void
) throws(Status) {
    for index in 0..<count {
        guard let message = array?[index] else { continue }
        try body(index, message.pointee)
    }
}

/// Makes a Swift value of each message of a repeated field.
func map<C, Value>(
    _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<C>?>?, _ body: (Int, C) throws(Status) -> Value
) throws(Status) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(count)
    try forEach(count, array) { (index, message) throws(Status) in values.append(try body(index, message)) }
    return values
}

/// The texts of a repeated `string` field.
func texts(_ count: Int, _ array: UnsafeMutablePointer<ProtobufCBinaryData>?, _ field: String) throws(Status) -> [String] {
    var values: [String] = []
    for index in 0..<count {
        if let text = array?[index] { values.append(try text.text("\(field)[\(index)]")) }
    }
    return values
}

/// Checks a repeated `string` field without making Swift strings of it.
func checkTexts(_ count: Int, _ array: UnsafeMutablePointer<ProtobufCBinaryData>?, _ field: String) throws(Status) {
    for index in 0..<count { try array?[index].checkUTF8("\(field)[\(index)]") }
}

extension Instant {
    /// An absent instant is 0 on the wire.
    init?(wire milliseconds: Int64) {
        guard milliseconds != 0 else { return nil }
        self.init(milliseconds: milliseconds)
    }

    /// The same of what is asked for, which is calculated with.
    /// - Throws: `invalidArgument` naming the field, where it is not representable.
    init?(asked milliseconds: Int64, _ field: String) throws(Status) {
        guard let instant = Instant(wire: milliseconds) else { return nil }
        guard Instant.representable.contains(instant) else {
            throw Status(
                .invalidArgument, "times are from \(Instant.representable.lowerBound) to \(Instant.representable.upperBound)",
                field: field)
        }
        self = instant
    }
}
