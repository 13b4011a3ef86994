import ArgumentParser
import Daemon
import Foundation
import Glibc
import Logging
import Model
import RPC
import SystemPackage

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves a Unix socket until SIGTERM or SIGINT; what msgexportd does without a subcommand.",
        discussion: """
            Logs to standard error.

            EXAMPLE
              msgexportd serve --data /srv/message-export --socket /run/message-export/msgexportd.sock
            """)

    @OptionGroup var folder: DataOptions

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
            A program that is run for each alert of an export, one after the other, with nothing in its environment and the alert on its \
            standard input, such as {"alert":"RUN_FAILED","sandbox":"prod","dataflow":"daily","run":"…","time":"…","detail":"…"}; it has \
            \(Limits.alertCommandSeconds) seconds.
            """, valueName: "path"))
    var alertCommand: String?

    @Option(help: ArgumentHelp("The rclone that delivers to everything but folders, 1.60 or later.", valueName: "path"))
    var rclone = "/usr/bin/rclone"

    @Option(help: ArgumentHelp("The GnuPG that files are encrypted by, 2.2 or later.", valueName: "path"))
    var gpg = "/usr/bin/gpg"

    @Option(
        help: ArgumentHelp(
            "How long nothing may go on at a destination before an attempt has failed, in seconds.", valueName: "seconds"))
    var deliveryTimeout = Limits.deliveryStallSeconds

    func validate() throws {
        guard Limits.deliveryStallSecondsAllowed.contains(deliveryTimeout) else {
            throw ValidationError("--delivery-timeout is from 1 to \(Limits.deliveryStallSecondsAllowed.upperBound) seconds")
        }
        guard socket?.isEmpty != true else { throw ValidationError("--socket is empty") }
        guard let mode = UInt32(socketMode, radix: 8), mode <= 0o777, mode & 0o600 == 0o600 else {
            throw ValidationError("--socket-mode is no mode that the daemon itself can use, such as 0660")
        }
        if let alertCommand, !Self.isProgram(alertCommand) {
            throw ValidationError("--alert-command \(alertCommand) is no program that this user may run")
        }
        for argument in sandboxSocket where Self.sandboxSocket(argument) == nil {
            throw ValidationError("--sandbox-socket takes NAME=PATH, such as staging=/run/message-export/staging.sock")
        }
    }

    private static func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
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
        prepareProcess()
        raiseDescriptorLimit()
        let (mode, group) = (UInt32(socketMode, radix: 8) ?? 0o600, try socketGroup.map(Self.group))
        let sockets =
            [(sandbox: String?.none, path: socket ?? folder.defaults.socket)]
            + sandboxSocket.compactMap { Self.sandboxSocket($0).map { (sandbox: $0.sandbox, path: $0.path) } }
        let settings = folder.settings(
            sockets: sockets.map {
                ListeningSocket(path: absolute($0.path).string, mode: mode, group: group, sandbox: $0.sandbox)
            }, alertCommand: alertCommand.map(absolute),
            programs: DeliveryPrograms(
                supervisor: ownProgram, rclone: absolute(rclone), gpg: absolute(gpg), stallSeconds: deliveryTimeout))
        let logger = Logger(label: "msgexportd", factory: { StreamLogHandler.standardError(label: $0) })
        do {
            try await DaemonProcess.run(settings, logger: logger)
        } catch {
            complain("\(error)")
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
}
