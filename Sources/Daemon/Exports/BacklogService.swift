import Catalog
import Dataset
import Disk
import Logging
import Model
import ServiceLifecycle

/// Looks at what waits to be exported, and tells in time of what may expire unexported.
struct BacklogService: Service {
    let catalog: CatalogStore
    let directory: SandboxDirectory
    let alerts: AlertService
    let time: any TimeSource
    let meters: Meters
    let logger: Logger

    func run() async {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await look()
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Limits.backlogSeconds)) }
        }
    }

    /// Raises and ends alerts by how things are now.
    func look() async {
        for entry in directory.snapshot.entries.values {
            do {
                var figures: [BacklogFigure] = []
                let destinations = try await catalog.destinations(sandboxID: entry.sandbox.id)
                for dataflow in try await catalog.dataflows(sandboxID: entry.sandbox.id) {
                    let destination = destinations.first { $0.name == dataflow.settings.destination }
                    if let figure = try await look(dataflow, to: destination, entry) { figures.append(figure) }
                }
                meters.note(figures, of: entry.sandbox.name)
            } catch {
                logger.error(
                    "it is not known what waits to be exported",
                    metadata: ["sandbox": "\(entry.sandbox.name)", "error": "\(error)"])
            }
        }
    }

    /// What waits for a dataflow; nil: it need not have everything.
    private func look(
        _ dataflow: Dataflow, to destination: Destination?, _ entry: SandboxDirectory.Entry
    ) async throws -> BacklogFigure? {
        var figure: BacklogFigure?
        let now = time.now
        func tell(_ kind: Alert.Kind, _ detail: String?) async {
            guard let detail else { return await alerts.clear([kind], of: dataflow.name, in: entry.sandbox) }
            await alerts.raise(Alert(kind: kind, dataflow: dataflow.name, time: now, detail: detail), in: entry.sandbox)
        }
        func isNear(_ end: Instant, days: Int) -> Bool { end.milliseconds - now.milliseconds <= Int64(days) * Day.milliseconds }

        // What is exported once, or when asked for, need not have everything.
        if dataflow.settings.schedule.longestGap != nil, dataflow.mode == .incremental {
            let backlog = try await DiskQueue("backlog").run { () throws(DatasetError) in
                try entry.store.backlog(after: dataflow.cursor)
            }
            let expiry = backlog.isAtRisk(at: now) ? backlog.oldestExpiresAt : nil
            figure = BacklogFigure(records: backlog.records, isAtRisk: expiry != nil)
            await tell(
                .atRisk, expiry.map { "\(backlog.records) records wait to be exported, and the first expire at \($0)" })
        }
        if let end = dataflow.settings.schedule.end {
            let detail = "it ends at \(end): what is stored after its last run is not exported"
            await tell(.endsSoon, isNear(end, days: Limits.endNoticeDays) ? detail : nil)
        }
        if let destination, let end = destination.expiresAt, isNear(end, days: Limits.signInWarningDays) {
            await tell(
                .signInEnds,
                "the signature that \(destination.name) is signed in to with \(end <= now ? "ended" : "ends") at \(end): "
                    + "set a new one, with msgexport destination edit \(destination.name) --secret")
        } else {
            await tell(.signInEnds, nil)
        }
        return figure
    }
}
