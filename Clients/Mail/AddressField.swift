import CGMime
import Model

/// The addresses of a header field, or of several of the same name.
enum AddressField {
    /// The mailboxes that the fields name, those of groups in their place, each address as it is written.
    ///
    /// - Parameter values: the fields' values: unfolded, encoded words not decoded.
    static func addresses(_ values: [String]) -> [Address] {
        values.flatMap { value in
            let mark = (0..<16).map { _ in "\(Unicode.Scalar(UInt8.random(in: 0x61...0x7A)))" }.joined()
            // GMime would show such names of hosts decoded, and what looks like an encoded word too: what was written is to be kept.
            let written = simplified(value).replacing("=?", with: "=\(mark)e?")
                .replacing(#/(?i)xn--/#) { "\(mark)\($0.0.first == "X" ? "u" : "l")" }
            guard let list = internet_address_list_parse(nil, written) else { return [Address]() }
            defer { g_object_unref(list) }
            func unmarked(_ text: String) -> String {
                text.replacing("\(mark)u", with: "XN--").replacing("\(mark)l", with: "xn--").replacing("\(mark)e", with: "")
            }
            return flatten(list).map {
                Address(email: unmarked($0.email), name: $0.name.map(unmarked))
            }
        }
    }

    /// The value with what its encoded words say in quotes, and without comments.
    ///
    /// GMime takes a comment behind a bare address for a display name. RFC 5322 gives a name only to an address in angle brackets; the
    /// comment stays in the header's value.
    private static func simplified(_ value: String) -> String {
        var isQuoted = false
        var isEscaped = false
        var comments = 0
        var simple = ""
        for piece in EncodedWords.pieces(of: value) {
            switch piece {
            case .plain(let text):
                for character in text {
                    let wasComment = comments > 0
                    if isEscaped {
                        isEscaped = false
                    } else if character == "\\" {
                        isEscaped = true
                    } else if character == "\"", !wasComment {
                        isQuoted.toggle()
                    } else if character == "(", !isQuoted {
                        comments += 1
                    } else if character == ")", !isQuoted, wasComment {
                        comments -= 1
                    }
                    if !wasComment, comments == 0 { simple.append(character) }
                }
            case .decoded(let text):
                guard comments == 0 else { continue }
                let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                simple += isQuoted ? escaped : "\"\(escaped)\""
            }
        }
        // C would take a NUL for the end of all.
        return simple.replacing("\0", with: "\u{FFFD}")
    }

    /// The mailboxes of a list, those of its groups in their place.
    private static func flatten(_ list: UnsafeMutablePointer<InternetAddressList>?) -> [Address] {
        guard let list else { return [] }
        return (0..<internet_address_list_length(list)).flatMap { index -> [Address] in
            guard let address = internet_address_list_get_address(list, index) else { return [] }
            if let group = cgmime_group(address) { return flatten(internet_address_group_get_members(group)) }
            guard let mailbox = cgmime_mailbox(address), let email = internet_address_mailbox_get_addr(mailbox) else { return [] }
            let name = internet_address_get_name(address).map { String(cString: $0) } ?? ""
            return [Address(email: String(cString: email), name: name.isEmpty ? nil : name)]
        }
    }
}
