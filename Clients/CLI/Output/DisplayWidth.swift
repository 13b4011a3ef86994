import CGMime

/// How many columns of a terminal text takes.
enum DisplayWidth {
    static func of(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + of($1) }
    }

    /// What people see as one character takes as much as the widest of its scalars, by GLib's tables (which come with GMime).
    static func of(_ character: Character) -> Int {
        character.unicodeScalars.map { scalar in
            g_unichar_iszerowidth(scalar.value) != 0 ? 0 : g_unichar_iswide(scalar.value) != 0 ? 2 : 1
        }.max() ?? 0
    }

    /// The text with spaces behind it, up to a width.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - of(text)))
    }

    /// The text, or as much of it as fits with an ellipsis behind it.
    static func clipped(_ text: String, to width: Int) -> String {
        guard of(text) > width else { return text }
        var clipped = ""
        var used = 0
        for character in text {
            used += of(character)
            guard used < width else { break }
            clipped.append(character)
        }
        return clipped + "…"
    }

    /// The text in lines of at most a width, broken at spaces where there are any.
    static func wrapped(_ text: String, to width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            let joined = line.isEmpty && lines.isEmpty ? String(word) : "\(line) \(word)"
            if of(joined) <= width {
                line = joined
                continue
            }
            if !line.isEmpty { lines.append(line) }
            line = ""
            for character in word {
                if of(line) + of(character) > width {
                    lines.append(line)
                    line = ""
                }
                line.append(character)
            }
        }
        return lines + [line]
    }
}
