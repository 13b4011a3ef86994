import Catalog
import Dataset
import Logging
import Model
import ServiceLifecycle

/// Destroys what has expired, unless the clock is doubted: what is destroyed does not come back.
struct ExpiryService: Service {
    let directory: SandboxDirectory
    let catalog: CatalogStore
    let time: any TimeSource
    /// Whether the clock is doubted.
    let isDoubtful: @Sendable () -> Bool
    let alerts: AlertService
    let logger: Logger

    func run() async {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await expireWhatIsOver()
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Limits.expirySeconds)) }
        }
    }

    /// Destroys what has expired by now.
    func expireWhatIsOver() async {
        for entry in directory.snapshot.entries.values where !isDoubtful() { await expire(entry) }
    }

    private func expire(_ entry: SandboxDirectory.Entry) async {
        let expired = entry.store.expired
        guard !expired.isEmpty else { return }
        let records = expired.reduce(0) { $0 + $1.records }
        let days = Set(expired.map(\.day)).sorted().map(\.description).joined(separator: ", ")
        func deed(_ outcome: AuditEvent.Outcome) -> Deed {
            Deed(
                user: nil, chain: entry.sandbox.id, action: .recordExpire, object: days, outcome: outcome, count: records,
                detail: "\(expired.count) segments")
        }
        do {
            let ranges = expired.compactMap { segment in
                segment.sequences.map { ExpiringRange(sequences: $0) { try segment.records(after: $0) } }
            }
            let unexported = try await catalog.noteDestruction(
                of: deed(.intended), ranges: ranges, highestSequence: entry.store.highestSequence)
            for loss in unexported {
                await alerts.raise(
                    Alert(
                        kind: .expiredUnexported, dataflow: loss.dataflow, time: time.now,
                        detail: "\(loss.records) records of \(days) expired before they were exported"), in: entry.sandbox)
            }
            try await entry.store.destroy(expired)
            try await catalog.record([deed(.done)])
            logger.notice(
                "expired records are destroyed",
                metadata: ["sandbox": "\(entry.sandbox.name)", "records": "\(records)", "days": "\(days)"])
        } catch {
            // Nobody sees them any more; destroying them goes on with the next round.
            logger.error(
                "expired records could not be destroyed",
                metadata: ["sandbox": "\(entry.sandbox.name)", "error": "\(error)"])
        }
    }
}
