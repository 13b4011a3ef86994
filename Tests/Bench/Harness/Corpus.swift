import Model
import TestSupport

/// What senders send, made from a seed: the same in each run, realistic in size and in how much of it repeats.
enum Corpus: String, Codable, Sendable {
    /// A text message of 160 to 600 bytes.
    case sms
    /// A transactional email of 2 KiB: a receipt.
    case receipt
    /// A newsletter of 12 KiB of HTML.
    case newsletter
    /// One of 20 KiB.
    case campaign
    /// One of 50 KiB.
    case catalogue
    /// An email of 2 KiB that nothing compresses, such as one that is encrypted already.
    case noise
    /// Of a large sender: 60 of 100 receipts, 25 text messages, 10 newsletters, 5 catalogues.
    case mix

    static let seed: UInt64 = 20_261_128

    /// The content of a message, without its id.
    func content(_ number: Int, recipient: String) -> Message.Content {
        var generator = SeededGenerator(seed: Self.seed &+ UInt64(number))
        switch self {
        case .sms:
            let length = Int.random(in: 160...600, using: &generator)
            return .sms(Sms(senderNumbers: ["24365"], recipientNumber: recipient, text: words(length, &generator)))
        case .receipt: return mail(recipient, receipt(number, &generator))
        case .newsletter: return mail(recipient, newsletter(number, bytes: 12 << 10, &generator))
        case .campaign: return mail(recipient, newsletter(number, bytes: 20 << 10, &generator))
        case .catalogue: return mail(recipient, newsletter(number, bytes: 50 << 10, &generator))
        case .noise: return mail(recipient, noise(2 << 10, &generator))
        case .mix:
            let kind: Corpus =
                switch Int.random(in: 0..<100, using: &generator) {
                case ..<60: .receipt
                case ..<85: .sms
                case ..<95: .newsletter
                default: .catalogue
                }
            return kind.content(number, recipient: recipient)
        }
    }

    /// The text alone, for peers that know no messages.
    func text(_ number: Int) -> String {
        switch content(number, recipient: "r@example.com") {
        case .sms(let sms): sms.text
        case .email(let mail): mail.html ?? ""
        }
    }

    /// The text of a message of its mean size.
    var typical: String {
        let texts = (0..<200).map(text)
        let mean = texts.reduce(0) { $0 + $1.utf8.count } / texts.count
        return String((texts.filter { $0.utf8.count >= mean }.min { $0.utf8.count < $1.utf8.count } ?? texts[0]).prefix(mean))
    }

    private func mail(_ recipient: String, _ html: String) -> Message.Content {
        .email(
            Email(
                from: Address(email: "news@example.com"), to: [Address(email: recipient)], subject: "Your week", html: html))
    }

    private static let vocabulary = """
        your order has been shipped and will arrive on monday between eight and noon thank you for shopping with us the total amount \
        was charged to card ending in please keep this message for records if you have questions reply or call our team any day to \
        change delivery address visit account page new offers wait appointment confirmed see doctor at clinic bring insurance document
        """.split(separator: " ").map(String.init)

    private func words(_ bytes: Int, _ generator: inout SeededGenerator) -> String {
        var text = ""
        while text.utf8.count < bytes { text += (Self.vocabulary.randomElement(using: &generator) ?? "") + " " }
        return String(text.prefix(bytes))
    }

    private func noise(_ bytes: Int, _ generator: inout SeededGenerator) -> String {
        // 64 letters, 6 bits each: what encodes it could take a quarter off, and no more.
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        return String((0..<bytes).map { _ in letters.randomElement(using: &generator) ?? "A" })
    }

    private func token(_ generator: inout SeededGenerator) -> String {
        String(generator.next(), radix: 16) + String(generator.next(), radix: 16)
    }

    private func receipt(_ number: Int, _ generator: inout SeededGenerator) -> String {
        let head = """
            <!doctype html><html><head><meta charset="utf-8"><title>Your receipt</title></head><body style="font-family:Arial,sans-serif">
            <p>Dear customer \(number), thank you for your order \(token(&generator)).</p><table width="560">
            """
        let foot = """
            </table><p>\(words(160, &generator))</p>
            <p style="font-size:11px"><a href="https://shop.example.com/o/\(token(&generator))">See your order</a></p></body></html>
            """
        var rows = ""
        while head.utf8.count + rows.utf8.count + foot.utf8.count < 1900 {
            rows += """
                <tr><td style="padding:4px">\(Int.random(in: 1...9, using: &generator)) x article \(Int.random(in: 1...9999, using: &generator))</td>\
                <td align="right">\(Int.random(in: 1...99, using: &generator)).\(Int.random(in: 10...99, using: &generator))</td></tr>

                """
        }
        return head + rows + foot
    }

    /// The same for all but for names, links and a few offers.
    private func newsletter(_ number: Int, bytes: Int, _ generator: inout SeededGenerator) -> String {
        let foot = """
            </table><p style="font-size:11px">You get this mail as you asked for it. \
            <a href="https://news.example.com/u/\(token(&generator))">Unsubscribe</a></p>
            <img src="https://news.example.com/o/\(token(&generator)).gif" width="1" height="1"></body></html>
            """
        var html = """
            <!doctype html><html><head><meta charset="utf-8"><title>Your week</title><style>\(Self.style)</style></head><body>
            <p>Dear customer \(number), here is what we found for you.</p><table width="600">
            """
        var index = 0
        while html.utf8.count + foot.utf8.count < bytes {
            html += """
                <tr><td style="padding:12px;font-family:Arial,sans-serif;font-size:14px;color:#333333;border-bottom:1px solid #eeeeee">
                <a href="https://news.example.com/c/\(token(&generator))?u=\(number)&o=\(index)" style="color:#1a73e8;text-decoration:none"><b>Offer \(Int.random(in: 1...500, using: &generator))</b></a>
                <p style="margin:4px 0 0 0">Only \(Int.random(in: 5...99, using: &generator)).99 this week, while it lasts. Delivered to your door within two days, and if you do not like it we take it back, no questions asked.</p>
                <img src="https://img.example.com/\(Int.random(in: 1...500, using: &generator)).png" width="560" height="120" alt="" style="display:block;border:0;outline:none"></td></tr>

                """
            index += 1
        }
        return html + foot
    }

    private static let style = (0..<60).map {
        ".c\($0) { margin: 0; padding: \($0)px 0 0 0; font-family: Arial, Helvetica, sans-serif; line-height: 1.\($0 % 9); }"
    }.joined(separator: "\n")
}
