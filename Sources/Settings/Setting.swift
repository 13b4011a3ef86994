import Model

/// One thing that a daemon can be told: by its configuration file, by its environment, or by an option.
public struct Setting: Hashable, Sendable {
    /// What its text must look like.
    public enum Shape: Hashable, Sendable {
        case path
        case text
        /// Permission bits, in octal.
        case mode
        case seconds(ClosedRange<Int>)
        case choice([String])
        /// `true` or `false`.
        case flag
        /// An address of this machine's own with a port, or `off`.
        case loopback
        /// A path, or `off`.
        case pathOrOff
        /// Names of sandboxes, each with a path.
        case sockets
    }

    /// As in the file: `socket.mode` is `mode` of the table `socket`.
    public let key: String
    /// Its option, without dashes.
    public let option: String
    /// What its text must look like.
    public let shape: Shape
    /// What holds unless it is told; nil: nothing, or what the user's own places are.
    public let standard: String?
    /// Whether a reload can change it; otherwise a restart does.
    public let isReloadable: Bool
    /// What it is for, in sentences.
    public let help: String

    init(
        _ key: String, _ option: String, _ shape: Shape, standard: String? = nil, isReloadable: Bool = false, _ help: String
    ) {
        self.key = key
        self.option = option
        self.shape = shape
        self.standard = standard
        self.isReloadable = isReloadable
        self.help = help
    }

    /// The variable of the environment that stands in for the option.
    public var variable: String { "MSGEXPORTD_" + option.uppercased().replacing("-", with: "_") }

    /// What is wrong with a text; nil: nothing.
    func fault(of text: String) -> String? {
        guard !text.isEmpty else { return "is empty" }
        switch shape {
        case .text, .sockets: return nil
        case .path: return text.hasPrefix("/") ? nil : "must be a path from the root, such as /srv/message-export"
        case .pathOrOff: return text == "off" || text.hasPrefix("/") ? nil : "must be a path from the root, or off"
        case .flag: return ["true", "false"].contains(text) ? nil : "must be true or false"
        case .choice(let names):
            return names.contains(text) ? nil : "must be one of \(names.joined(separator: ", "))"
        case .seconds(let range):
            return Int(text).map(range.contains) == true
                ? nil : "must be \(range.lowerBound) to \(range.upperBound) seconds, a whole number"
        case .mode:
            let mode = UInt32(text, radix: 8)
            return mode.map { $0 <= 0o777 && $0 & 0o600 == 0o600 } == true
                ? nil : "is no mode that the daemon itself can use, such as 0660"
        case .loopback:
            return text == "off" || Loopback(text) != nil
                ? nil : "must be an address of this machine alone with a port, such as 127.0.0.1:9464 or [::1]:9464, or off"
        }
    }
}

/// An address that only this machine can reach.
public struct Loopback: Hashable, Sendable {
    /// `127.0.0.1` or `::1`.
    public let host: String
    /// 1 to 65535; 0: one that is free.
    public let port: Int

    /// - Parameter text: `127.0.0.1:9464`, `localhost:9464` or `[::1]:9464`; nil when it is another one.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        switch text[..<colon] {
        case "127.0.0.1", "localhost": host = "127.0.0.1"
        case "[::1]": host = "::1"
        default: return nil
        }
        self.port = Int(port)
    }
}
