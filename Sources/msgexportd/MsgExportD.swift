import ArgumentParser
import Daemon
import Foundation
import Glibc
import Logging
import Model
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

    @Option(
        help: ArgumentHelp(
            "File of the master key, outside the data folder. Made at the first start. Without it the data cannot be read.",
            valueName: "file"))
    var masterKey: String?

    func run() async throws {
        // Whatever this process makes is its user's alone.
        umask(0o077)
        signal(SIGPIPE, SIG_IGN)
        let defaults = DefaultPaths(environment: ProcessInfo.processInfo.environment, uid: geteuid(), data: data)
        let settings = DaemonSettings(
            data: absolute(data ?? defaults.data), socket: absolute(socket ?? defaults.socket),
            masterKey: absolute(masterKey ?? defaults.masterKey))
        let logger = Logger(label: "msgexportd", factory: { StreamLogHandler.standardError(label: $0) })
        do {
            try await DaemonProcess.run(settings, logger: logger)
        } catch {
            FileHandle.standardError.write(Data("msgexportd: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    private func absolute(_ path: String) -> FilePath {
        FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized()
    }
}
