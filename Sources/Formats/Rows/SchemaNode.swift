/// The shape of a value without the value: what formats with a schema write down.
package indirect enum SchemaNode: Hashable, Sendable {
    case text
    case bytes
    case number
    case flag
    case instant
    case group([Member])
    case list(SchemaNode)
    /// Keys are text.
    case map(SchemaNode)

    /// A member of a group. Every member may be absent.
    package struct Member: Hashable, Sendable {
        /// As it is called in files.
        package let name: String
        /// Its number, unique in the schema.
        package let id: Int32
        /// Its shape.
        package let node: SchemaNode
    }

    /// How many columns it takes.
    package var columns: Int {
        switch self {
        case .text, .bytes, .number, .flag, .instant: 1
        case .group(let members): members.reduce(0) { $0 + $1.node.columns }
        case .list(let element): element.columns
        case .map(let element): 1 + element.columns
        }
    }
}

/// Where a value stands in nested data (the Dremel encoding): how much of its path is there, and which list it continues.
struct Level: Sendable {
    /// How many of the lists around it go on; 0: a new row begins.
    var repetition: UInt8 = 0
    /// How many of the optional and repeated fields of its path are there.
    var definition: UInt8 = 0
    /// Lists around it.
    var depth: UInt8 = 0

    /// The field itself is there.
    var defined: Level { Level(repetition: repetition, definition: definition + 1, depth: depth) }

    /// That of an element of a list that is there.
    func element(isFirst: Bool) -> Level {
        Level(repetition: isFirst ? repetition : depth + 1, definition: definition + 2, depth: depth + 1)
    }
}
