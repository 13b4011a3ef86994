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
                for dataflow in try await catalog.dataflows(sandboxID: entry.sandbox.id) { try await look(dataflow, entry) }
            } catch {
                logger.error(
                    "it is not known what waits to be exported",
                    metadata: ["sandbox": "\(entry.sandbox.name)", "error": "\(error)"])
            }
        }
    }

    private func look(_ dataflow: Dataflow, _ entry: SandboxDirectory.Entry) async throws {
        let now = time.now
        func alert(_ kind: Alert.Kind, _ detail: String) -> Alert {
            Alert(kind: kind, dataflow: dataflow.name, time: now, detail: detail)
        }
        // What is exported once, or when asked for, need not have everything.
        if dataflow.settings.schedule.longestGap != nil, dataflow.mode == .incremental {
            let backlog = try await DiskQueue("backlog").run { () throws(DatasetError) in
                try entry.store.backlog(after: dataflow.cursor)
            }
            if backlog.isAtRisk(at: now), let expiry = backlog.oldestExpiresAt {
                await alerts.raise(
                    alert(.atRisk, "\(backlog.records) records wait to be exported, and the first expire at \(expiry)"),
                    in: entry.sandbox)
            } else {
                await alerts.clear([.atRisk], of: dataflow.name, in: entry.sandbox)
            }
        }
        if let end = dataflow.settings.schedule.end {
            if end.milliseconds - now.milliseconds <= Int64(Limits.endNoticeDays) * Day.milliseconds {
                await alerts.raise(
                    alert(.endsSoon, "it ends at \(end): what is stored after its last run is not exported"), in: entry.sandbox)
            } else {
                await alerts.clear([.endsSoon], of: dataflow.name, in: entry.sandbox)
            }
        }
    }
}
