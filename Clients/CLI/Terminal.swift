import Formats
import Foundation
import Glibc
import Model
import Synchronization

/// What commands show.
enum Terminal {
    /// Whether standard output took less than it was given, for another reason than that nobody reads it.
    static let outputFailed = Atomic(false)

    /// Writes a line to standard output. When nobody reads it any more the line is lost, and the command goes on with its work.
    static func print(_ line: String) {
        var bytes = Array(line.utf8)
        bytes.append(UInt8(ascii: "\n"))
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                // A closed pipe is a reader's choice; anything else loses what was asked for.
                if errno != EPIPE, outputFailed.exchange(true, ordering: .relaxed) == false {
                    complain("msgexport: cannot write to standard output: \(String(cString: strerror(errno)))\n")
                }
                return
            }
            written += count
        }
    }

    /// Tells on standard error what went wrong and what to do.
    static func complain(_ status: Status, about subject: String? = nil) {
        let place = status.field.map { " (\($0))" } ?? ""
        var lines = "msgexport: \(subject.map { "\(printable($0)): " } ?? "")\(status.message)\(place) [\(status.code.name)]\n"
        if let hint = status.hint { lines += "  \(hint)\n" }
        complain(lines)
    }

    /// Writes to standard error, as far as somebody listens.
    static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Shows one thing: its fields as a table of two columns, or as a JSON object.
    static func show(_ fields: [Field], as format: OutputFormat) {
        switch format {
        case .table:
            let width = fields.map(\.label.count).max() ?? 0
            for field in fields {
                print("\(field.label)\(String(repeating: " ", count: width - field.label.count))  \(printable(field.value.text))")
            }
        case .json:
            var json = JSONWriter()
            json.object { json in
                for field in fields { field.write(to: &json) }
            }
            print(json.text)
        }
    }

    /// Text without what could steer a terminal: control characters show as pictures of themselves.
    static func printable(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: shown.append(contentsOf: "⏎".unicodeScalars)
            case 0..<0x20: shown.append(Unicode.Scalar(0x2400 + scalar.value) ?? "?")
            case 0x7F..<0xA0: shown.append("\u{FFFD}")
            // Marks that turn the direction of what follows.
            case 0x202A...0x202E, 0x2066...0x2069: shown.append("\u{FFFD}")
            default: shown.append(scalar)
            }
        }
        return String(shown)
    }
}

/// A named value of something shown.
struct Field {
    enum Value {
        case text(String)
        case number(UInt64)
        case flag(Bool)
        case list([String])

        var text: String {
            switch self {
            case .text(let text): text
            case .number(let number): String(number)
            case .flag(let flag): flag ? "on" : "off"
            case .list(let items): items.isEmpty ? "none" : items.joined(separator: "; ")
            }
        }
    }

    /// For people.
    let label: String
    /// In JSON.
    let key: String
    let value: Value

    init(_ label: String, _ key: String, _ value: Value) {
        self.label = label
        self.key = key
        self.value = value
    }

    func write(to json: inout JSONWriter) {
        switch value {
        case .text(let text): json.member(key, text)
        case .number(let number): json.member(key, number)
        case .flag(let flag): json.member(key, flag)
        case .list(let items):
            json.array(key) { json in
                for item in items { json.value(item) }
            }
        }
    }
}
