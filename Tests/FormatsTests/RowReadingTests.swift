import Formats
import Foundation
import Model
import TestSupport
import Testing

/// Rows, written and read again.
@Suite struct RowReadingTests {
    private func row(_ message: Message, includingRaw: Bool = false) -> [UInt8] {
        let record = Record(
            message: message, sequence: 7, ingestedAt: Instant(milliseconds: 1), expiresAt: Instant(milliseconds: 2),
            sentAt: message.sentAt ?? Instant(milliseconds: 3), sandbox: "prod", configurationID: "c-1", configurationVersion: 2,
            contentSHA256: [1], submitter: 1000)
        var json = JSONWriter()
        RecordRow(record, includingRaw: includingRaw).write(to: &json)
        return json.bytes
    }

    /// Every path of a row that leads to a value, list indexes left out.
    private func paths(_ value: Any, _ path: String = "") -> Set<String> {
        switch value {
        case let object as [String: Any]:
            object.reduce(into: []) { $0.formUnion(paths($1.value, path.isEmpty ? $1.key : "\(path).\($1.key)")) }
        case let list as [Any]: list.reduce(into: []) { $0.formUnion(paths($1, path)) }
        default: [path]
        }
    }

    @Test func `a message with every field set shows each documented field of XDM`() throws {
        let execution = [
            "audience.id", "audience.type", "fragmentPublicationIDs", "metadata.a", "parentSourceMeta.sourceActionID",
            "parentSourceMeta.sourceID", "parentSourceMeta.sourceType", "parentSourceMeta.sourceVersionID", "batchInstanceID",
            "campaignActionID", "campaignID", "campaignVersionID", "journeyActionID", "journeyVersionID",
            "journeyVersionInstanceID", "journeyVersionNodeID", "messageExecutionID", "messageID", "messagePublicationID",
            "messageType", "waveID",
        ]
        let profile = [
            "channel.contentTypes", "channel.locationTypes", "channel.metricTypes", "channel._id", "channel._type",
            "channel.mediaAction", "channel.mediaType", "channel.mode", "channel.referringSource", "channel.typeAtSource",
            "isSendTimeOptimized", "isTestExecution", "messageProfileID", "messageProfileTrackingID", "requestID",
            "secondaryDimensionID", "secondaryDimensionName", "variant",
        ]
        let delivery = [
            "emailMetadata.recipient.bcc", "emailMetadata.recipient.cc", "emailMetadata.recipient.email",
            "emailMetadata.recipient.name", "emailMetadata.sender.email", "emailMetadata.sender.errorEmail",
            "emailMetadata.sender.name", "emailMetadata.sender.replyToEmail", "emailMetadata.sender.replyToName",
            "smsMetadata.recipient.number", "smsMetadata.sender.numbers",
        ]
        let content = [
            "emailContent.html", "emailContent.subject", "emailContent.text", "smsContent.media", "smsContent.message",
            "smsContent.title",
        ]
        let documented =
            execution.map { "messageExecution.\($0)" } + profile.map { "messageProfile.\($0)" }
            + delivery.map { "messageDeliveryMetadata.\($0)" } + content.map { "messageRenderedContent.\($0)" }
        var expected = Set(documented.map { "_experience.customerJourneyManagement.\($0)" })
        expected.formUnion([
            "_id", "timestamp", "eventType", "producedBy", "identityMap.crmId.id", "identityMap.crmId.authenticatedState",
            "identityMap.email.primary", "messageExport.deliveryState", "messageExport.test", "messageExport.headers.value",
            "messageExport.attachments.sha256",
        ])
        var found: Set<String> = []
        for message in [try Message.emailWithEveryField(), try Message.smsWithEveryField()] {
            found.formUnion(paths(try JSONSerialization.jsonObject(with: Data(row(message)))))
        }
        #expect(expected.subtracting(found) == [])
    }

    @Test func `what a row with the raw bytes says is read as the very same message`() throws {
        var plain = try Message.emailWithEveryField()
        (plain.identities, plain.eventType, plain.producedBy) = ([], nil, nil)
        for message in [try Message.emailWithEveryField(), try Message.smsWithEveryField(), plain] {
            #expect(try RecordRow.message(row(message, includingRaw: true), configuration: message.configuration) == message)
        }
    }

    @Test func `what a row without the raw bytes says is read, and makes the same row again`() throws {
        let message = try Message.emailWithEveryField()
        let read = try RecordRow.message(row(message), configuration: message.configuration)
        #expect(row(read) == row(message))
        guard case .email(let email) = read.content else { return #expect(Bool(false), "an email was written") }
        #expect(email.raw.isEmpty)
        #expect(email.attachments.map(\.size) == [5, 3])
        #expect(email.attachments.allSatisfy { $0.content == nil })
    }

    @Test func `a row of the documented shape alone, without the group of ours, is read`() throws {
        let row = """
            {"_id":"1","timestamp":"2026-11-23T09:30:00.5Z","identityMap":null,"_experience":{"customerJourneyManagement":{\
            "messageDeliveryMetadata":{"emailMetadata":{"recipient":{"email":"b@x","name":"B","cc":["c@x"]},"sender":{"email":"a@x"}}},\
            "messageRenderedContent":{"emailContent":{"subject":"s"}}}}}
            """
        let message = try RecordRow.message(Array(row.utf8), configuration: "c")
        let email = Email(
            from: Address(email: "a@x"), to: [Address(email: "b@x", name: "B")], cc: [Address(email: "c@x")], subject: "s")
        #expect(message.content == .email(email))
        #expect(message.sentAt?.description == "2026-11-23T09:30:00.500Z")
    }

    @Test func `the configuration is the one that is asked for, else the one that the row names`() throws {
        let row = row(try Message.smsWithEveryField(configuration: "reminders"))
        #expect(try RecordRow.message(row, configuration: "other").configuration == "other")
        #expect(try RecordRow.message(row, configuration: nil).configuration == "reminders")
        let bare = #"{"_id":"1","_experience":{"customerJourneyManagement":{"messageRenderedContent":{"smsContent":{}}}}}"#
        let error = #expect(throws: Status.self) { try RecordRow.message(Array(bare.utf8), configuration: nil) }
        #expect(error?.field == "messageExport.configuration.name")
    }

    @Test(arguments: [
        ("", nil), ("[]", nil), ("{", nil), ("{\"_id\":\"\u{FFFD}", nil), ("{}", "_id"), (#"{"_id":1}"#, "_id"),
        (#"{"_id":""}"#, "_experience.customerJourneyManagement"),
        (#"{"_id":"1","_experience":{}}"#, "_experience.customerJourneyManagement"),
        (
            #"{"_id":"1","_experience":{"customerJourneyManagement":{"messageSent":{}}}}"#,
            "_experience.customerJourneyManagement.messageSent"
        ),
        (#"{"_id":"1","identityMap":{"email":[{}]}}"#, "identityMap.email[0].id"),
        (#"{"_id":"1","unknown":1}"#, "_experience.customerJourneyManagement"),
    ])
    func `what is no such row is refused with its place`(row: String, field: String?) throws {
        let error = #expect(throws: Status.self) { try RecordRow.message(Array(row.utf8), configuration: "c") }
        #expect(error?.code == .invalidArgument)
        #expect(error?.field == field)
    }

    @Test(arguments: [
        (#""messageExport":{"unknown":1}"#, "messageExport.unknown"), (#""unknown":{}"#, "unknown"),
        (#""messageExport":{"deliveryState":"LOST"}"#, "messageExport.deliveryState"),
        (#""messageExport":{"sequence":-1}"#, "messageExport.sequence"),
        (#""messageExport":{"raw":"not base64"}"#, "messageExport.raw"),
        (#""messageExport":{"attachments":[{"size":1,"sha256":"ab"}]}"#, "messageExport.attachments[0].sha256"),
        (
            #""messageExport":{"attachments":[{"content":"aGk=","sha256":"abababababababababababababababababababababababababababababababab"}]}"#,
            "messageExport.attachments[0].sha256"
        ),
        (#""timestamp":"2026-02-30T00:00:00Z""#, "timestamp"), (#""timestamp":5"#, "timestamp"),
        (#""timestamp":"1970-01-01T00:00:00Z""#, "timestamp"),
    ])
    func `nothing of a row is passed over or guessed`(member: String, field: String) throws {
        let content = #""_experience":{"customerJourneyManagement":{"messageRenderedContent":{"emailContent":{"text":"t"}}}}"#
        _ = try RecordRow.message(Array("{\"_id\":\"1\",\(content)}".utf8), configuration: "c")
        let error = #expect(throws: Status.self) {
            try RecordRow.message(Array("{\"_id\":\"1\",\(content),\(member)}".utf8), configuration: "c")
        }
        #expect(error?.field == field)
    }

    @Test(arguments: [
        (
            #""smsContent":{"message":"m"}"#, #""emailMetadata":{}"#, "{}",
            "_experience.customerJourneyManagement.messageDeliveryMetadata"
        ),
        (
            #""emailContent":{"text":"t"}"#, #""smsMetadata":{}"#, "{}",
            "_experience.customerJourneyManagement.messageDeliveryMetadata"
        ),
        (
            #""smsContent":{"message":"m"}"#, "", #"{"raw":"aGk="}"#,
            "_experience.customerJourneyManagement.messageDeliveryMetadata"
        ),
        (
            #""emailContent":{"text":"t"}"#, #""emailMetadata":{"sender":{"name":"n"}}"#, "{}",
            "_experience.customerJourneyManagement.messageDeliveryMetadata.emailMetadata.sender.email"
        ),
        (
            #""emailContent":{"text":"t"}"#, #""emailMetadata":{"recipient":{"email":"a@x"}}"#, #"{"to":[{"email":"b@x"}]}"#,
            "messageExport.to"
        ),
    ])
    func `what contradicts itself is refused`(content: String, metadata: String, export: String, field: String) throws {
        let row =
            #"{"_id":"1","_experience":{"customerJourneyManagement":{"messageDeliveryMetadata":{\#(metadata)},"messageRenderedContent":{\#(content)}}},"messageExport":\#(export)}"#
        let error = #expect(throws: Status.self) { try RecordRow.message(Array(row.utf8), configuration: "c") }
        #expect(error?.field == field)
    }

    @Test func `a test stays a test, wherever the row says so`() throws {
        func isTest(_ profile: String, _ export: String) throws -> Bool? {
            let row =
                #"{"_id":"1","_experience":{"customerJourneyManagement":{"messageProfile":{\#(profile)},"messageRenderedContent":{"emailContent":{"text":"t"}}}},"messageExport":{\#(export)}}"#
            return try RecordRow.message(Array(row.utf8), configuration: "c").profile.isTestExecution
        }
        #expect(try isTest("", #""test":true"#) == true)
        #expect(try isTest("", #""test":false"#) == nil)
        #expect(throws: Status.self) { try isTest(#""isTestExecution":false"#, #""test":true"#) }
    }

    @Test func `padding behind gzip is none of it, and what stands before damage is read`() throws {
        let packed = BlockCompression.compress(Array("rows".utf8), by: .gzip)
        var padded = GzipDecoder()
        #expect(try padded.append(packed + [0, 0, 0]) == Array("rows".utf8))
        try padded.finish()
        var damaged = GzipDecoder()
        #expect(try damaged.append(packed + Array("garbage".utf8)) == Array("rows".utf8))
        #expect(throws: GzipDecoder.Damaged.self) { try damaged.append([1]) }
    }

    @Test func `gzip of several members is read in any pieces, and damage and a cut are noticed`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let plain = generator.bytes(100_000) + [UInt8](repeating: 5, count: 400_000)
        var packed: [UInt8] = []
        for half in [plain.prefix(150_000), plain.dropFirst(150_000)] {
            packed += BlockCompression.compress(Array(half), by: .gzip)
        }
        func read(_ bytes: [UInt8], piece: Int) throws -> [UInt8] {
            var decoder = GzipDecoder()
            var read: [UInt8] = []
            for start in stride(from: 0, to: bytes.count, by: piece) {
                read += try decoder.append(Array(bytes[start..<min(start + piece, bytes.count)]))
            }
            try decoder.finish()
            return read
        }
        for piece in [1000, 4096, 32 << 10, packed.count] { #expect(try read(packed, piece: piece) == plain, "SEED=\(seed)") }
        #expect(throws: GzipDecoder.Damaged.self) { try read(packed.dropLast(1), piece: 1000) }
        var damaged = packed
        damaged[packed.count - 6] ^= 1
        #expect(throws: GzipDecoder.Damaged.self) { try read(damaged, piece: 1000) }
        #expect(throws: GzipDecoder.Damaged.self) { try read(Array("not gzip".utf8), piece: 3) }
    }
}
