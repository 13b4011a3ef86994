import ArgumentParser
import MessageExportClient

/// The name that somebody who misspelt one probably meant.
enum Suggestion {
    /// The nearest of `names`, if any is near: a third of its letters may be wrong.
    static func nearest(to name: String, among names: [String]) -> String? {
        let near = names.map { ($0, distance(Array(name.lowercased()), Array($0.lowercased()))) }
        return near.filter { $0.1 <= max(1, name.count / 3) }.min { $0.1 < $1.1 }?.0
    }

    /// Letters to insert, remove, replace or swap with their neighbour to make one of the other.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, letter) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(rows[i][j] + (letter == other ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }

    /// The first of the arguments that stands where a command's name should and is none, with the commands there are.
    static func unknownCommand(
        in arguments: [String], of root: any ParsableCommand.Type
    ) -> (name: String, parents: [String], commands: [String])? {
        var command = root
        var parents: [String] = []
        var rest = arguments[...]
        if rest.first == "help" { rest.removeFirst() }
        while let argument = rest.popFirst() {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty else { return nil }
            if ["--socket", "--sandbox", "--output", "-o", "--generate-completion-script"].contains(argument) {
                _ = rest.popFirst()
                continue
            }
            guard !argument.hasPrefix("-") else { continue }
            guard let next = subcommands.first(where: { $0.configuration.commandName ?? $0._commandName == argument }) else {
                return argument == "help"
                    ? nil : (argument, parents, subcommands.map { $0.configuration.commandName ?? $0._commandName })
            }
            parents.append(argument)
            command = next
        }
        return nil
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
    /// - Parameter destination: of a command that names one, too.
    func withClient<Value: Sendable>(
        naming thing: NamedThing, _ name: String, or destination: String? = nil,
        _ body: (MessageExportClient) async throws -> Value
    ) async throws -> Value {
        try await withClient { client in
            do {
                return try await body(client)
            } catch let status as Status where status.code == .notFound {
                if let destination, status.field == "destination" {
                    throw await status.suggesting(.destination, for: destination, client)
                }
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
