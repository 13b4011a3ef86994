import CMessages
import CProtobufC
package import Model

/// A message of a type that is known only at run time.
package struct DynamicMessage {
    /// One value of a field.
    package enum Value {
        case integer(Int64)
        case natural(UInt64)
        case flag(Bool)
        case decimal(Double)
        case text(String)
        case bytes([UInt8])
        case message(DynamicMessage)
    }

    /// Its type.
    package let type: DynamicType
    /// Values of the fields that are there, by the field's name in the `.proto`.
    package var values: [String: [Value]] = [:]

    /// One without any field. A schema must outlive the types and messages of it.
    package init(_ type: DynamicType) {
        self.type = type
    }

    /// - Throws: `invalidArgument` when the bytes are not such a message; `resourceExhausted` as `WireMessage.init(packed:)`.
    package init(packed: [UInt8], _ type: DynamicType) throws(Status) {
        self = try unpackInPlace(packed, { protobuf_c_message_unpack(type.descriptor, $0, $1, $2) }) { (message) throws(Status) in
            try DynamicMessage(at: UnsafeMutableRawPointer(message), type)
        }
    }

    /// The message packed, by libprotobuf-c.
    package var packed: [UInt8] {
        let draft = Draft()
        let message = draft.dynamic(self)
        return withExtendedLifetime(draft) { pack(UnsafePointer(message.assumingMemoryBound(to: ProtobufCMessage.self))) }
    }

    private init(at memory: UnsafeMutableRawPointer, _ type: DynamicType) throws(Status) {
        self.type = type
        for field in type.fields {
            if let countOffset = field.countOffset {
                let count = memory.load(fromByteOffset: countOffset, as: Int.self)
                guard count > 0, let array = memory.load(fromByteOffset: field.offset, as: UnsafeMutableRawPointer?.self) else {
                    continue
                }
                var all: [Value] = []
                for index in 0..<count { all.append(try field.value(at: array + index * field.stride)) }
                values[field.name] = all
            } else if try isPresent(field, memory) {
                values[field.name] = [try field.value(at: memory + field.offset)]
            }
        }
    }

    private func isPresent(_ field: DynamicField, _ memory: UnsafeMutableRawPointer) throws(Status) -> Bool {
        if let caseOffset = field.caseOffset {
            return memory.load(fromByteOffset: caseOffset, as: UInt32.self) == UInt32(field.number)
        }
        if case .message = field.kind {
            return memory.load(fromByteOffset: field.offset, as: UnsafeMutableRawPointer?.self) != nil
        }
        return switch try field.value(at: memory + field.offset) {
        case .integer(let number): number != 0
        case .natural(let number): number != 0
        case .flag(let flag): flag
        case .decimal(let number): number != 0
        case .text(let text): !text.isEmpty
        case .bytes(let bytes): !bytes.isEmpty
        case .message: true
        }
    }
}

extension DynamicField {
    fileprivate var stride: Int {
        switch kind {
        case .int32, .uint32, .bool, .float, .enumeration: 4
        case .int64, .uint64, .double, .message: 8
        case .text, .bytes: 16
        }
    }

    fileprivate func value(at memory: UnsafeMutableRawPointer) throws(Status) -> DynamicMessage.Value {
        switch kind {
        case .int32, .enumeration: return .integer(Int64(memory.load(as: Int32.self)))
        case .int64: return .integer(memory.load(as: Int64.self))
        case .uint32: return .natural(UInt64(memory.load(as: UInt32.self)))
        case .uint64: return .natural(memory.load(as: UInt64.self))
        case .bool: return .flag(memory.load(as: UInt32.self) != 0)
        case .float: return .decimal(Double(memory.load(as: Float.self)))
        case .double: return .decimal(memory.load(as: Double.self))
        case .text: return .text(try memory.load(as: ProtobufCBinaryData.self).text(name))
        case .bytes: return .bytes(memory.load(as: ProtobufCBinaryData.self).array)
        case .message(let type):
            guard let message = memory.load(as: UnsafeMutableRawPointer?.self) else { return .message(DynamicMessage(type)) }
            return .message(try DynamicMessage(nested: message, type))
        }
    }
}

extension DynamicMessage {
    fileprivate init(nested memory: UnsafeMutableRawPointer, _ type: DynamicType) throws(Status) {
        try self.init(at: memory, type)
    }
}

extension Draft {
    /// The message as libprotobuf-c lays it out.
    fileprivate func dynamic(_ message: DynamicMessage) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer(allocate(UInt8.self, message.type.size))
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: message.type.size)
        memory.assumingMemoryBound(to: ProtobufCMessage.self).pointee.descriptor = UnsafePointer(message.type.descriptor)
        for field in message.type.fields {
            guard let values = message.values[field.name], let first = values.first else { continue }
            if let countOffset = field.countOffset {
                let array = UnsafeMutableRawPointer(allocate(UInt8.self, values.count * field.stride))
                for (index, value) in values.enumerated() { store(value, field, at: array + index * field.stride) }
                memory.storeBytes(of: values.count, toByteOffset: countOffset, as: Int.self)
                memory.storeBytes(of: array, toByteOffset: field.offset, as: UnsafeMutableRawPointer.self)
            } else {
                store(first, field, at: memory + field.offset)
                if let caseOffset = field.caseOffset {
                    memory.storeBytes(of: UInt32(field.number), toByteOffset: caseOffset, as: UInt32.self)
                }
            }
        }
        return memory
    }

    /// - Precondition: the value is of the field's kind, as who made the message has seen to.
    private func store(_ value: DynamicMessage.Value, _ field: DynamicField, at memory: UnsafeMutableRawPointer) {
        switch (field.kind, value) {
        case (.int32, .integer(let number)), (.enumeration, .integer(let number)):
            memory.storeBytes(of: Int32(truncatingIfNeeded: number), as: Int32.self)
        case (.int64, .integer(let number)): memory.storeBytes(of: number, as: Int64.self)
        case (.uint32, .natural(let number)): memory.storeBytes(of: UInt32(truncatingIfNeeded: number), as: UInt32.self)
        case (.uint64, .natural(let number)): memory.storeBytes(of: number, as: UInt64.self)
        case (.bool, .flag(let flag)): memory.storeBytes(of: flag ? 1 : 0, as: UInt32.self)
        case (.float, .decimal(let number)): memory.storeBytes(of: Float(number), as: Float.self)
        case (.double, .decimal(let number)): memory.storeBytes(of: number, as: Double.self)
        case (.text, .text(let content)): memory.storeBytes(of: text(content), as: ProtobufCBinaryData.self)
        case (.bytes, .bytes(let content)): memory.storeBytes(of: bytes(content), as: ProtobufCBinaryData.self)
        case (.message, .message(let message)): memory.storeBytes(of: dynamic(message), as: UnsafeMutableRawPointer.self)
        default: preconditionFailure("a value of another kind than its field \(field.name)")
        }
    }
}
