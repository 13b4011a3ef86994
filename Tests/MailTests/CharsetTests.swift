import Foundation
import Mail
import Model
import SystemPackage
import TestSupport
import Testing

/// Bodies in every charset that Python reads, under each of its names.
@Suite struct CharsetTests {
    private struct Expected: Decodable {
        let bytes: Data
        let text: String
        let names: [String]
    }

    /// Letters that are read otherwise than by Python, or not at all, for a reason.
    private static let differences = [
        "big5hkscs": "iconv knows all its letters but one, the fullwidth macron", "iso2022_jp_ext": "iconv does not know it",
        "euc_kr": "iconv does not make syllables of the letters that Python writes for those the charset lacks",
        "cp424": "iconv has another letter for one byte, and none for another",
        "cp875": "iconv has other letters for three bytes",
        "euc_jis_2004": "Python writes letters of JIS X 0212 with it, which are not in that charset",
        "euc_jisx0213": "Python writes letters of JIS X 0212 with it, which are not in that charset",
        "iso2022_jp_2": "Python writes GB 2312 with the long escape sequence, which RFC 1554 does not have",
    ]

    private func read(_ bytes: Data, in charset: String) throws -> Email {
        let head = "Subject: x\nContent-Type: text/plain; charset=\"\(charset)\"\nContent-Transfer-Encoding: base64\n\n"
        return try Mail.parse(Array(head.utf8) + Array(bytes.base64EncodedData(options: .lineLength76Characters)))
    }

    @Test func `every charset that Python reads is read as Python does, by each of its names`() async throws {
        let script = Programs.repository.appending("Tests/Vectors/mail/charsets.py").string
        let ended = try await Programs.run("/usr/bin/python3.11", [script])
        let charsets = try JSONDecoder().decode([String: Expected].self, from: Data(ended.output.utf8))
        #expect(charsets.count > 90)
        var failures: [String] = []
        for (codec, expected) in charsets.sorted(by: { $0.key < $1.key }) {
            for name in expected.names {
                let email = try read(expected.bytes, in: name)
                guard CharsetTests.differences[codec] == nil else {
                    #expect(email.text != expected.text, "\(codec) is read as Python does by now")
                    continue
                }
                if email.text != expected.text || !email.attachments.isEmpty { failures.append("\(codec) as \(name)") }
            }
        }
        #expect(failures == [])
    }
}
