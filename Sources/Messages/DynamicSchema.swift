import CMessages
import CProtobufC
package import Model

/// Message types that are known only at run time, from file descriptors such as the reflection service answers.
///
/// Each becomes a descriptor of libprotobuf-c, which packs and unpacks its messages like any other. A `string` is `bytes` there, which
/// holds a NUL.
package final class DynamicSchema {
    /// By full name.
    package private(set) var types: [String: DynamicType] = [:]
    /// By its names on the wire.
    package private(set) var methods: [MethodName: MethodDescription] = [:]
    /// Values of each enum by full name.
    private(set) var enums: [String: [(name: String, number: Int32)]] = [:]
    /// Holds the descriptors.
    private let memory = Draft()

    /// - Parameter files: packed `google.protobuf.FileDescriptorProto`s, with all that they import.
    /// - Throws: `invalidArgument` when they are none, or name a type that is not among them.
    package init(files: [[UInt8]]) throws(Status) {
        var messages: [(name: String, wire: Google__Protobuf__DescriptorProto)] = []
        // The descriptors are read while their bytes are held.
        var held: [UnsafeMutablePointer<Google__Protobuf__FileDescriptorProto>] = []
        defer { for file in held { google__protobuf__file_descriptor_proto__free_unpacked(file, nil) } }
        for file in files {
            guard let unpacked = google__protobuf__file_descriptor_proto__unpack(nil, file.count, file) else {
                throw Status(.invalidArgument, "the daemon's description of itself cannot be understood")
            }
            held.append(unpacked)
            let package = unpacked.pointee.package.map { String(cString: $0) } ?? ""
            for index in 0..<unpacked.pointee.n_message_type {
                if let message = unpacked.pointee.message_type[index] { collect(message.pointee, in: package, &messages) }
            }
            for index in 0..<unpacked.pointee.n_enum_type {
                if let type = unpacked.pointee.enum_type[index] { add(type.pointee, in: package) }
            }
            for method in MethodDescription.all(of: unpacked.pointee) { methods[method.name] = method }
        }
        for (name, _) in messages { types[name] = DynamicType(name: name, memory) }
        for (name, wire) in messages { try types[name]?.define(wire, in: self, memory) }
    }

    private func collect(
        _ wire: Google__Protobuf__DescriptorProto, in scope: String,
        _ messages: inout [(name: String, wire: Google__Protobuf__DescriptorProto)]
    ) {
        let name = "\(scope).\(String(cString: wire.name))"
        messages.append((name, wire))
        for index in 0..<wire.n_nested_type {
            if let nested = wire.nested_type[index] { collect(nested.pointee, in: name, &messages) }
        }
        for index in 0..<wire.n_enum_type {
            if let type = wire.enum_type[index] { add(type.pointee, in: name) }
        }
    }

    private func add(_ wire: Google__Protobuf__EnumDescriptorProto, in scope: String) {
        enums["\(scope).\(String(cString: wire.name))"] = (0..<wire.n_value).compactMap { index in
            wire.value[index].map { (String(cString: $0.pointee.name), $0.pointee.number) }
        }
    }
}

/// A message type of a `DynamicSchema`.
package final class DynamicType {
    /// Full name.
    package let name: String
    /// In the order of their numbers.
    package private(set) var fields: [DynamicField] = []
    /// Whether it is an entry of a map: its fields are `key` and `value`.
    package private(set) var isMapEntry = false
    let descriptor: UnsafeMutablePointer<ProtobufCMessageDescriptor>
    /// Where the case of each oneof is, by its index.
    private(set) var size = MemoryLayout<ProtobufCMessage>.size

    fileprivate init(name: String, _ memory: Draft) {
        self.name = name
        descriptor = memory.allocate(ProtobufCMessageDescriptor.self, 1)
    }

    fileprivate func define(
        _ wire: Google__Protobuf__DescriptorProto, in schema: DynamicSchema, _ memory: Draft
    ) throws(Status) {
        isMapEntry = wire.options.map { $0.pointee.map_entry != 0 } ?? false
        // The members of a oneof share a place, as in C: libprotobuf-c frees the one before where the next one is to be.
        var oneofs: [Int32: (caseOffset: Int, offset: Int)] = [:]
        for index in 0..<wire.n_field {
            guard let field = wire.field[index]?.pointee else { continue }
            let isRepeated = field.label == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED
            var oneof: (caseOffset: Int, offset: Int)?
            if field.has_oneof_index != 0 {
                oneof = oneofs[field.oneof_index] ?? (place(8), place(16))
                oneofs[field.oneof_index] = oneof
            }
            let countOffset = isRepeated ? place(8) : nil
            fields.append(
                try DynamicField(
                    field, of: schema, offset: oneof?.offset ?? place(16), countOffset: countOffset, caseOffset: oneof?.caseOffset
                ))
        }
        fields.sort { $0.number < $1.number }
        fill(memory)
    }

    private func place(_ bytes: Int) -> Int {
        defer { size += bytes }
        return size
    }

    private func fill(_ memory: Draft) {
        let array = memory.allocate(ProtobufCFieldDescriptor.self, max(fields.count, 1))
        for (index, field) in fields.enumerated() { array[index] = field.descriptor(memory) }
        let byName = memory.allocate(UInt32.self, max(fields.count, 1))
        for (index, field) in fields.indices.sorted(by: { fields[$0].name < fields[$1].name }).enumerated() {
            byName[index] = UInt32(field)
        }
        let ranges = fields.indices.filter { $0 == 0 || fields[$0].number != fields[$0 - 1].number + 1 }
        let rangeArray = memory.allocate(ProtobufCIntRange.self, ranges.count + 1)
        for (index, first) in ranges.enumerated() {
            rangeArray[index] = ProtobufCIntRange(start_value: fields[first].number, orig_index: UInt32(first))
        }
        rangeArray[ranges.count] = ProtobufCIntRange(start_value: 0, orig_index: UInt32(fields.count))
        let text = memory.cString(name)
        descriptor.pointee = ProtobufCMessageDescriptor(
            magic: UInt32(PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC), name: text, short_name: text, c_name: text, package_name: text,
            sizeof_message: size, n_fields: UInt32(fields.count), fields: fields.isEmpty ? nil : array,
            fields_sorted_by_name: byName,
            n_field_ranges: UInt32(ranges.count), field_ranges: rangeArray, message_init: nil, reserved1: nil, reserved2: nil,
            reserved3: nil)
    }
}

/// A field of a `DynamicType`.
package struct DynamicField {
    /// What its values are.
    package enum Kind {
        case int32, int64, uint32, uint64, bool, float, double, text, bytes
        case enumeration([(name: String, number: Int32)])
        case message(DynamicType)
    }

    /// As in the `.proto`.
    package let name: String
    /// As in JSON, in lowerCamelCase.
    package let jsonName: String
    let number: Int32
    /// What its values are.
    package let kind: Kind
    /// Whether it has any number of values.
    package let isRepeated: Bool
    /// Whether one that is not there differs from one that is zero or empty.
    package let hasPresence: Bool
    let offset: Int
    let countOffset: Int?
    let caseOffset: Int?
    private let type: ProtobufCType

    fileprivate init(
        _ wire: Google__Protobuf__FieldDescriptorProto, of schema: DynamicSchema, offset: Int, countOffset: Int?, caseOffset: Int?
    ) throws(Status) {
        name = String(cString: wire.name)
        jsonName = wire.json_name.map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? name
        number = wire.number
        (self.offset, self.countOffset, self.caseOffset) = (offset, countOffset, caseOffset)
        isRepeated = countOffset != nil
        let typeName = wire.type_name.map { String(String(cString: $0).dropFirst()) } ?? ""
        (kind, type) = try DynamicField.kind(wire.type, typeName, schema)
        if case .message = kind { hasPresence = true } else { hasPresence = caseOffset != nil }
    }

    private static func kind(
        _ type: Google__Protobuf__FieldDescriptorProto__Type, _ name: String, _ schema: DynamicSchema
    ) throws(Status) -> (Kind, ProtobufCType) {
        switch type {
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_DOUBLE: return (.double, PROTOBUF_C_TYPE_DOUBLE)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FLOAT: return (.float, PROTOBUF_C_TYPE_FLOAT)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT64: return (.int64, PROTOBUF_C_TYPE_INT64)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT64: return (.uint64, PROTOBUF_C_TYPE_UINT64)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_INT32: return (.int32, PROTOBUF_C_TYPE_INT32)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED64: return (.uint64, PROTOBUF_C_TYPE_FIXED64)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_FIXED32: return (.uint32, PROTOBUF_C_TYPE_FIXED32)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BOOL: return (.bool, PROTOBUF_C_TYPE_BOOL)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING: return (.text, PROTOBUF_C_TYPE_BYTES)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES: return (.bytes, PROTOBUF_C_TYPE_BYTES)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_UINT32: return (.uint32, PROTOBUF_C_TYPE_UINT32)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED32: return (.int32, PROTOBUF_C_TYPE_SFIXED32)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SFIXED64: return (.int64, PROTOBUF_C_TYPE_SFIXED64)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT32: return (.int32, PROTOBUF_C_TYPE_SINT32)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_SINT64: return (.int64, PROTOBUF_C_TYPE_SINT64)
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM:
            if let values = schema.enums[name] { return (.enumeration(values), PROTOBUF_C_TYPE_ENUM) }
        case GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE:
            if let message = schema.types[name] { return (.message(message), PROTOBUF_C_TYPE_MESSAGE) }
        default: break
        }
        throw Status(.unimplemented, "the daemon describes a field of a type that is not known here: \(name)")
    }

    fileprivate func descriptor(_ memory: Draft) -> ProtobufCFieldDescriptor {
        var descriptor = ProtobufCFieldDescriptor()
        descriptor.name = UnsafePointer(memory.cString(name))
        descriptor.id = UInt32(number)
        descriptor.label = isRepeated ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_NONE
        descriptor.type = type
        descriptor.quantifier_offset = UInt32(countOffset ?? caseOffset ?? 0)
        descriptor.offset = UInt32(offset)
        if case .message(let message) = kind { descriptor.descriptor = UnsafeRawPointer(message.descriptor) }
        if caseOffset != nil { descriptor.flags = UInt32(PROTOBUF_C_FIELD_FLAG_ONEOF.rawValue) }
        if isRepeated, type != PROTOBUF_C_TYPE_BYTES, type != PROTOBUF_C_TYPE_MESSAGE {
            descriptor.flags = UInt32(PROTOBUF_C_FIELD_FLAG_PACKED.rawValue)
        }
        return descriptor
    }
}
