import Formats
import Glibc
package import Logging
import Model
import Synchronization

/// The least important level that is logged, for all loggers: it can change while they are used.
package final class LogThreshold: Sendable {
    private let index: Atomic<Int>

    /// - Parameter level: what is logged at first.
    package init(_ level: Logger.Level) {
        index = Atomic(Self.index(of: level))
    }

    /// What is logged now.
    package var level: Logger.Level {
        get { Logger.Level.allCases[index.load(ordering: .relaxed)] }
        set { index.store(Self.index(of: newValue), ordering: .relaxed) }
    }

    private static func index(of level: Logger.Level) -> Int { Logger.Level.allCases.firstIndex(of: level) ?? 0 }
}

/// Logs an event in a line of its own on standard error: whatever is in it, no event can look like two.
package struct LineLogHandler: LogHandler {
    /// How a line looks.
    package enum Format: String, Sendable {
        /// Time, level, message, and what belongs to it as `name=value`.
        case text
        /// The same behind the priority that journald reads, and without what journald adds.
        case journal
        /// A JSON object.
        case json
    }

    /// Goes with every line.
    package var metadata: Logger.Metadata = [:]
    private let threshold: LogThreshold
    private let format: Format
    private let lines: LogLines

    /// - Parameter lines: counts them.
    package init(_ threshold: LogThreshold, format: Format, lines: LogLines = LogLines()) {
        self.lines = lines
        self.threshold = threshold
        self.format = format
    }

    /// The level of all; a logger of its own has no other.
    package var logLevel: Logger.Level {
        get { threshold.level }
        set {}
    }

    /// What goes with every line under a name.
    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes a line; returns when it is written, or cannot be.
    package func log(event: LogEvent) {
        lines.count(event.level)
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let line = Self.line(
            event.level, event.message.description, all.map { ($0.key, $0.value.description) }.sorted { $0.0 < $1.0 },
            at: WallClock.now, as: format)
        // One write a line: lines of threads do not mix. Where nobody listens it is lost, as the daemon's work goes on.
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    static func line(
        _ level: Logger.Level, _ message: String, _ fields: [(String, String)], at time: Instant, as format: Format
    ) -> [UInt8] {
        if format == .json {
            var json = JSONWriter()
            json.object { json in
                json.member("time", time.description)
                json.member("level", level.rawValue)
                json.member("message", message)
                for (name, value) in fields { json.member(name, value) }
            }
            json.newline()
            return json.bytes
        }
        let start = format == .journal ? "<\(level.priority)>" : "\(time) \(level.rawValue) "
        let rest = fields.map { " \($0.0)=\(quoted($0.1))" }.joined()
        return Array((start + escaped(message) + rest + "\n").utf8)
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && value.unicodeScalars.allSatisfy { $0.value > 0x20 && $0 != "\"" && $0 != "=" }
        return isPlain ? escaped(value) : "\"" + escaped(value).replacing("\"", with: "\\\"") + "\""
    }

    private static func escaped(_ text: String) -> String {
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0A: shown.append(contentsOf: "\\n".unicodeScalars)
            case 0..<0x20, 0x7F..<0xA0: shown.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            default: shown.append(scalar)
            }
        }
        return String(shown)
    }
}

extension Logger.Level {
    /// Of syslog(3), as sd-daemon(3) has it at the beginning of a line.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
