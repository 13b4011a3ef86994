import ArgumentParser
import Daemon
import Destinations
import Disk
import Foundation
import Glibc
import Logging
import Metrics
import Model
import RPC
import Settings
import SystemPackage

/// Where a daemon's settings are, and the two of them that every command needs.
struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Configuration file. Default: $MSGEXPORTD_CONFIG, else, where it is there, /etc/message-export/msgexportd.yaml for root and \
            message-export/msgexportd.yaml under $XDG_CONFIG_HOME for others.
            """,
            valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp(.init(Setting.data.help), valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp(.init(Setting.masterKey.help), valueName: "file"))
    var masterKey: String?

    /// What the two say, by setting.
    var told: [Setting: String] {
        var told: [Setting: String] = [:]
        told[.data] = data.map(path)
        told[.masterKey] = masterKey.map(path)
        return told
    }

    /// Reads what a daemon is told.
    ///
    /// - Parameter options: of the command line, in addition to the two here.
    /// - Throws: `SettingsError` with all that is wrong.
    func read(_ options: [Setting: String] = [:]) throws -> Settings {
        let environment = ProcessInfo.processInfo.environment
        return try Settings(
            file: try file(environment), environment: environment, options: told.merging(options) { _, option in option })
    }

    /// The configuration file there is.
    var file: String? {
        let environment = ProcessInfo.processInfo.environment
        if let named = named(environment) { return named }
        let standard = DefaultPaths(environment: environment, uid: geteuid()).configuration
        return FileManager.default.fileExists(atPath: standard) ? standard : nil
    }

    private func named(_ environment: [String: String]) -> String? {
        (config ?? environment["MSGEXPORTD_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }).map(path)
    }

    private func file(_ environment: [String: String]) throws -> SettingsFile? {
        guard let path = file else { return nil }
        guard let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int, size <= Limits.settingsFileBytes,
            let bytes = FileManager.default.contents(atPath: path)
        else { throw SettingsError(problems: ["\(path): it cannot be read, or is over \(Limits.settingsFileBytes) bytes"]) }
        return try SettingsFile(path: path, text: String(decoding: bytes, as: UTF8.self))
    }

    /// What a command needs that serves nothing.
    func settings() throws -> DaemonSettings { try read().daemon(sockets: nil) }
}

/// A path as it is from the root; an empty one stays so, to be refused.
func path(_ path: String) -> String { path.isEmpty ? "" : absolute(path).string }

extension Settings {
    /// Where things are that nobody named.
    var places: DefaultPaths {
        DefaultPaths(environment: ProcessInfo.processInfo.environment, uid: geteuid(), data: self[.data])
    }

    /// What holds for a setting, with what is so by default.
    func effective(_ setting: Setting) -> String? {
        if let told = self[setting] { return told }
        switch setting {
        case .data: return absolute(places.data).string
        case .masterKey: return absolute(places.masterKey).string
        case .socket: return absolute(places.socket).string
        case .metricsSocket:
            return effective(.socket).map { socket in
                let path = FilePath(socket)
                return path.removingLastComponent().appending("\(path.stem ?? "")-metrics.sock").string
            }
        default: return nil
        }
    }

    /// - Parameter passed: sockets that the process was given; nil or empty: those of the settings are to be bound.
    func daemon(sockets passed: [ListeningSocket]?) throws -> DaemonSettings {
        let mode = mode(.socketMode)
        let group = try self[.socketGroup].map(Settings.group)
        let own = [ListeningSocket(path: effective(.socket) ?? "", mode: mode, group: group, sandbox: nil)]
        let sandboxed = sandboxSockets.map { ListeningSocket(path: $0.path, mode: mode, group: group, sandbox: $0.sandbox) }
        let passed = passed ?? []
        return DaemonSettings(
            data: absolute(effective(.data) ?? ""), sockets: (passed.isEmpty ? own : passed) + sandboxed,
            masterKey: absolute(effective(.masterKey) ?? ""), masterKeyIsCredential: masterKeyIsCredential,
            metrics: metricsPlaces,
            programs: DeliveryPrograms(
                supervisor: ownProgram, rclone: absolute(self[.rclone] ?? ""), gpg: absolute(self[.gpg] ?? "")),
            reloadable: reloadable)
    }

    /// systemd.exec(5): what LoadCredential= names is in that folder, for this process alone.
    private var masterKeyIsCredential: Bool {
        guard let folder = ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"], !folder.isEmpty else { return false }
        return absolute(effective(.masterKey) ?? "").starts(with: absolute(folder))
    }

    private var metricsPlaces: [MetricsServer.Place] {
        var places: [MetricsServer.Place] = []
        if let path = effective(.metricsSocket), path != "off" { places.append(.socket(absolute(path).string)) }
        if let address = self[.metricsListen].flatMap(Loopback.init) {
            places.append(.loopback(host: address.host, port: address.port))
        }
        return places
    }

    var reloadable: ReloadableSettings {
        ReloadableSettings(
            alertCommand: self[.alertCommand].map(absolute), stallSeconds: number(.deliveryTimeout),
            logLevel: self[.logLevel].flatMap { Logger.Level(rawValue: $0) } ?? .info,
            metricsNameSandboxes: flag(.metricsSandboxes))
    }

    /// What is wrong that only this machine can tell.
    var problemsHere: [String] {
        var problems: [String] = []
        if let command = entry(.alertCommand), !Self.isProgram(command.text) {
            problems.append("\(command.origin.place(of: .alertCommand)) \(command.text) is no program that this user may run")
        }
        if let data = effective(.data), let key = effective(.masterKey), absolute(key).starts(with: absolute(data)) {
            problems.append("\(Setting.masterKey.key) \(key) is inside the data folder \(data): keep it elsewhere")
        }
        if let group = entry(.socketGroup), (try? Self.group(group.text)) == nil {
            problems.append("\(group.origin.place(of: .socketGroup)): there is no group \(group.text)")
        }
        return problems
    }

    /// Programs that are named and not there: what needs them fails, and the daemon serves all the same.
    var missingPrograms: [String] {
        [Setting.rclone, .gpg].compactMap { program in
            guard let entry = entry(program), entry.origin != .standard, !Self.isProgram(entry.text) else { return nil }
            return "\(entry.origin.place(of: program)) \(entry.text) is no program that this user may run"
        }
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    /// Group id of a name, or of digits.
    private static func group(_ name: String) throws -> UInt32 {
        if let group = getgrnam(name) { return group.pointee.gr_gid }
        guard let id = UInt32(name) else { throw SettingsError(problems: ["there is no group \(name)"]) }
        return id
    }
}
