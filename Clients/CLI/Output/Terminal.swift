import Formats
import Foundation
import Glibc
import Model
import Synchronization

/// What commands show.
enum Terminal {
    /// Whether standard output took less than it was given, for another reason than that nobody reads it.
    static let outputFailed = Atomic(false)
    /// Whether nobody reads standard output any more: who would only go on showing things stops.
    static let isUnread = Atomic(false)

    /// For what shows things as they come: ends it when nobody reads them any more.
    static func requireReader() throws(Status) {
        if isUnread.load(ordering: .relaxed) { throw unread }
    }

    /// How a command ends that nobody reads any more: without a word.
    static let unread = Status(.cancelled, "nobody reads standard output any more")

    /// Writes a line to standard output. When nobody reads it any more what is written is lost, and the command goes on with its work.
    static func print(_ line: String) {
        write(Array("\(line)\n".utf8))
    }

    /// Writes JSON to standard output, as `print` does a line; on a terminal nothing in it can steer that.
    static func print(_ json: JSONWriter) {
        var line = json.bytes + [UInt8(ascii: "\n")]
        if width != nil { line = harmless(line) }
        write(line)
    }

    /// JSON that says the same without DEL and the controls of C1, which JSON lets be and terminals obey.
    static func harmless(_ json: [UInt8]) -> [UInt8] {
        var shown: [UInt8] = []
        shown.reserveCapacity(json.count)
        var index = json.startIndex
        while index < json.endIndex {
            let isC1 = json[index] == 0xC2 && index + 1 < json.endIndex && (0x80..<0xA0).contains(json[index + 1])
            if isC1 { index += 1 }
            if isC1 || json[index] == 0x7F {
                shown += Array("\\u00\(String(json[index], radix: 16))".utf8)
            } else {
                shown.append(json[index])
            }
            index += 1
        }
        return shown
    }

    /// Writes bytes to standard output, as `print` does a line.
    static func write(_ bytes: [UInt8]) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { isUnread.store(true, ordering: .relaxed) }
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
        let text = "\(subject.map { "\($0): " } ?? "")\(status.message)\(place)"
        var lines = "msgexport: \(printable(text)) [\(status.code.name)]\n"
        if let hint = status.hint { lines += "  \(printable(hint))\n" }
        complain(lines)
    }

    /// Writes to standard error, as far as somebody listens.
    static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Columns of the terminal that standard output is; nil: it is none.
    static let width: Int? = {
        var size = winsize()
        guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }()

    /// Leaves a terminal empty, for what is shown next; anywhere else nothing happens.
    static func clear() {
        if width != nil { write(Array("\u{1B}[H\u{1B}[2J".utf8)) }
    }

    /// Shows one thing: its fields as a table of two columns, or as a JSON object.
    static func show(_ fields: [Field], as format: OutputFormat) {
        switch format {
        case .table:
            let pairs = fields.filter { !$0.isTable }.map { (label: $0.label, value: printable($0.value.text)) }
            for line in Table.pairs(pairs, width: width) { print(line) }
            for field in fields {
                switch field.value {
                case .rows(let rows) where !rows.isEmpty:
                    print("")
                    show(rows, columns: rows[0].map(\.label), as: .table)
                case .thing(let thing, let columns):
                    print("")
                    show([thing], columns: columns, as: .table)
                default: continue
                }
            }
        case .json:
            var json = JSONWriter()
            json.object { json in
                for field in fields { field.write(to: &json) }
            }
            print(json)
        }
    }

    /// Shows a list: the named columns of each thing as a table, or all of it as a JSON array.
    static func show(_ things: [[Field]], columns: [String], as format: OutputFormat) {
        switch format {
        case .table:
            let rows = things.map { fields in
                columns.map { column in printable(fields.first { $0.label == column }?.value.text ?? "") }
            }
            guard !rows.isEmpty else { return print("(none)") }
            for line in Table(titles: columns.map { $0.uppercased() }, rows: rows).lines(width: width) { print(line) }
        case .json:
            var json = JSONWriter()
            json.array { $0.objects(things) }
            print(json)
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
