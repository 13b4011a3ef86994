import CMessages
import CProtobufC
package import Model

/// A value with a protobuf message of its own. All packing and unpacking is libprotobuf-c's.
package protocol WireMessage: Sendable {
    /// - Throws: `invalidArgument` when the bytes are not such a message or break a field's rule (naming the field);
    ///   `resourceExhausted` when unpacking would take more than a copy of the bytes and `Limits.decodeBytes`.
    init(packed: [UInt8]) throws(Status)

    /// The same value always packs to the same bytes.
    var packed: [UInt8] { get }
}

typealias Unpacker<C> = (UnsafeMutablePointer<ProtobufCAllocator>?, Int, UnsafePointer<UInt8>?) -> UnsafeMutablePointer<C>?

/// Unpacks `bytes` under the decode quota and lends the C message to `read`; it must not escape.
func unpack<C, Value>(
    _ bytes: [UInt8], _ unpacker: Unpacker<C>, _ read: (C) throws(Status) -> Value
) throws(Status) -> Value {
    try unpackInPlace(bytes, unpacker) { (message) throws(Status) in try read(message.pointee) }
}

/// The same, lending where the C message is.
func unpackInPlace<C, Value>(
    _ bytes: [UInt8], _ unpacker: Unpacker<C>, _ read: (UnsafeMutablePointer<C>) throws(Status) -> Value
) throws(Status) -> Value {
    guard let arena = message_arena_create(bytes.count + Limits.decodeBytes) else {
        throw Status(.resourceExhausted, "no memory to decode a message")
    }
    defer { message_arena_destroy(arena) }
    let unpacked = bytes.withUnsafeBufferPointer { unpacker(message_arena_allocator(arena), $0.count, $0.baseAddress) }
    guard let unpacked else {
        if message_arena_exhausted(arena) {
            throw Status(
                .invalidArgument,
                "decoding the message would take more than \(Limits.decodeBytes) bytes of memory beside its own",
                limit: Limits.decodeBytes)
        }
        throw Status(.invalidArgument, "not a valid protobuf message", hint: "pack it from the .proto files of this product")
    }
    let base = UnsafeRawPointer(unpacked).assumingMemoryBound(to: ProtobufCMessage.self)
    guard message_has_valid_tags(base) else {
        throw Status(.invalidArgument, "not a valid protobuf message: a field has the number 0")
    }
    return try read(unpacked)
}

/// Builds a C message with `fill` and packs it.
func pack<C>(_ initialize: (UnsafeMutablePointer<C>?) -> Void, _ fill: (Draft, inout C) -> Void) -> [UInt8] {
    let draft = Draft()
    let message = draft.make(initialize, fill)
    return withExtendedLifetime(draft) { pack(message) }
}

/// Packs a C message as it is.
func pack<C>(_ message: UnsafePointer<C>) -> [UInt8] {
    let base = UnsafeRawPointer(message).assumingMemoryBound(to: ProtobufCMessage.self)
    let size = protobuf_c_message_get_packed_size(base)
    guard size > 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = protobuf_c_message_pack(base, buffer.baseAddress)
    }
}

/// What comes before that many bytes of a field below 16, on the wire.
func lengthDelimited(field: UInt8, count: Int) -> [UInt8] {
    var bytes = [field << 3 | 2]
    var rest = count
    while rest > 0x7F {
        bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    bytes.append(UInt8(rest))
    return bytes
}

/// Memory for the parts of one C message while it is built and packed.
final class Draft {
    private let arena: OpaquePointer

    init() {
        guard let arena = message_arena_create(.max) else { preconditionFailure("no memory for a message") }
        self.arena = arena
    }

    deinit {
        message_arena_destroy(arena)
    }

    private func allocate(_ count: Int) -> UnsafeMutableRawPointer {
        let allocator = message_arena_allocator(arena)
        guard let piece = allocator?.pointee.alloc(allocator?.pointee.allocator_data, count) else {
            preconditionFailure("no memory for a message")
        }
        return piece
    }

    /// Room for that many, not initialized.
    func allocate<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
        allocate(count * MemoryLayout<Element>.stride).bindMemory(to: type, capacity: count)
    }

    func bytes(_ content: [UInt8]) -> ProtobufCBinaryData {
        content.withUnsafeBytes { copy($0) }
    }

    func text(_ content: String) -> ProtobufCBinaryData {
        var content = content
        return content.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    private func copy(_ content: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        guard let source = content.baseAddress, content.count > 0 else { return ProtobufCBinaryData(len: 0, data: nil) }
        let target = allocate(content.count)
        target.copyMemory(from: source, byteCount: content.count)
        return ProtobufCBinaryData(len: content.count, data: target.assumingMemoryBound(to: UInt8.self))
    }

    /// A NUL-terminated copy, for the fields libprotobuf-c's own messages declare as C strings.
    func cString(_ content: String) -> UnsafeMutablePointer<CChar> {
        let bytes = content.utf8CString
        let target = allocate(CChar.self, bytes.count)
        for (index, byte) in bytes.enumerated() { target[index] = byte }
        return target
    }

    func make<C>(_ initialize: (UnsafeMutablePointer<C>?) -> Void, _ fill: (Draft, inout C) -> Void) -> UnsafeMutablePointer<C> {
        let message = allocate(C.self, 1)
        initialize(message)
        fill(self, &message.pointee)
        return message
    }

    /// A repeated message field: its count and its array.
    func list<C, Value>(
        _ values: [Value], _ initialize: (UnsafeMutablePointer<C>?) -> Void, _ fill: (Draft, inout C, Value) -> Void
    ) -> (Int, UnsafeMutablePointer<UnsafeMutablePointer<C>?>?) {
        guard !values.isEmpty else { return (0, nil) }
        let array = allocate(UnsafeMutablePointer<C>?.self, values.count)
        for (index, value) in values.enumerated() {
            array[index] = make(initialize) { draft, message in fill(draft, &message, value) }
        }
        return (values.count, array)
    }

    /// A repeated string field: its count and its array.
    func texts(_ values: [String]) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
        array(values) { draft, value in draft.text(value) }
    }

    /// A repeated field of bytes: its count and its array.
    func array<Value>(
        _ values: [Value], _ make: (Draft, Value) -> ProtobufCBinaryData
    ) -> (Int, UnsafeMutablePointer<ProtobufCBinaryData>?) {
        guard !values.isEmpty else { return (0, nil) }
        let array = allocate(ProtobufCBinaryData.self, values.count)
        for (index, value) in values.enumerated() { array[index] = make(self, value) }
        return (values.count, array)
    }
}
