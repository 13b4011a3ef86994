import Foundation

/// Encoded words (RFC 2047) in the text of header fields.
///
/// Not GMime's: it joins the base64 of neighbours in one charset and loses what stands behind a padding, and stops at the first `=?` that
/// begins no word.
enum EncodedWords {
    /// A piece of a header's text.
    enum Piece: Equatable {
        case plain(String)
        /// What a word, or several with nothing but white space between them, say.
        case decoded(String)
    }

    /// The text with its words decoded.
    static func decoded(_ text: String) -> String {
        pieces(of: text).map { piece in
            switch piece {
            case .plain(let text), .decoded(let text): text
            }
        }.joined()
    }

    /// The text in pieces, in order. A word in a charset that nobody knows stays as it is written.
    static func pieces(of text: String) -> [Piece] {
        guard text.contains("=?") else { return [.plain(text)] }
        var pieces: [Piece] = []
        var words: [Word] = []
        var rest = text[...]
        func flush() {
            if !words.isEmpty { pieces.append(.decoded(joined(words))) }
            words = []
        }
        while let match = rest.firstMatch(of: #/=\?([^?\s]+)\?([bBqQ])\?([^?]*)\?=/#) {
            let before = rest[..<match.range.lowerBound]
            rest = rest[match.range.upperBound...]
            let word = Word(charset: match.1, encoding: match.2, text: match.3)
            // White space between words separates nothing.
            if word == nil || words.isEmpty || !before.allSatisfy(\.isWhitespace) {
                flush()
                if !before.isEmpty { pieces.append(.plain(String(before))) }
            }
            if let word { words.append(word) } else { pieces.append(.plain(String(match.0))) }
        }
        flush()
        if !rest.isEmpty { pieces.append(.plain(String(rest))) }
        return pieces
    }

    /// What words in a row say. Some senders cut a letter in two: those are read from the bytes of all words in that charset.
    private static func joined(_ words: [Word]) -> String {
        var text = ""
        var rest = words[...]
        while let first = rest.first {
            let run = rest.prefix { $0.name == first.name }
            rest = rest.dropFirst(run.count)
            let readings = run.map { $0.charset.read($0.bytes) }
            let whole = readings.allSatisfy(\.isWhole) ? nil : first.charset.read(run.flatMap(\.bytes))
            text += whole?.isWhole == true ? whole?.text ?? "" : readings.map(\.text).joined()
        }
        return text
    }

    private struct Word {
        let name: String
        let charset: Charset
        let bytes: [UInt8]

        init?(charset name: Substring, encoding: Substring, text: Substring) {
            // A language may follow (RFC 2231).
            self.name = name.prefix { $0 != "*" }.lowercased()
            guard let charset = Charset(self.name) else { return nil }
            self.charset = charset
            bytes = encoding.lowercased() == "q" ? Word.quoted(text) : Word.base64(text)
        }

        private static func base64(_ text: Substring) -> [UInt8] {
            let digits = text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "/") }
            // A last digit alone says nothing.
            let whole = digits.count % 4 == 1 ? digits.dropLast() : digits[...]
            let padding = String(repeating: "=", count: (4 - whole.count % 4) % 4)
            return Data(base64Encoded: whole + padding).map { Array($0) } ?? []
        }

        private static func quoted(_ text: Substring) -> [UInt8] {
            var bytes: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "_") {
                    bytes.append(UInt8(ascii: " "))
                } else if byte == UInt8(ascii: "="), rest.count >= 2,
                    let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                {
                    bytes.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    bytes.append(byte)
                }
            }
            return bytes
        }
    }
}
