package import Model

/// Reads the members of one JSON object (RFC 8259), each once. Errors name the member by its path.
package struct JSONReader {
    private let path: String
    private var members: [String: JSONValue]

    /// Reads `bytes` as one object, lends it to `body`, and makes sure that nothing of it was left unread.
    ///
    /// - Throws: `invalidArgument` when it is no JSON object, holds a member that `body` does not take, or one of another kind.
    package static func object<Value>(
        in bytes: [UInt8], _ body: (inout JSONReader) throws(Status) -> Value
    ) throws(Status) -> Value {
        guard case .object(let members) = try JSONValue(text: bytes) else { throw Status(.invalidArgument, "not a JSON object") }
        return try JSONReader(path: "", members: members).read(body)
    }

    private consuming func read<Value>(_ body: (inout JSONReader) throws(Status) -> Value) throws(Status) -> Value {
        let value = try body(&self)
        if let unread = members.keys.min() {
            throw Status(.invalidArgument, "there is no such member in a record's row", field: place(unread))
        }
        return value
    }

    /// The path of a member, for errors about it.
    package func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    /// Names of the members not read yet, sorted.
    package var names: [String] { members.keys.sorted() }

    /// A member that is a string; nil: there is none.
    package mutating func text(_ name: String) throws(Status) -> String? {
        switch take(name) {
        case nil: nil
        case .text(let text): text
        default: throw wrong(name, "a string")
        }
    }

    /// A member that is true or false; nil: there is none.
    package mutating func flag(_ name: String) throws(Status) -> Bool? {
        switch take(name) {
        case nil: nil
        case .flag(let flag): flag
        default: throw wrong(name, "true or false")
        }
    }

    /// A member that is a whole number from 0 up; nil: there is none.
    package mutating func number(_ name: String) throws(Status) -> UInt64? {
        switch take(name) {
        case nil: nil
        case .number(let number): number
        default: throw wrong(name, "a whole number")
        }
    }

    /// A member that is a list of strings; empty: there is none.
    package mutating func texts(_ name: String) throws(Status) -> [String] {
        var texts: [String] = []
        for value in try array(name) {
            guard case .text(let text) = value else { throw wrong(name, "a list of strings") }
            texts.append(text)
        }
        return texts
    }

    /// Reads a member that is an object; nil when there is none.
    package mutating func object<Value>(
        _ name: String, _ body: (inout JSONReader) throws(Status) -> Value
    ) throws(Status) -> Value? {
        switch take(name) {
        case nil: return nil
        case .object(let members): return try JSONReader(path: place(name), members: members).read(body)
        default: throw wrong(name, "an object")
        }
    }

    /// Reads a member that is a list of objects; empty when there is none.
    package mutating func objects<Value>(
        _ name: String, _ body: (inout JSONReader) throws(Status) -> Value
    ) throws(Status) -> [Value] {
        var values: [Value] = []
        for (index, value) in try array(name).enumerated() {
            guard case .object(let members) = value else { throw wrong(name, "a list of objects") }
            values.append(try JSONReader(path: "\(place(name))[\(index)]", members: members).read(body))
        }
        return values
    }

    private mutating func array(_ name: String) throws(Status) -> [JSONValue] {
        switch take(name) {
        case nil: return []
        case .array(let values): return values
        default: throw wrong(name, "a list")
        }
    }

    /// Null is as good as absent.
    private mutating func take(_ name: String) -> JSONValue? {
        guard let value = members.removeValue(forKey: name), value != .null else { return nil }
        return value
    }

    /// The error for a member that is not what was expected.
    package func wrong(_ name: String, _ expected: String) -> Status {
        Status(.invalidArgument, "\(expected) is expected", field: place(name))
    }
}
