/// A configuration file with every setting, what each is for and what holds without it.
public enum ExampleFile {
    private static let width = 110

    /// YAML. Each setting is a comment: as it is, the file changes nothing.
    public static var text: String {
        var lines = wrapped(
            """
            Configuration of msgexportd. What is commented out holds unless it is set. An option of the command line goes before the \
            environment, which goes before this file. 'msgexportd config check' tells what is wrong with it, 'msgexportd config show' \
            what holds. SIGHUP (systemctl reload message-export) takes up what can change while the daemon runs; the rest waits for a restart.
            """)
        var section = ""
        for setting in Setting.all {
            let parts = setting.key.split(separator: ".").map(String.init)
            lines.append("")
            if parts.count == 2, parts[0] != section {
                section = parts[0]
                lines += ["\(section):"]
            }
            let indent = parts.count == 2 ? "  " : ""
            lines += (wrapped(setting.help + setting.note) + setting.example).map { indent + $0 }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = "#"
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > width {
                lines.append(line)
                line = "#"
            }
            line += " \(word)"
        }
        return lines + [line]
    }
}

extension Setting {
    /// Limits, environment and when it takes effect.
    fileprivate var note: String {
        var note = ""
        switch shape {
        case .seconds(let range): note += " \(range.lowerBound) to \(range.upperBound)."
        case .choice(let names): note += " One of \(names.joined(separator: ", "))."
        case .pathOrOff: note += " off: none."
        case .mode, .path, .text, .flag, .loopback, .sockets: break
        }
        if shape != .sockets { note += " (\(variable), --\(option))" }
        return note + (isReloadable ? " Taken up by a reload." : "")
    }

    /// As the file has it.
    fileprivate var example: [String] {
        let name = key.split(separator: ".").last ?? ""
        return shape == .sockets
            ? ["# \(name):", "#   staging: /run/message-export/staging.sock"] : ["# \(name): \(standard ?? placeholder)"]
    }

    private var placeholder: String {
        switch self {
        case .data: "/var/lib/message-export"
        case .masterKey: "/etc/message-export/master.key"
        case .socket: "/run/message-export/msgexportd.sock"
        case .socketGroup: "message-export"
        case .alertCommand: "/usr/local/bin/page-somebody"
        case .metricsSocket: "/run/message-export/msgexportd-metrics.sock"
        default: ""
        }
    }
}
