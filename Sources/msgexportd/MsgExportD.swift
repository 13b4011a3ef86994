import ArgumentParser
import CProcess
import Daemon
import Destinations
import Disk
import Foundation
import Glibc
import Model
import RPC
import SystemPackage

@main
struct MsgExportD: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "msgexportd",
        abstract: "Keeps the rendered email and SMS that local services send, and exports them.",
        discussion: """
            Without a subcommand it serves. Without options, root's daemon keeps its data in /var/lib/message-export and serves \
            /run/message-export/msgexportd.sock; anybody else's is under $XDG_STATE_HOME and $XDG_RUNTIME_DIR.

            EXAMPLES
              msgexportd --data /srv/message-export --socket /run/message-export/msgexportd.sock
              msgexportd config example
              msgexportd check --data /srv/message-export
              msgexportd backup --data /srv/message-export --to /srv/backups/today
              msgexportd rotate-master-key --data /srv/message-export --new-master-key /etc/message-export/new.key
            """,
        version: productVersion,
        subcommands: [
            Serve.self, ConfigCommand.self, Check.self, RotateMasterKey.self, BackupCommand.self, RestoreCommand.self,
        ],
        defaultSubcommand: Serve.self)

    static func main() async {
        // What the daemon runs its programs under; nothing for people.
        if CommandLine.argc > 2, CommandLine.arguments[1] == "supervise" {
            Supervisor.run(Array(CommandLine.arguments.dropFirst(2)), environment: ProcessInfo.processInfo.environment)
        }
        StandardStreams.occupyClosed()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = exitCode(for: error)
            guard code == .validationFailure else { exit(withError: error) }
            // Like the client: 2 for a wrong command line.
            try? FileHandle.standardError.write(contentsOf: Data("\(fullMessage(for: error))\n".utf8))
            Glibc.exit(2)
        }
    }
}

/// A path as it is from the root.
func absolute(_ path: String) -> FilePath {
    FilePath(FileManager.default.currentDirectoryPath).pushing(FilePath(path)).lexicallyNormalized()
}

/// The path of the program that this process runs.
var ownProgram: FilePath {
    FilePath(
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments.first
            ?? "msgexportd")
}

/// Prepares this process: whatever it makes is its user's alone, and its memory, with the keys in it, is written to no file.
func prepareProcess() {
    umask(0o077)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    forbid_dumps()
    signal(SIGPIPE, SIG_IGN)
}

/// Tells of a failure on standard error, where nobody may be listening; the exit code tells all the same.
func complain(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data("msgexportd: \(text)\n".utf8))
}
