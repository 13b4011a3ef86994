import Formats
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

@Suite struct FormatsTests {
    private func parse(_ json: JSONWriter) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(json.bytes), options: .fragmentsAllowed)
    }

    @Test func `any text survives JSON`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        var texts = [
            "", "\"\\/\u{8}\u{C}\n\r\t", "\u{0}\u{1F}\u{7F}\u{80}", "\u{2028}\u{2029}\u{FEFF}", "👩‍👩‍👧‍👦 العربية 今日は", "</script>",
        ]
        for _ in 0..<500 {
            let scalars = (0..<20).compactMap { _ in Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator)) }
            texts.append(String(String.UnicodeScalarView(scalars)))
        }
        for text in texts {
            var json = JSONWriter()
            json.value(text)
            let read = try #require(try parse(json) as? String)
            #expect(Array(read.unicodeScalars) == Array(text.unicodeScalars), "SEED=\(seed)")
            #expect(!json.bytes.contains { $0 < 0x20 })
        }
    }

    @Test func `objects, arrays and commas are where they belong`() {
        var json = JSONWriter()
        json.object { json in
            json.object("empty") { _ in }
            json.array("list") { json in
                json.value(1)
                json.object { $0.member("a", true) }
                json.array { _ in }
            }
            json.member("absent", String?.none)
            json.member("large", UInt64.max)
            json.member("small", Int64.min)
        }
        json.newline()
        json.object { _ in }
        #expect(
            json.text
                == "{\"empty\":{},\"list\":[1,{\"a\":true},[]],\"large\":18446744073709551615,\"small\":-9223372036854775808}\n{}"
        )
    }

    private static func record(_ content: Message.Content) throws -> Record {
        Record(
            message: Message(id: try MessageID("id-1"), configuration: "news", content: content), sequence: 7,
            ingestedAt: Instant(milliseconds: 1_795_435_200_123), expiresAt: Instant(milliseconds: 1_795_737_600_000),
            sentAt: Instant(milliseconds: 1_795_435_199_000), sandbox: "prod", configurationID: "c-1", configurationVersion: 2,
            contentSHA256: [0xAB, 0x01], submitter: 1000)
    }

    @Test func `an email's row has the documented shape`() throws {
        let email = Email(
            from: Address(email: "a@x", name: "Ada"), to: [Address(email: "b@x", name: "Bob"), Address(email: "c@x")],
            cc: [Address(email: "d@x")], bcc: [Address(email: "e@x")], replyTo: [Address(email: "r@x", name: "R")],
            errorAddress: "bounce@x", subject: "S", text: "T", html: "<p>H</p>", headers: [Header(name: "X-A", value: "1")],
            attachments: [Attachment(name: "a.txt", type: "text/plain", content: Array("hello".utf8))], raw: [1])
        var json = JSONWriter()
        RecordRow(try Self.record(.email(email))).write(to: &json)
        let expected = """
            {"_id":"id-1","timestamp":"2026-11-23T11:59:59.000Z","eventType":"message.sent","producedBy":"message-export",\
            "identityMap":{"email":[{"authenticatedState":"ambiguous","id":"b@x","primary":true}]},\
            "_experience":{"customerJourneyManagement":{"messageDeliveryMetadata":{"emailMetadata":{\
            "recipient":{"bcc":["e@x"],"cc":["d@x"],"email":"b@x","name":"Bob"},\
            "sender":{"email":"a@x","errorEmail":"bounce@x","name":"Ada","replyToEmail":"r@x","replyToName":"R"}}},\
            "messageProfile":{"channel":{"_id":"https://ns.adobe.com/xdm/channels/email",\
            "_type":"https://ns.adobe.com/xdm/channel-types/email"}},\
            "messageRenderedContent":{"emailContent":{"html":"<p>H</p>","subject":"S","text":"T"}}}},\
            "messageExport":{"sequence":7,"ingestedAt":"2026-11-23T12:00:00.123Z","expiresAt":"2026-11-27T00:00:00.000Z",\
            "sandbox":"prod","configuration":{"id":"c-1","name":"news","version":2},"test":false,"contentSHA256":"ab01",\
            "to":[{"email":"b@x","name":"Bob"},{"email":"c@x"}],"cc":[{"email":"d@x"}],"bcc":[{"email":"e@x"}],\
            "replyTo":[{"email":"r@x","name":"R"}],"headers":[{"name":"X-A","value":"1"}],\
            "attachments":[{"name":"a.txt","type":"text/plain","size":5,\
            "sha256":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}]}}
            """
        #expect(json.text == expected)
    }

    @Test func `an SMS's row has the documented shape`() throws {
        var json = JSONWriter()
        RecordRow(try Self.record(.sms(Sms(senderNumbers: ["1", "2"], recipientNumber: "+3", text: "hi")))).write(to: &json)
        #expect(json.text.contains(#""smsMetadata":{"recipient":{"number":"+3"},"sender":{"numbers":["1","2"]}}"#))
        #expect(json.text.contains(#""smsContent":{"message":"hi"}"#))
        #expect(json.text.contains(#""identityMap":{"phone":[{"authenticatedState":"ambiguous","id":"+3","primary":true}]}"#))
    }
}
