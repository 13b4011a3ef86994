/// The physical types that are written (parquet.thrift).
enum ParquetType: Int32, Sendable {
    case boolean = 0
    case int64 = 2
    case byteArray = 6
}

/// The encodings that are written (parquet.thrift).
enum ParquetEncoding: Int32, Sendable {
    case plain = 0
    /// Of levels.
    case hybrid = 3
    case dictionary = 8
}

/// A column of a file: a leaf of the schema.
struct ParquetColumn: Sendable {
    let path: [String]
    let type: ParquetType
    /// The levels of a value that is there in the innermost list.
    let maximum: Level
}

/// A schema as Parquet has it: its elements, parents first, and its columns.
struct ParquetSchema: Sendable {
    enum Repetition: Int32 {
        case required = 0
        case optional = 1
        case repeated = 2
    }

    private(set) var columns: [ParquetColumn] = []
    /// As Thrift structures.
    private(set) var elements: [[UInt8]] = []

    init(_ members: [SchemaNode.Member]) {
        elements.append(
            ThriftWriter.structure { element in
                element.field(4, "record")
                element.field(5, Int32(members.count))
            })
        for member in members { add(member.node, member.name, id: member.id, path: [], Level()) }
    }

    private mutating func add(
        _ node: SchemaNode, _ name: String, id: Int32? = nil, path: [String], _ level: Level, _ repetition: Repetition = .optional
    ) {
        let path = path + [name]
        let level = repetition == .required ? level : level.defined
        switch node {
        case .text: addColumn(.byteArray, name, id, path, level, repetition, converted: 0) { $0.field(1) { _ in } }
        case .bytes: addColumn(.byteArray, name, id, path, level, repetition)
        case .number: addColumn(.int64, name, id, path, level, repetition)
        case .flag: addColumn(.boolean, name, id, path, level, repetition)
        case .instant:
            addColumn(.int64, name, id, path, level, repetition, converted: 9) { logical in
                logical.field(8) { timestamp in
                    timestamp.field(1, true)
                    timestamp.field(2) { unit in unit.field(1) { _ in } }
                }
            }
        case .group(let members):
            addGroup(name, id, repetition, children: members.count)
            for member in members { add(member.node, member.name, id: member.id, path: path, level) }
        case .list(let element):
            addGroup(name, id, repetition, children: 1, converted: 3) { $0.field(3) { _ in } }
            addGroup("list", nil, .repeated, children: 1)
            add(element, "element", path: path + ["list"], level.repeated)
        case .map(let element):
            addGroup(name, id, repetition, children: 1, converted: 1) { $0.field(2) { _ in } }
            addGroup("key_value", nil, .repeated, children: 2)
            add(.text, "key", path: path + ["key_value"], level.repeated, .required)
            add(element, "value", path: path + ["key_value"], level.repeated)
        }
    }

    private mutating func addColumn(
        _ type: ParquetType, _ name: String, _ id: Int32?, _ path: [String], _ level: Level, _ repetition: Repetition,
        converted: Int32? = nil, logical: ((inout ThriftWriter) -> Void)? = nil
    ) {
        columns.append(ParquetColumn(path: path, type: type, maximum: level))
        elements.append(
            ThriftWriter.structure { element in
                element.field(1, type.rawValue)
                element.field(3, repetition.rawValue)
                element.field(4, name)
                if let converted { element.field(6, converted) }
                if let id { element.field(9, id) }
                if let logical { element.field(10, logical) }
            })
    }

    private mutating func addGroup(
        _ name: String, _ id: Int32?, _ repetition: Repetition, children: Int, converted: Int32? = nil,
        logical: ((inout ThriftWriter) -> Void)? = nil
    ) {
        elements.append(
            ThriftWriter.structure { element in
                element.field(3, repetition.rawValue)
                element.field(4, name)
                element.field(5, Int32(children))
                if let converted { element.field(6, converted) }
                if let id { element.field(9, id) }
                if let logical { element.field(10, logical) }
            })
    }
}

extension Level {
    /// That of a repeated field that is there.
    fileprivate var repeated: Level { Level(repetition: repetition + 1, definition: definition + 1, depth: depth + 1) }
}
