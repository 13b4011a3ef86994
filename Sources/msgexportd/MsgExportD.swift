import ArgumentParser
import Daemon
import Disk
import Foundation
import Glibc
import Logging
import Model
import RPC
import SystemPackage

@main
struct MsgExportD: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "msgexportd",
        abstract: "Keeps the rendered email and SMS that local services send, and exports them.",
        discussion: """
            Serves a Unix socket until SIGTERM or SIGINT. Logs to standard error. Without options, root's daemon keeps its data in \
            /var/lib/message-export and serves /run/message-export/msgexportd.sock; anybody else's is under $XDG_STATE_HOME and \
            $XDG_RUNTIME_DIR.

            EXAMPLE
              msgexportd --data /srv/message-export --socket /run/message-export/msgexportd.sock
            """,
        version: productVersion)

    @Option(help: ArgumentHelp("Folder for everything the daemon keeps.", valueName: "dir"))
    var data: String?

    @Option(help: ArgumentHelp("Path of the socket to serve.", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("Permission bits of the sockets, in octal.", valueName: "mode"))
    var socketMode = "0660"

    @Option(help: ArgumentHelp("Group that the sockets are given to, by name or id. Default: the daemon's.", valueName: "group"))
    var socketGroup: String?

    @Option(
        help: ArgumentHelp(
            """
            A further socket on which nothing but ingesting into that sandbox is possible, for whoever may open it. May be given several \
            times.
            """,
            valueName: "name=path"))
    var sandboxSocket: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            File of the master key, outside the data folder; made at the first start. Without it the data cannot be read. Default: \
            /etc/message-export/master.key for root, else message-export/master.key under $XDG_CONFIG_HOME.
            """,
            valueName: "file"))
    var masterKey: String?

    static func main() async {
        StandardStreams.occupyClosed()
        do {
            try await parse().run()
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            // Like the client: 2 for a wrong command line.
            try? FileHandle.standardError.write(contentsOf: Data("\(fullMessage(for: error))\n".utf8))
            Glibc.exit(2)
        }
    }

    func validate() throws {
        for (option, value) in [("--data", data), ("--socket", socket), ("--master-key", masterKey)] where value?.isEmpty == true
        {
            throw ValidationError("\(option) is empty")
        }
        guard let mode = UInt32(socketMode, radix: 8), mode <= 0o777, mode & 0o600 == 0o600 else {
            throw ValidationError("--socket-mode is no mode that the daemon itself can use, such as 0660")
        }
        for argument in sandboxSocket where Self.sandboxSocket(argument) == nil {
            throw ValidationError("--sandbox-socket takes NAME=PATH, such as staging=/run/message-export/staging.sock")
        }
    }

    private static func sandboxSocket(_ argument: String) -> (sandbox: String, path: String)? {
        let parts = argument.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let name = try? SandboxName(String(parts[0])) else { return nil }
        return (name.value, String(parts[1]))
    }

    /// Group id of a name, or of digits.
    private static func group(_ name: String) throws -> UInt32 {
        if let group = getgrnam(name) { return group.pointee.gr_gid }
        guard let id = UInt32(name) else { throw ValidationError("there is no group \(name)") }
        return id
    }

    func run() async throws {
        // Whatever this process makes is its user's alone.
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        raiseDescriptorLimit()
        let defaults = DefaultPaths(environment: ProcessInfo.processInfo.environment, uid: geteuid(), data: data)
        let (mode, group) = (UInt32(socketMode, radix: 8) ?? 0o600, try socketGroup.map(Self.group))
        let sockets =
            [(sandbox: String?.none, path: socket ?? defaults.socket)]
            + sandboxSocket.compactMap { Self.sandboxSocket($0).map { (sandbox: $0.sandbox, path: $0.path) } }
        let settings = DaemonSettings(
            data: absolute(data ?? defaults.data),
            sockets: sockets.map {
                ListeningSocket(path: absolute($0.path).string, mode: mode, group: group, sandbox: $0.sandbox)
            },
            masterKey: absolute(masterKey ?? defaults.masterKey))
        let logger = Logger(label: "msgexportd", factory: { StreamLogHandler.standardError(label: $0) })
        do {
            try await DaemonProcess.run(settings, logger: logger)
        } catch {
            // Nobody may be listening; the exit code tells all the same.
            try? FileHandle.standardError.write(contentsOf: Data("msgexportd: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    /// As many descriptors as this process may have: connections, segments and the catalog share them.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private func absolute(_ path: String) -> FilePath {
        FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized()
    }
}
