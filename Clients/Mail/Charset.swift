import CGMime

/// Reads bytes in a named charset.
struct Charset {
    /// What bytes say in a charset.
    struct Reading {
        /// U+FFFD stands for each byte that is none in that charset.
        let text: String
        /// Whether all of it could be read.
        let isWhole: Bool

        init(_ text: String, isWhole: Bool) {
            self.text = text
            self.isWhole = isWhole
        }

        /// - Parameter bytes: those the text was read from: one U+FFFD that was written there is no fault.
        init(_ text: String, utf8 bytes: [UInt8]) {
            self.init(text, isWhole: Array(text.utf8) == bytes)
        }
    }

    private enum Way {
        case ascii
        case utf8
        /// Behind a byte-order mark, which says nothing.
        case markedUTF8
        case hz
        case table([Unicode.Scalar])
        case iconv(String)
    }

    private let way: Way

    /// Nil when no charset of that name is known.
    init?(_ name: String) {
        let lowercase = name.lowercased()
        let key = lowercase.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        // A year may follow, as in ISO_8859-1:1987.
        let base = String(key.dropLast(Charset.hasYear(lowercase) ? 4 : 0))
        if key == "utf8sig" {
            way = .markedUTF8
        } else if ["hz", "hzgb", "hzgb2312"].contains(key) {
            way = .hz
        } else if let letters = CharsetTables.letters[key] {
            way = .table(letters)
        } else {
            let isNumber = !key.isEmpty && key.allSatisfy(\.isNumber)
            let candidates = [
                CharsetTables.aliases[key], CharsetTables.aliases[base], isNumber ? "CP\(key)" : nil, lowercase,
                lowercase.replacing("_", with: "-"), key, base,
            ]
            guard let found = candidates.compactMap({ $0 }).first(where: Charset.isKnownToIconv) else { return nil }
            switch found.uppercased() {
            case "UTF-8", "UTF8": way = .utf8
            case "ASCII", "US-ASCII": way = .ascii
            default: way = .iconv(found.uppercased().replacing("SHIFT-JIS", with: "SHIFT_JIS"))
            }
        }
    }

    private static func hasYear(_ name: String) -> Bool {
        name.suffix(4).allSatisfy(\.isNumber) && name.hasPrefix("iso") && [":", "_", "-"].contains(name.dropLast(4).suffix(1))
            && ["19", "20"].contains(name.suffix(4).prefix(2))
    }

    private static func isKnownToIconv(_ name: String) -> Bool {
        let converter = g_iconv_open("UTF-8", name)
        guard converter != GIConv(bitPattern: -1) else { return false }
        g_iconv_close(converter)
        return true
    }

    func read(_ bytes: [UInt8]) -> Reading {
        switch way {
        case .ascii: return Charset.ascii(bytes)
        case .utf8: return Reading(String(decoding: bytes, as: UTF8.self), utf8: bytes)
        case .markedUTF8:
            let rest = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
            return Reading(String(decoding: rest, as: UTF8.self), utf8: rest)
        case .hz: return Charset.readHZ(bytes)
        case .table(let letters):
            var text = String.UnicodeScalarView()
            for byte in bytes { text.append(byte < 0x80 ? Unicode.Scalar(byte) : letters[Int(byte) - 0x80]) }
            return Reading(String(text), isWhole: !text.contains("\u{FFFD}"))
        case .iconv(let name):
            return Charset.convert(bytes, from: name)
        }
    }

    /// The letters of ASCII, and U+FFFD for all other bytes.
    static func ascii(_ bytes: [UInt8]) -> Reading {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(byte < 0x80 ? Unicode.Scalar(byte) : "\u{FFFD}") }
        return Reading(String(text), isWhole: bytes.allSatisfy { $0 < 0x80 })
    }

    /// HZ (RFC 1843): GB 2312 in seven bits between `~{` and `~}`, `~~` for a tilde, `~` and a line end for nothing.
    private static func readHZ(_ bytes: [UInt8]) -> Reading {
        var euc: [UInt8] = []
        var isChinese = false
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            switch (bytes[index], next) {
            case (UInt8(ascii: "~"), UInt8(ascii: "{")): (isChinese, index) = (true, index + 2)
            case (UInt8(ascii: "~"), UInt8(ascii: "}")): (isChinese, index) = (false, index + 2)
            case (UInt8(ascii: "~"), UInt8(ascii: "\n")): index += 2
            case (UInt8(ascii: "~"), UInt8(ascii: "~")) where !isChinese:
                euc.append(UInt8(ascii: "~"))
                index += 2
            case (let byte, _):
                if byte == UInt8(ascii: "\n") { isChinese = false }
                euc.append(isChinese && byte > 0x20 ? byte | 0x80 : byte)
                index += 1
            }
        }
        return convert(euc, from: "EUC-CN")
    }

    private static func convert(_ bytes: [UInt8], from name: String) -> Reading {
        let converter = g_iconv_open("UTF-8", name)
        guard converter != GIConv(bitPattern: -1) else { return ascii(bytes) }
        defer { g_iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var output: [UInt8] = []
        var isWhole = true
        let pieceSize = 4096
        let (two, four) = (["UTF-16", "UTF16", "UCS-2", "UCS2", "UNICODE"], ["UTF-32", "UTF32", "UCS-4", "UCS4", "ISO-10646"])
        let unit = four.contains { name.hasPrefix($0) } ? 4 : two.contains { name.hasPrefix($0) } ? 2 : 1
        input.withUnsafeMutableBufferPointer { buffer in
            var next = buffer.baseAddress
            var left = buffer.count
            while left > 0 {
                var failed = false
                let before = left
                output += [UInt8](unsafeUninitializedCapacity: pieceSize) { piece, count in
                    piece.withMemoryRebound(to: CChar.self) { room in
                        var target = room.baseAddress
                        var free = pieceSize
                        failed = g_iconv(converter, &next, &left, &target, &free) == Int(bitPattern: UInt.max) && free >= 16
                        count = pieceSize - free
                    }
                }
                // Some of glibc's converters, given what is none of theirs, stay where they are for ever.
                guard failed || left == before else { continue }
                isWhole = false
                output += "\u{FFFD}".utf8
                let skipped = min(unit, left)
                next = next.map { $0 + skipped }
                left -= skipped
            }
        }
        // Some converters hold the last letter back, for a mark that may follow it.
        output += [UInt8](unsafeUninitializedCapacity: pieceSize) { piece, count in
            piece.withMemoryRebound(to: CChar.self) { room in
                var target = room.baseAddress
                var free = pieceSize
                g_iconv(converter, nil, nil, &target, &free)
                count = pieceSize - free
            }
        }
        let text = String(decoding: output, as: UTF8.self)
        guard let corrections = CharsetTables.corrections[name] else { return Reading(text, isWhole: isWhole) }
        let corrected = String.UnicodeScalarView(text.unicodeScalars.map { corrections[$0] ?? $0 })
        return Reading(String(corrected), isWhole: isWhole)
    }
}
