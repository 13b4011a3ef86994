import ArgumentParser
import Disk
import Foundation
import Glibc
import Model
import Synchronization

@main
struct MsgExport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "msgexport",
        abstract: "Manages message export: which email and SMS are kept, and where they are exported.",
        discussion: """
            Talks to the daemon, msgexportd, over its socket. Every command takes --socket, --sandbox and --output; the environment \
            variables MESSAGE_EXPORT_SOCKET and MESSAGE_EXPORT_SANDBOX stand in for the first two. NO_COLOR keeps terminals plain.

            EXAMPLE: from a configuration to exported files
              msgexport access grant operator sender auditor --user "$USER"
              msgexport configuration create news --channel email \\
                --message-export on --submit
              msgexport ingest email --configuration news ~/sent-mail/
              msgexport organization approve local-root /srv
              msgexport destination create archive --type local --path /srv/archive
              msgexport dataflow create daily --destination archive --format json
              msgexport dataflow run daily --wait

            COMPLETION of commands, options, and the names that the daemon has
              msgexport --generate-completion-script bash \
                >/usr/share/bash-completion/completions/msgexport
              msgexport --generate-completion-script zsh \
                >/usr/local/share/zsh/site-functions/_msgexport
              msgexport --generate-completion-script fish \
                >/usr/share/fish/vendor_completions.d/msgexport.fish

            EXIT CODES
            \(ExitStatus.table)
            """,
        version: productVersion,
        subcommands: [
            StatusCommand.self, HealthCommand.self, ConfigurationCommand.self, IngestCommand.self, SpoolCommand.self,
            DatasetCommand.self,
            DestinationCommand.self, DataflowCommand.self, RunCommand.self, ManifestCommand.self, SandboxCommand.self,
            AccessCommand.self,
            AuditCommand.self, OrganizationCommand.self, TimeCommand.self, MetricsCommand.self, CallCommand.self,
        ])

    // Given before the command's name, they are the command's all the same.
    @OptionGroup var connection: Connection

    static func main() async {
        // Writing to a pipe that was closed fails like any write, instead of ending the program without a word.
        signal(SIGPIPE, SIG_IGN)
        StandardStreams.occupyClosed()
        // Whose usage an error shows.
        var type: any ParsableCommand.Type = MsgExport.self
        do {
            try checkArguments()
            try checkCommand()
            var command = try await asyncParseAsRoot()
            type = Swift.type(of: command)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            if Terminal.outputFailed.load(ordering: .relaxed) { Glibc.exit(ExitStatus.other) }
        } catch {
            let code = report(error, of: type)
            Glibc.exit(IngestEmailCommand.isForMailServer && code != 0 ? ExitStatus.mailServerCode(for: error) : code)
        }
    }

    /// Swift reads arguments as UTF-8 and replaces what is none: better to refuse them than to store something else.
    private static func checkArguments() throws {
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index], String(validatingCString: argument) == nil else { continue }
            throw ValidationError("argument \(index) is not valid UTF-8; a file of such a name is ingested with its folder")
        }
    }

    /// A word where a command's name should stand is refused with what may be meant.
    private static func checkCommand() throws {
        guard let unknown = Suggestion.unknownCommand(in: Array(CommandLine.arguments.dropFirst()), of: MsgExport.self) else {
            return
        }
        let nearest = Suggestion.nearest(to: unknown.name, among: unknown.commands).map { " Did you mean '\($0)'?" } ?? ""
        let path = (["msgexport"] + unknown.parents).joined(separator: " ")
        throw ValidationError(
            "'\(path)' has no command '\(unknown.name)'.\(nearest) It has \(unknown.commands.joined(separator: ", ")).")
    }

    /// What to say where something is missing that may be there under another name; nil: it is not.
    private static func unknownOption(insteadOf text: String) -> String? {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard let unknown = Suggestion.unknownOption(in: arguments, of: MsgExport.self) else { return nil }
        let nearest = Suggestion.nearest(to: unknown.name, among: unknown.options).map { " Did you mean '\($0)'?" } ?? ""
        let usage = text.split(separator: "\n").drop { !$0.hasPrefix("Usage:") }
        return (["Error: Unknown option '\(unknown.name)'.\(nearest)"] + usage).joined(separator: "\n")
    }

    /// What to type for a command, from the program's name on.
    private static func path(of type: any ParsableCommand.Type, below parent: any ParsableCommand.Type = MsgExport.self)
        -> String?
    {
        let name = parent.configuration.commandName ?? parent._commandName
        if type == parent { return name }
        return parent.configuration.subcommands.lazy.compactMap { path(of: type, below: $0) }.first.map { "\(name) \($0)" }
    }

    /// Tells what went wrong and returns the exit code for it.
    /// - Parameter type: the command it went wrong in.
    private static func report(_ error: any Error, of type: any ParsableCommand.Type) -> Int32 {
        if let status = error as? Status {
            guard status != Terminal.unread else { return 0 }
            Terminal.complain(status)
            return ExitStatus.code(for: status.code)
        }
        if let refused = error as? NotTaken { return ExitStatus.code(for: refused.status.code) }
        if let code = error as? ExitCode { return code.rawValue }
        // An error that a command finds when it runs does not know its command.
        var text =
            error is ValidationError && type != MsgExport.self
            ? "Error: \(error)\n  See '\(path(of: type) ?? "msgexport") --help' for more information." : fullMessage(for: error)
        if text.contains("Missing "), let unknown = unknownOption(insteadOf: text) { text = unknown }
        if exitCode(for: error).isSuccess {
            Terminal.print(text)
            return 0
        }
        Terminal.complain("\(text)\n")
        return exitCode(for: error) == .validationFailure ? ExitStatus.usage : ExitStatus.other
    }
}

/// What every command takes.
struct Connection: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's socket. Default: $MESSAGE_EXPORT_SOCKET, else where the daemon of this user or of the system serves.",
            valueName: "path"))
    var socket: String?

    @Option(
        help: ArgumentHelp(
            "Sandbox to work in. Default: $MESSAGE_EXPORT_SANDBOX, else prod or, on a sandbox's own socket, that one.",
            valueName: "name"),
        completion: .names(of: .sandbox))
    var sandbox: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("How to show results: a table for people, or JSON for programs.", valueName: "format"))
    var output: OutputFormat = .table

    var resolvedSocket: String {
        let environment = ProcessInfo.processInfo.environment
        return socket ?? environment["MESSAGE_EXPORT_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
            ?? [
                DefaultPaths(environment: environment, uid: geteuid()).socket,
                DefaultPaths(environment: environment, uid: 0).socket,
            ]
            .first { FileManager.default.fileExists(atPath: $0) }
            ?? DefaultPaths(environment: environment, uid: geteuid()).socket
    }

    var resolvedSandbox: String {
        // Empty: the daemon's default, which is another one on a socket of one sandbox.
        sandbox ?? ProcessInfo.processInfo.environment["MESSAGE_EXPORT_SANDBOX"] ?? ""
    }
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
}

enum OnOff: String, ExpressibleByArgument, CaseIterable {
    case on
    case off
}
