import ArgumentParser
import MessageExportClient

extension Suggestion {
    /// The first of the arguments that stands where a command's name should and is none, with the commands there are.
    static func unknownCommand(
        in arguments: [String], of root: any ParsableCommand.Type
    ) -> (name: String, parents: [String], commands: [String])? {
        let found = command(in: arguments, of: root)
        return found.unknown.map { ($0, found.path, found.command.configuration.subcommands.map(name)) }
    }

    /// The first option among the arguments that their command does not have, with those that it has.
    static func unknownOption(
        in arguments: [String], of root: any ParsableCommand.Type
    ) -> (name: String, options: [String])? {
        let help = command(in: arguments, of: root).command.helpMessage().split(separator: "\n")
        let options = help.drop { !$0.hasPrefix("OPTIONS:") }.filter { $0.drop { $0 == " " }.hasPrefix("-") }
            .flatMap { $0.split { !$0.isLetter && !$0.isNumber && $0 != "-" }.map(String.init) }.filter { $0.hasPrefix("--") }
        let given = arguments.prefix { $0 != "--" }.filter { $0.hasPrefix("--") }.map { String($0.prefix { $0 != "=" }) }
        return given.first { !options.contains($0) }.map { ($0, options) }
    }

    /// The command that arguments name, its names from the root's subcommands on, and what stands where a further name should and is none.
    private static func command(
        in arguments: [String], of root: any ParsableCommand.Type
    ) -> (command: any ParsableCommand.Type, path: [String], unknown: String?) {
        var command = root
        var path: [String] = []
        var rest = arguments[...]
        if rest.first == "help" { rest.removeFirst() }
        while !command.configuration.subcommands.isEmpty, let argument = rest.popFirst() {
            if ["--socket", "--sandbox", "--output", "-o", "--generate-completion-script"].contains(argument) {
                _ = rest.popFirst()
                continue
            }
            guard !argument.hasPrefix("-") else { continue }
            guard let next = command.configuration.subcommands.first(where: { name($0) == argument }) else {
                return (command, path, argument == "help" ? nil : argument)
            }
            path.append(argument)
            command = next
        }
        return (command, path, nil)
    }

    private static func name(_ command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? command._commandName
    }
}

/// What commands name in a sandbox.
enum NamedThing: String {
    case configuration
    case destination
    case dataflow
    case sandbox
    case run

    func names(_ client: MessageExportClient) async throws(Status) -> [String] {
        switch self {
        case .configuration: try await client.configurations().map(\.name)
        case .destination: try await client.destinations().map(\.name)
        case .dataflow: try await client.dataflows().map(\.name)
        case .sandbox: try await client.sandboxes().map(\.name)
        case .run: try await client.runs(limit: Limits.runsListedDefault).map(\.id)
        }
    }
}

extension Connection {
    /// Connects for one command.
    func withClient<Value: Sendable>(_ body: (MessageExportClient) async throws -> Value) async throws -> Value {
        // Who runs a command sees what failed, and tries again.
        try await MessageExportClient.withClient(socket: resolvedSocket, sandbox: resolvedSandbox, retryTime: .zero, body)
    }

    /// Connects for one command that names a thing: where it is not found, the error says which one may be meant.
    ///
    /// - Parameters:
    ///   - field: of the request that names it; nil: whatever is not found is this.
    ///   - destination: of a command that names one, too.
    func withClient<Value: Sendable>(
        naming thing: NamedThing, _ name: String, in field: String? = nil, or destination: String? = nil,
        _ body: (MessageExportClient) async throws -> Value
    ) async throws -> Value {
        try await withClient { client in
            do {
                return try await body(client)
            } catch let status as Status where status.code == .notFound {
                if let destination, status.field == "destination" {
                    throw await status.suggesting(.destination, for: destination, client)
                }
                guard field == nil || status.field == field else { throw status }
                throw await status.suggesting(thing, for: name, client)
            }
        }
    }
}

extension Status {
    /// The same with the nearest name there is, and where to look.
    func suggesting(_ thing: NamedThing, for name: String, _ client: MessageExportClient) async -> Status {
        var better = self
        let names = (try? await thing.names(client)) ?? []
        let nearest = Suggestion.nearest(to: name, among: names).map { "did you mean \($0)? " } ?? ""
        better.hint = "\(nearest)'msgexport \(thing) list' shows what there is"
        return better
    }
}
