import Formats
import Foundation
import Messages
import Model

// Messages of any type as JSON and back, by the rules of protobuf's JSON mapping: names in lowerCamelCase, 64-bit numbers as strings,
// bytes in base64, enum values by name, maps as objects.

extension DynamicMessage {
    /// - Throws: `invalidArgument` naming the member that is not there or of another kind.
    init(_ json: JSONValue, _ type: DynamicType, at path: String = "") throws(Status) {
        guard case .object(let members) = json else {
            throw Status(.invalidArgument, "an object is expected", field: path.isEmpty ? nil : path)
        }
        self.init(type)
        for (name, value) in members.sorted(by: { $0.key < $1.key }) where value != .null {
            let place = path.isEmpty ? name : "\(path).\(name)"
            guard let field = type.fields.first(where: { $0.jsonName == name || $0.name == name }) else {
                let nearest = Suggestion.nearest(to: name, among: type.fields.map(\.jsonName))
                throw Status(
                    .invalidArgument, "\(type.name) has no such field", field: place, hint: nearest.map { "did you mean \($0)?" },
                    reason: .unknown)
            }
            values[field.name] = try field.values(value, at: place)
        }
    }

    /// As JSON, with the fields that are there.
    func write(to json: inout JSONWriter) {
        json.object { json in
            for field in type.fields {
                guard let all = values[field.name] else { continue }
                json.key(field.jsonName)
                field.write(all, to: &json)
            }
        }
    }
}

extension DynamicField {
    fileprivate func values(_ json: JSONValue, at place: String) throws(Status) -> [DynamicMessage.Value] {
        guard isRepeated else { return [try value(json, at: place)] }
        if case .message(let type) = kind, type.isMapEntry, case .object(let entries) = json {
            var all: [DynamicMessage.Value] = []
            for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
                all.append(.message(try DynamicMessage(.object(["key": .text(key), "value": value]), type, at: place)))
            }
            return all
        }
        guard case .array(let elements) = json else { throw wrong("a list", place) }
        var all: [DynamicMessage.Value] = []
        for (index, element) in elements.enumerated() { all.append(try value(element, at: "\(place)[\(index)]")) }
        return all
    }

    private func value(_ json: JSONValue, at place: String) throws(Status) -> DynamicMessage.Value {
        switch (kind, json) {
        case (.text, .text(let text)): return .text(text)
        case (.bool, .flag(let flag)): return .flag(flag)
        case (.bytes, .text(let text)):
            guard let bytes = Data(base64Encoded: text) else { throw wrong("base64", place) }
            return .bytes(Array(bytes))
        case (.message(let type), _): return .message(try DynamicMessage(json, type, at: place))
        case (.enumeration(let values), .text(let name)):
            guard let value = values.first(where: { $0.name == name }) else {
                throw wrong("one of \(values.map(\.name).joined(separator: ", "))", place)
            }
            return .integer(Int64(value.number))
        case (.int32, _), (.enumeration, _):
            guard let number = whole(json), let fits = Int32(exactly: number) else { throw wrong("a 32-bit whole number", place) }
            return .integer(Int64(fits))
        case (.int64, _):
            guard let number = whole(json) else { throw wrong("a 64-bit whole number", place) }
            return .integer(number)
        case (.uint32, _):
            guard let number = natural(json), number <= UInt64(UInt32.max) else {
                throw wrong("a 32-bit number from 0 up", place)
            }
            return .natural(number)
        case (.uint64, _):
            guard let number = natural(json) else { throw wrong("a 64-bit number from 0 up", place) }
            return .natural(number)
        case (.double, _), (.float, _):
            guard let number = decimal(json) else { throw wrong("a number", place) }
            return .decimal(number)
        case (.text, _): throw wrong("a string", place)
        case (.bool, _): throw wrong("true or false", place)
        case (.bytes, _): throw wrong("a string of base64", place)
        }
    }

    private func wrong(_ expected: String, _ place: String) -> Status {
        Status(.invalidArgument, "\(expected) is expected", field: place)
    }

    private func whole(_ json: JSONValue) -> Int64? {
        switch json {
        case .number(let number): Int64(exactly: number)
        case .negative(let number): number
        case .text(let text): Int64(text)
        default: nil
        }
    }

    private func natural(_ json: JSONValue) -> UInt64? {
        switch json {
        case .number(let number): number
        case .text(let text): UInt64(text)
        default: nil
        }
    }

    private func decimal(_ json: JSONValue) -> Double? {
        switch json {
        case .number(let number): Double(number)
        case .negative(let number): Double(number)
        case .decimal(let number): number
        case .text(let text): Double(text)
        default: nil
        }
    }

    fileprivate func write(_ all: [DynamicMessage.Value], to json: inout JSONWriter) {
        guard isRepeated else {
            if let value = all.first { write(value, to: &json) }
            return
        }
        if case .message(let type) = kind, type.isMapEntry { return writeMap(all, to: &json) }
        json.array { json in
            for value in all { write(value, to: &json) }
        }
    }

    private func writeMap(_ entries: [DynamicMessage.Value], to json: inout JSONWriter) {
        json.object { json in
            for case .message(let entry) in entries {
                let key = entry.values["key"]?.first
                json.key(key.map(\.keyText) ?? "")
                guard let field = entry.type.fields.first(where: { $0.name == "value" }) else { continue }
                if let value = entry.values["value"] { field.write(value, to: &json) } else { json.value("") }
            }
        }
    }

    private func write(_ value: DynamicMessage.Value, to json: inout JSONWriter) {
        switch (kind, value) {
        case (.enumeration(let names), .integer(let number)):
            if let name = names.first(where: { Int64($0.number) == number })?.name {
                json.value(name)
            } else {
                json.value(number)
            }
        case (.int64, .integer(let number)): json.value(String(number))
        case (_, .integer(let number)): json.value(number)
        case (.uint64, .natural(let number)): json.value(String(number))
        case (_, .natural(let number)): json.value(number)
        case (_, .flag(let flag)): json.value(flag)
        case (_, .decimal(let number)): json.value("\(number)")
        case (_, .text(let text)): json.value(text)
        case (_, .bytes(let bytes)): json.value(Data(bytes).base64EncodedString())
        case (_, .message(let message)): message.write(to: &json)
        }
    }
}

extension DynamicMessage.Value {
    fileprivate var keyText: String {
        switch self {
        case .text(let text): text
        case .integer(let number): String(number)
        case .natural(let number): String(number)
        case .flag(let flag): String(flag)
        case .decimal, .bytes, .message: ""
        }
    }
}
