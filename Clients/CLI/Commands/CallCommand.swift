import ArgumentParser
import Formats
import MessageExportClient
import Messages

struct CallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Calls any method of the daemon with JSON, as the daemon itself describes it.",
        discussion: """
            The daemon's reflection service tells what there is: without a method its services and methods are listed, with a service \
            those of it, with --describe the fields of a method's messages. A request is a JSON object in protobuf's JSON mapping: names in \
            lowerCamelCase, 64-bit numbers as numbers or strings, bytes in base64. A method that takes many messages reads one a line from \
            standard input (-). Each answered message is one line of JSON.

            EXAMPLES
              msgexport call
              msgexport call --describe grpc.health.v1.Health/Check
              msgexport call grpc.health.v1.Health/Check
              msgexport call messageexport.v1.ConfigurationService/GetConfiguration \\
                '{"name":"news"}'
              msgexport call messageexport.v1.IngestionService/IngestStream - <messages
            """)

    @Argument(help: ArgumentHelp("What to call.", valueName: "service/method"))
    var method: String?

    @Argument(help: "The request, or - to read it, or many, from standard input. Default: an empty message.")
    var json: String?

    @Flag(help: "Show the fields of the method's messages instead of calling it.")
    var describe = false

    @OptionGroup var connection: Connection

    func validate() throws {
        guard describe == false || method?.contains("/") == true else {
            throw ValidationError("--describe shows a method: give SERVICE/METHOD")
        }
    }

    func run() async throws {
        try await connection.withClient { client in
            guard let method, method.contains("/") else { return try await list(client, service: method) }
            let parts = method.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let schema = try await schema(client, parts[0])
            guard let description = schema.methods[MethodName(service: parts[0], method: parts[1])] else {
                let names = schema.methods.keys.filter { $0.service == parts[0] }.map(\.method)
                throw Status(
                    .notFound, "\(parts[0]) has no method \(parts[1])",
                    hint: Suggestion.nearest(to: parts[1], among: names).map { "did you mean \($0)?" }
                        ?? "it has \(names.sorted().joined(separator: ", "))")
            }
            if describe { return show(description, of: schema) }
            try await call(client, description, schema)
        }
    }

    private func schema(_ client: MessageExportClient, _ service: String) async throws(Status) -> DynamicSchema {
        do throws(Status) {
            return try await client.schema(containing: service)
        } catch {
            guard error.code == .notFound else { throw error }
            let services = (try? await client.services()) ?? []
            throw Status(
                .notFound, "the daemon has no service \(service)",
                hint: Suggestion.nearest(to: service, among: services).map { "did you mean \($0)?" }
                    ?? "'msgexport call' lists what there is")
        }
    }

    // MARK: Calling

    private func call(
        _ client: MessageExportClient, _ method: MethodDescription, _ schema: DynamicSchema
    ) async throws {
        guard let input = schema.types[method.input], let output = schema.types[method.output] else {
            throw Status(.internal, "the daemon does not describe the messages of \(method.name)")
        }
        var requests: [[UInt8]] = []
        for (index, text) in try texts().enumerated() {
            do throws(Status) {
                requests.append(try DynamicMessage(JSONValue(text: text), input).packed)
            } catch {
                throw error.at(line: json == "-" ? index + 1 : nil)
            }
        }
        guard method.clientStreams || requests.count <= 1 else {
            throw Status(.invalidArgument, "\(method.name) takes one message, and \(requests.count) are given")
        }
        try await client.call(method, requests) { (message) throws(Status) in
            var json = JSONWriter()
            try DynamicMessage(packed: message, output).write(to: &json)
            Terminal.print(json)
        }
        // Types and messages are read until here.
        withExtendedLifetime(schema) {}
    }

    private func texts() throws(Status) -> [[UInt8]] {
        guard let json else { return [] }
        guard json == "-" else { return [Array(json.utf8)] }
        var reader = LineReader(try InputFile.standardInput.open())
        var lines: [[UInt8]] = []
        while let line = try reader.next() {
            if line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\r") }) { lines.append(line) }
        }
        return lines
    }

    // MARK: Showing what there is

    private func list(_ client: MessageExportClient, service: String?) async throws {
        var rows: [[Field]] = []
        for name in try await client.services() where service == nil || service == name {
            let methods = try await client.schema(containing: name).methods.values.filter { $0.name.service == name }
            rows += methods.sorted { $0.name.method < $1.name.method }.map(\.fields)
        }
        if rows.isEmpty, let service { _ = try await schema(client, service) }
        Terminal.show(rows, columns: ["Method", "Request", "Answer"], as: connection.output)
    }

    private func show(_ method: MethodDescription, of schema: DynamicSchema) {
        var types: [DynamicType] = []
        func collect(_ name: String) {
            guard let type = schema.types[name], !types.contains(where: { $0.name == name }) else { return }
            types.append(type)
            for case .message(let inner) in type.fields.map(\.kind) { collect(inner.name) }
        }
        collect(method.input)
        collect(method.output)
        Terminal.show(
            types.filter { !$0.isMapEntry }.flatMap { type in
                type.fields.map { field in
                    [
                        Field("Message", "message", .text(type.name)), Field("Field", "field", .text(field.jsonName)),
                        Field("Type", "type", .text(field.typeName)),
                    ]
                }
            }, columns: ["Message", "Field", "Type"], as: connection.output)
    }
}

extension Status {
    fileprivate func at(line: Int?) -> Status {
        guard let line else { return self }
        var placed = self
        placed.message = "line \(line): \(message)"
        return placed
    }
}

extension MethodDescription {
    fileprivate var fields: [Field] {
        [
            Field("Method", "method", .text("\(name)")),
            Field("Request", "request", .text((clientStreams ? "stream " : "") + input)),
            Field("Answer", "answer", .text((serverStreams ? "stream " : "") + output)),
        ]
    }
}

extension DynamicField {
    fileprivate var typeName: String {
        let name =
            switch kind {
            case .int32: "int32"
            case .int64: "int64"
            case .uint32: "uint32"
            case .uint64: "uint64"
            case .bool: "bool"
            case .float: "float"
            case .double: "double"
            case .text: "string"
            case .bytes: "bytes"
            case .enumeration(let values): values.map(\.name).joined(separator: " | ")
            case .message(let type): type.isMapEntry ? "map" : type.name
            }
        return isRepeated && name != "map" ? "list of \(name)" : name
    }
}
