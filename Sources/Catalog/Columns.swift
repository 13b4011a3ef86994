import Foundation

// What columns hold beside numbers and texts.

/// A column's JSON: the same value has the same text.
func jsonText(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// The value of a column's JSON.
func jsonValue<Value: Decodable>(_ text: String) throws -> Value {
    do {
        return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
        throw CatalogError(.io, "the catalog holds settings that cannot be read")
    }
}

/// The value a column spells.
func known<Value: RawRepresentable<String>>(_ spelling: String) throws -> Value {
    guard let value = Value(rawValue: spelling) else {
        throw CatalogError(.io, "the catalog holds a \(Value.self) this program does not know: \(spelling)")
    }
    return value
}
