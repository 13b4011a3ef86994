import Logging
import Metrics
import Model
import ServiceLifecycle

/// Serves metrics by HTTP where the settings say: `/metrics`, and `/health` for load balancers and containers.
struct MetricsService: Service {
    let places: [MetricsServer.Place]
    let report: MetricsReport
    let logger: Logger

    func run() async throws {
        let (health, report, logger) = (report.health, report, logger)
        let server = MetricsServer(pages: [
            "/metrics": { .init(await report.text(), contentType: MetricsText.contentType) },
            "/health": {
                let health = await health.health(of: "")
                return .init("\(health.rawValue)\n", isGood: health == .serving)
            },
        ])
        let places = places
        // A stop, and the failure of one of them, end all.
        try await cancelWhenGracefulShutdown {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for place in places {
                    group.addTask {
                        try await server.serve(at: place) { logger.notice("serves metrics", metadata: ["at": "\($0)"]) }
                    }
                }
                // Where there are none it waits for the stop all the same.
                group.addTask { try await Task.sleep(for: .seconds(Int64.max / 2)) }
                do { try await group.next() } catch is CancellationError {}
                group.cancelAll()
            }
        }
    }
}
