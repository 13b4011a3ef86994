import ArgumentParser
import MessageExportClient

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows how the daemon and a sandbox of it are doing.",
        discussion: """
            EXAMPLES
              msgexport status
              msgexport status -o json
            """)

    @OptionGroup var connection: Connection

    func run() async throws {
        let status = try await connection.withClient { try await $0.status() }
        Terminal.show(
            [
                Field("Version", "version", .text(status.version)),
                Field("Organization", "organization", .text(status.organization)),
                Field("Message export", "messageExport", .flag(status.messageExport)),
                Field("Started", "startedAt", .text(status.startedAt.description)),
                Field("Sandbox", "sandbox", .text(status.sandbox)),
                Field("Configurations", "configurations", .number(UInt64(status.configurations))),
                Field("  exporting", "configurationsExporting", .number(UInt64(status.configurationsExporting))),
                Field("Destinations", "destinations", .number(UInt64(status.destinations))),
                Field("Dataflows", "dataflows", .number(UInt64(status.dataflows))),
                Field("Records", "records", .number(status.records)),
                Field("Last sequence", "lastSequence", .number(status.lastSequence)),
                Field("Segments", "segments", .number(UInt64(status.segments))),
                Field("Bytes on disk", "storedBytes", .number(status.storedBytes)),
                Field("Recovery found", "recoveryReports", .list(status.recoveryReports)),
            ], as: connection.output)
    }
}

extension Connection {
    /// Connects for one command.
    func withClient<Value: Sendable>(_ body: (MessageExportClient) async throws -> Value) async throws -> Value {
        try await MessageExportClient.withClient(socket: resolvedSocket, sandbox: resolvedSandbox, body)
    }
}
