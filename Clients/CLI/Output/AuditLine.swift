import Formats
import Foundation
import MessageExportClient

/// A line of an exported chain.
enum AuditLine {
    case event(AuditEvent)
    case head(AuditHead)

    /// Nil: it is neither.
    init?(_ line: some DataProtocol) {
        do {
            let wire = try JSONDecoder().decode(Wire.self, from: Data(line))
            self = if let head = wire.head { .head(try head.value) } else { .event(try wire.event) }
        } catch {
            return nil
        }
    }

    private struct Malformed: Error {}

    private struct Wire: Decodable {
        struct Head: Decodable {
            let chain: String
            let firstNumber: UInt64
            let firstPrevious: String
            let number: UInt64
            let hash: String
            let time: String
            let signature: String

            var value: AuditHead {
                get throws {
                    guard let time = Instant(time), let previous = bytes(hexadecimal: firstPrevious),
                        let hash = bytes(hexadecimal: hash), let signature = bytes(hexadecimal: signature)
                    else { throw Malformed() }
                    return AuditHead(
                        chain: chain, firstNumber: firstNumber, firstPrevious: previous, number: number, hash: hash, time: time,
                        signature: signature)
                }
            }
        }

        let head: Head?
        let chain: String?
        let number: UInt64?
        let time: String?
        let user: UInt32?
        let action: String?
        let object: String?
        let outcome: String?
        let count: UInt64?
        let detail: String?
        let hash: String?

        var event: AuditEvent {
            get throws {
                guard let chain, let number, let time = time.flatMap({ Instant($0) }), let object, let count, let detail,
                    let action = action.flatMap({ AuditEvent.Action(rawValue: $0) }),
                    let outcome = outcome.flatMap({ AuditEvent.Outcome(rawValue: $0) }),
                    let hash = hash.flatMap({ bytes(hexadecimal: $0) })
                else { throw Malformed() }
                return AuditEvent(
                    chain: chain, number: number, time: time, user: user, action: action, object: object, outcome: outcome,
                    count: count, detail: detail, hash: hash)
            }
        }
    }
}

extension AuditEvent {
    var fields: [Field] {
        [
            Field("Chain", "chain", .text(chain)), Field("Number", "number", .number(number)),
            Field("Time", "time", .text(time.description)),
        ] + (user.map { [Field("User", "user", .number(UInt64($0)))] } ?? []) + [
            Field("Action", "action", .text(action.rawValue)), Field("Object", "object", .text(object)),
            Field("Outcome", "outcome", .text(outcome.rawValue)), Field("Count", "count", .number(count)),
            Field("Detail", "detail", .text(detail)), Field("Hash", "hash", .text(hexadecimal(hash))),
        ]
    }

    /// As it is exported.
    var line: String { json(fields) }
}

extension AuditHead {
    /// As it is exported.
    var line: String {
        json([
            Field(
                "Head", "head",
                .thing(
                    [
                        Field("Chain", "chain", .text(chain)), Field("First number", "firstNumber", .number(firstNumber)),
                        Field("First previous", "firstPrevious", .text(hexadecimal(firstPrevious))),
                        Field("Number", "number", .number(number)), Field("Hash", "hash", .text(hexadecimal(hash))),
                        Field("Time", "time", .text(time.description)),
                        Field("Signature", "signature", .text(hexadecimal(signature))),
                    ], columns: []))
        ])
    }
}

private func json(_ fields: [Field]) -> String {
    var json = JSONWriter()
    json.object { json in
        for field in fields { field.write(to: &json) }
    }
    return json.text
}
