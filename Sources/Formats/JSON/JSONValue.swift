import Foundation
package import Model

/// Any JSON value (RFC 8259). Whole numbers are exact; of a member that is there twice, one counts.
package enum JSONValue: Decodable, Hashable, Sendable {
    case null
    case flag(Bool)
    case number(UInt64)
    /// A whole number below 0.
    case negative(Int64)
    case decimal(Double)
    case text(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// - Throws: `invalidArgument` when the bytes are not one JSON value in UTF-8.
    package init(text: [UInt8]) throws(Status) {
        do { self = try JSONDecoder().decode(JSONValue.self, from: Data(text)) } catch {
            throw Status(.invalidArgument, "not valid JSON", hint: "each line is one JSON object, in UTF-8")
        }
    }

    /// Takes the value that a decoder is at.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let object = try? container.decode([String: JSONValue].self) {
            self = .object(object)
        } else if let array = try? container.decode([JSONValue].self) {
            self = .array(array)
        } else if let flag = try? container.decode(Bool.self) {
            self = .flag(flag)
        } else if let number = try? container.decode(UInt64.self) {
            self = .number(number)
        } else if let number = try? container.decode(Int64.self) {
            self = .negative(number)
        } else if container.decodeNil() {
            self = .null
        } else {
            self = .decimal(try container.decode(Double.self))
        }
    }
}
