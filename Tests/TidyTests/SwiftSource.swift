/// The text of a Swift file, formatted by `swift format`: so a declaration ends with a brace under its own beginning.
struct SwiftSource {
    let name: String
    let lines: [String]

    init(_ name: String, _ text: String) {
        self.name = name
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Modules it imports.
    var imports: [String] {
        lines.compactMap { line in
            line.firstMatch(of: /^(?:@\w+ )*(?:public |package |internal )?import (?:(?:struct|class|enum|func) )?(\w+)/).map {
                String($0.1)
            }
        }
    }

    /// Functions and initializers over a number of lines, each as `file:line name (lines)`.
    func functions(over limit: Int) -> [String] {
        declarations(/^(\s*)(?:[@\w()]+ )*(?:func ([^(<]+)|(init|deinit))/).compactMap { declaration in
            let length = declaration.end - declaration.start + 1
            return length > limit ? "\(name):\(declaration.start + 1) \(declaration.name) (\(length) lines)" : nil
        }
    }

    private func declarations(
        _ pattern: Regex<(Substring, Substring, Substring?, Substring?)>
    ) -> [(start: Int, end: Int, name: String)] {
        lines.indices.compactMap { start in
            guard let match = lines[start].firstMatch(of: pattern) else { return nil }
            let name = String(match.2 ?? match.3 ?? "")
            guard !lines[start].hasSuffix("}") else { return (start, start, name) }
            let end = lines[start...].firstIndex { $0 == "\(match.1)}" || $0.hasPrefix("\(match.1)} ") }
            return (start, end ?? start, name)
        }
    }

    /// Package and public declarations without a comment, each as `file:line declaration`.
    ///
    /// What promises nothing of its own needs none: an initializer that only fills properties, what a protocol asks for (`requirements`),
    /// and a stored property of a type whose comment says where its fields are documented: in the `.proto`, or by XDM.
    func undocumented(requirements: Set<String>) -> [String] {
        var fieldsAreDocumentedUntil = -1
        return lines.indices.compactMap { index -> String? in
            let line = lines[index]
            if line.contains(/(?:struct|enum|class) \w+/), isFieldReference(commentAbove(index)) {
                let indentation = line.prefix { $0 == " " }
                fieldsAreDocumentedUntil = max(
                    fieldsAreDocumentedUntil, lines[index...].firstIndex(of: "\(indentation)}") ?? index)
            }
            let pattern =
                /^\s*(?:@\w+(?:\([^)]*\))? )*(?:public|package) (?:[\w()]+ )*?(func|var|let|init|struct|enum|class|protocol|typealias|subscript)\b ?`?([\w<=]*)/
            guard let match = line.firstMatch(of: pattern), commentAbove(index).isEmpty else { return nil }
            let (kind, name) = (match.1, String(match.2))
            if requirements.contains(name) || (kind == "init" && (line.contains("init(packed:") || isMemberwise(index))) {
                return nil
            }
            if kind == "var" || kind == "let", index <= fieldsAreDocumentedUntil, !line.hasSuffix("{") { return nil }
            return "\(self.name):\(index + 1) \(line.trimmingPrefix { $0 == " " })"
        }
    }

    /// Names that the protocols of this file ask for.
    var requirements: Set<String> {
        var names: Set<String> = []
        for start in lines.indices where lines[start].contains(#/^\s*(?:public |package )?protocol\b/#) {
            let end = lines[start...].firstIndex { $0.hasPrefix("}") } ?? start
            for line in lines[start...end] {
                if let match = line.firstMatch(of: /(?:func|var) (\w+)/) { names.insert(String(match.1)) }
            }
        }
        return names
    }

    private func isFieldReference(_ comment: String) -> Bool {
        comment.contains("`.proto`") || comment.contains("in XDM's words")
    }

    /// The documentation comment of a line's declaration.
    private func commentAbove(_ index: Int) -> String {
        var above = index - 1
        while above >= 0, lines[above].contains(/^\s*@/) { above -= 1 }
        var comment: [String] = []
        while above >= 0, let match = lines[above].firstMatch(of: /^\s*\/\/\/ ?(.*)/) {
            comment.insert(String(match.1), at: 0)
            above -= 1
        }
        return comment.joined(separator: " ")
    }

    /// Whether an initializer only fills properties.
    private func isMemberwise(_ start: Int) -> Bool {
        if lines[start].hasSuffix("{}") { return true }
        let indentation = lines[start].prefix { $0 == " " }
        guard let opening = lines[start...].firstIndex(where: { $0.hasSuffix("{") }),
            let end = lines[opening...].firstIndex(of: "\(indentation)}")
        else { return false }
        return lines[opening + 1..<end].allSatisfy { $0.contains(/^\s*(?:self\.)?\w+ = \w+$/) || $0.contains("precondition(") }
    }
}
