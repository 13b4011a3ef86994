import Model

/// What a daemon was told, each thing by the highest who told it: options over environment over file over what holds otherwise.
public struct Settings: Sendable {
    /// Who told a thing.
    public enum Origin: Hashable, Sendable {
        case standard
        case file(String)
        case environment(String)
        case option(String)
    }

    /// What was told, and by whom.
    public struct Entry: Hashable, Sendable {
        /// As it was given.
        public let text: String
        /// Who gave it.
        public let origin: Origin
    }

    private var entries: [Setting: Entry] = [:]

    /// - Parameters:
    ///   - file: what the configuration file tells; nil: there is none.
    ///   - environment: the process's.
    ///   - options: by setting; a path in them is from the root already.
    /// - Throws: with all that is wrong.
    public init(
        file: SettingsFile?, environment: [String: String] = [:], options: [Setting: String] = [:]
    ) throws(SettingsError) {
        var problems = file?.problems ?? []
        for setting in Setting.all {
            let variable = setting == .sandboxSockets ? nil : environment[setting.variable]
            if let text = options[setting] {
                entries[setting] = Entry(text: text, origin: .option("--\(setting.option)"))
            } else if let text = variable, !text.isEmpty {
                entries[setting] = Entry(text: text, origin: .environment(setting.variable))
            } else if let file, let text = file.texts[setting] {
                entries[setting] = Entry(text: text, origin: .file(file.path))
            } else if let text = setting.standard {
                entries[setting] = Entry(text: text, origin: .standard)
            }
            if let entry = entries[setting], let fault = setting.fault(of: entry.text) {
                problems.append("\(entry.origin.place(of: setting)) \(fault)")
            }
        }
        for socket in pairs(of: .sandboxSockets) where socket.path == nil {
            let place = entries[.sandboxSockets]?.origin.place(of: .sandboxSockets) ?? ""
            problems.append("\(place) takes NAME=PATH, such as staging=/run/message-export/staging.sock")
        }
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
    }

    /// What was told; nil: nothing.
    public subscript(_ setting: Setting) -> String? { entries[setting]?.text }

    /// What was told, with who told it.
    public func entry(_ setting: Setting) -> Entry? { entries[setting] }

    /// A number that was told.
    public func number(_ setting: Setting) -> Int { self[setting].flatMap { Int($0) } ?? 0 }

    /// Permission bits that were told.
    public func mode(_ setting: Setting) -> UInt32 { self[setting].flatMap { UInt32($0, radix: 8) } ?? 0o600 }

    /// Whether it was told to be so.
    public func flag(_ setting: Setting) -> Bool { self[setting] == "true" }

    /// Sockets of sandboxes, by the sandbox's name.
    public var sandboxSockets: [(sandbox: String, path: String)] {
        pairs(of: .sandboxSockets).compactMap { pair in pair.path.map { (pair.name, $0) } }
    }

    private func pairs(of setting: Setting) -> [(name: String, path: String?)] {
        (self[setting] ?? "").split(separator: "\n").map { line in
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, (try? SandboxName(parts[0])) != nil, parts[1].hasPrefix("/") else {
                return (String(line), nil)
            }
            return (parts[0], parts[1])
        }
    }

    /// What differs in another one.
    public func changes(to other: Settings) -> [Setting] {
        Setting.all.filter { self[$0] != other[$0] }
    }
}

extension Settings.Origin {
    /// Where a person looks for it.
    public func place(of setting: Setting) -> String {
        switch self {
        case .standard: setting.key
        case .file(let path): "\(path): \(setting.key)"
        case .environment(let variable): variable
        case .option(let option): option
        }
    }
}

/// What is wrong with what a daemon was told: all of it at once, a sentence each.
public struct SettingsError: Error, CustomStringConvertible {
    /// At least one.
    public let problems: [String]

    /// - Parameter problems: sentences, at least one.
    public init(problems: [String]) {
        self.problems = problems
    }

    /// The problems, a line each.
    public var description: String { problems.joined(separator: "\n") }
}
