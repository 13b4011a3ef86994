import ArgumentParser
import MessageExportClient

struct MetricsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metrics", abstract: "Prints what the daemon counts and measures, as OpenMetrics. For administrators.",
        discussion: """
            The same that its metrics socket serves by HTTP, and metrics.listen for Prometheus.

            EXAMPLES
              msgexport metrics
              msgexport metrics | grep msgexport_ingest_messages
            """)

    @OptionGroup var connection: Connection

    func run() async throws {
        let text = try await connection.withClient { try await $0.metrics() }
        Terminal.write(Array(text.utf8))
    }
}
