import Mail
import Model
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
}
