import Dataset
import Logging
import Metrics
import Model
import ServiceLifecycle

/// Destroys what has expired, unless the clock is doubted: what is destroyed does not come back.
struct ExpiryService: Service {
    let directory: SandboxDirectory
    let ledger: ExpiryLedger
    /// Returns how many there were.
    let destroyOldSpoolKeys: @Sendable () async throws(Status) -> Int
    /// Whether the clock is doubted.
    let isDoubtful: @Sendable () -> Bool
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
        guard !isDoubtful() else { return }
        do throws(Status) {
            let count = try await destroyOldSpoolKeys()
            if count > 0 { logger.notice("old spool keys are destroyed", metadata: ["keys": "\(count)"]) }
        } catch {
            logger.error("old spool keys could not be destroyed", metadata: ["error": "\(error)"])
        }
    }

    private func expire(_ entry: SandboxDirectory.Entry) async {
        let expired = entry.store.expired
        guard !expired.isEmpty else { return }
        do {
            try await ledger.note(expired, of: entry)
            try await entry.store.destroy(expired)
            try await ledger.noteDestroyed(expired, of: entry.sandbox)
            entry.meter.expired.add(expired.reduce(0) { $0 + $1.records })
            logger.notice(
                "expired records are destroyed",
                metadata: ["sandbox": "\(entry.sandbox.name)", "records": "\(expired.reduce(0) { $0 + $1.records })"])
        } catch {
            // Nobody sees them any more; destroying them goes on with the next round.
            logger.error(
                "expired records could not be destroyed",
                metadata: ["sandbox": "\(entry.sandbox.name)", "error": "\(error)"])
        }
    }
}
