import Foundation
import Mail
import Model
import TestSupport
import Testing

@Suite struct MailTests {
    private func parse(_ lines: String...) throws -> Email {
        try Mail.parse(Array(lines.joined(separator: "\r\n").utf8))
    }

    @Test func `text, HTML, subject, addresses, headers, attachments and the raw mail are read`() throws {
        let mail = try parse(
            "From: =?utf-8?q?Ad=C3=A1?= <ada@example.com>", "To: bob@example.com, \"C, Jr.\" <c@example.com>",
            "Cc: team: d@example.com;",
            "Reply-To: r@example.com", "Subject: =?utf-8?b?R3LDvMOfZQ==?=", " folded", "X-Same: 1", "X-Same: 2",
            "MIME-Version: 1.0",
            "Content-Type: multipart/mixed; boundary=m", "", "--m", "Content-Type: multipart/alternative; boundary=a", "", "--a",
            "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: quoted-printable", "", "caf=E9", "--a",
            "Content-Type: text/html; charset=utf-8", "", "<p>café</p>", "--a--", "--m",
            "Content-Type: text/plain; name=\"notes.txt\"", "Content-Disposition: attachment; filename=\"notes.txt\"",
            "Content-Transfer-Encoding: base64", "", "bm90ZXM=", "--m--", "")
        #expect(mail.from == Address(email: "ada@example.com", name: "Adá"))
        #expect(mail.to == [Address(email: "bob@example.com"), Address(email: "c@example.com", name: "C, Jr.")])
        #expect(mail.cc == [Address(email: "d@example.com")])
        #expect(mail.replyTo == [Address(email: "r@example.com")])
        #expect(mail.subject == "Grüße folded")
        #expect(mail.text == "café")
        #expect(mail.html == "<p>café</p>")
        #expect(mail.attachments == [Attachment(name: "notes.txt", type: "text/plain", content: Array("notes".utf8))])
        #expect(
            mail.headers.map(\.name) == [
                "From", "To", "Cc", "Reply-To", "Subject", "X-Same", "X-Same", "MIME-Version", "Content-Type",
            ])
        #expect(mail.raw.count > 500)
    }

    @Test func `a mail with nobody named and no body is a mail`() throws {
        let mail = try parse("Subject: x", "", "")
        #expect(mail.from == nil)
        #expect(mail.to.isEmpty)
        #expect(mail.text == "")
        #expect(mail.html == nil)
    }

    @Test(arguments: ["", "\n", "just text\n", "\u{0}\u{1}\u{2}"])
    func `what has no header field is no mail`(content: String) {
        let error = #expect(throws: Status.self) { try Mail.parse(Array(content.utf8)) }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `a byte-order mark before the first field hides nothing, and stays in the raw mail`() throws {
        let mail = try parse("\u{FEFF}From: a@example.com", "Subject: x", "", "")
        #expect(mail.from?.email == "a@example.com")
        #expect(mail.headers.count == 2)
        #expect(mail.raw.starts(with: [0xEF, 0xBB, 0xBF]))
    }

    @Test func `a mail within a mail is attached as it is`() throws {
        let mail = try parse(
            "Subject: outer", "Content-Type: multipart/mixed; boundary=m", "", "--m", "", "text", "--m",
            "Content-Type: message/rfc822",
            "", "Subject: inner", "", "inner text", "--m--", "")
        #expect(mail.text == "text")
        #expect(mail.attachments.map(\.type) == ["message/rfc822"])
        #expect(String(decoding: mail.attachments[0].content ?? [], as: UTF8.self).contains("inner text"))
    }

    @Test func `bytes that are none in their charset show as replacement, and stay in the raw mail`() throws {
        let bytes = Array("Subject: x\nContent-Type: text/plain; charset=us-ascii\n\na".utf8) + [0xFF] + Array("b\n".utf8)
        let mail = try Mail.parse(bytes)
        #expect(mail.text == "a\u{FFFD}b\n")
        #expect(mail.raw == bytes)
    }

    @Test func `a body in a charset that nobody knows is shown as far as it is ASCII, and kept as its bytes`() throws {
        let content = Array("caf".utf8) + [0xE9] + Array("\n".utf8)
        let mail = try Mail.parse(Array("Subject: x\nContent-Type: text/plain; charset=x-nobody\n\n".utf8) + content)
        #expect(mail.text == "caf\u{FFFD}\n")
        #expect(mail.attachments == [Attachment(name: nil, type: "text/plain", content: content)])
    }

    @Test func `a body that is not in the charset it says is kept as its bytes too, one that is is not kept twice`() throws {
        let content = Array("caf".utf8) + [0xE9]
        let head = "Subject: x\nContent-Type: text/html; charset="
        let wrong = try Mail.parse(Array("\(head)utf-8\n\n".utf8) + content)
        #expect(wrong.html == "caf\u{FFFD}")
        #expect(wrong.attachments.map(\.content) == [content])
        let right = try Mail.parse(Array("\(head)latin1\n\n".utf8) + content)
        #expect(right.html == "café")
        #expect(right.attachments.isEmpty)
    }

    @Test func `raw bytes in a header are UTF-8 or nothing: no other charset is guessed`() throws {
        let mail = try Mail.parse(
            Array("Subject: Grüße ".utf8) + [0xE9] + Array("\nTo: \"Grüße\" <grüße@bücher.example>\n\n".utf8))
        #expect(mail.subject == "Grüße \u{FFFD}")
        #expect(mail.to == [Address(email: "grüße@bücher.example", name: "Grüße")])
    }

    @Test(arguments: [
        // Neighbours in one charset, the first with padding: GMime loses the second.
        ("=?utf-8?B?R3LDvMOfZQ==?= =?utf-8?B?IQ==?=", "Grüße!"),
        // A letter cut in two.
        ("=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"), ("=?utf-8?q?caf=C3?=\r\n =?utf-8?q?=A9?=", "café"),
        ("a =?utf-8*en?Q?b_c?= d", "a b c d"), ("=?no-word =?utf-8?q?caf=C3=A9?=", "=?no-word café"),
        ("=?x-nobody?q?abc?= x", "=?x-nobody?q?abc?= x"), ("=?utf-8?q?a=?=", "a="), ("=?utf-8?b?YQ?=", "a"),
        ("=?utf-8?b??=", ""), ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="), ("=?shift_jis?b?XH4=?=", "\\~"),
    ])
    func `encoded words are decoded, and nothing of them is lost`(value: String, subject: String) throws {
        #expect(try parse("Subject: \(value)", "", "").subject == subject)
    }

    @Test func `addresses are kept as they are written, and comments are no names`() throws {
        let mail = try parse(
            "To: ada@xn--bcher-kva.example, Ada (a comment) <ADA@XN--bcher-kva.example>, bob@x.example (Bob),",
            " \"=?utf-8?q?Gr=C3=BC=C3=9Fe,_Jr.?=\" <c@x.example>, undisclosed-recipients:;, zq@zqzq.xn--zq.example", "", "")
        #expect(
            mail.to == [
                Address(email: "ada@xn--bcher-kva.example"), Address(email: "ADA@XN--bcher-kva.example", name: "Ada"),
                Address(email: "bob@x.example"), Address(email: "c@x.example", name: "Grüße, Jr."),
                Address(email: "zq@zqzq.xn--zq.example"),
            ])
    }

    @Test func `what an encoded word says ends no address list, and is not decoded again`() throws {
        let mail = try parse(
            "To: =?utf-8?q?a=00b?= <a@x.example>, b@x.example, =?utf-8?q?=3D=3Futf-8=3Fq=3Fx=3F=3D?= <c@x.example>", "", "")
        #expect(mail.to.map(\.email) == ["a@x.example", "b@x.example", "c@x.example"])
        #expect(mail.to.map(\.name) == ["a\u{FFFD}b", nil, "=?utf-8?q?x?="])
    }

    @Test(arguments: ["cp932", "shift_jis", "euc-kr", "utf-8"])
    func `a byte that cannot be read takes no letter with it`(charset: String) throws {
        let head = Array("Subject: x\nContent-Type: text/plain; charset=\(charset)\n\n".utf8)
        #expect(try Mail.parse(head + [0x41, 0xFF, 0x43, 0x44, 0x45]).text == "A\u{FFFD}CDE")
    }

    @Test func `bytes that make glibc's converters stand still end all the same`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for charset in ["iso-2022-jp-3", "iso-2022-cn-ext", "euc-jisx0213", "utf-7", "utf-16", "hz-gb-2312", "big5-hkscs"] {
            for _ in 0..<100 {
                let bytes = Data(generator.bytes(40) + [0x1B, 0x24, 0x28] + generator.bytes(20)).base64EncodedString()
                let head = "Subject: x\nContent-Type: text/plain; charset=\(charset)\nContent-Transfer-Encoding: base64\n\n"
                #expect(try Mail.parse(Array((head + bytes).utf8)).text != nil, "SEED=\(seed)")
            }
        }
    }

    @Test func `garbage is read or refused, and never crashes`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let good = Array(
            """
            From: =?utf-8?q?Ad=C3=A1?= <ada@example.com>
            To: team: bob@example.com, "C, Jr." <c@example.com>;
            Content-Type: multipart/mixed; boundary="m"

            --m
            Content-Type: text/html; charset="iso-2022-jp"; format*0*=utf-8''a%20; format*1=b
            Content-Transfer-Encoding: quoted-printable

            =1B$B=
            --m
            Content-Type: message/rfc822

            Subject: =?big5?b?pOk=?=

            --m--
            """.utf8)
        for _ in 0..<1000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(contentsOf: bytes.suffix(from: place).prefix(20), at: place)
                }
            }
            if let mail = try? Mail.parse(bytes) { #expect(mail.raw == bytes, "SEED=\(seed)") }
        }
    }
}
