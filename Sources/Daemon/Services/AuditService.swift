import Catalog
import Logging
import Model
import ServiceLifecycle

/// Records what is counted, now and then, and lets go of what is old.
struct AuditService: Service {
    let catalog: CatalogStore
    let refusals: Refusals
    let logger: Logger

    func run() async {
        var rounds = 0
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            if rounds % 8640 == 0 {
                await unlessItFails { () async throws(CatalogError) in try await catalog.dropOldAuditEvents() }
            }
            rounds += 1
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Limits.refusalSeconds)) }
            await flush()
        }
    }

    /// Records what was refused since the last time.
    func flush() async {
        let deeds = refusals.take()
        guard !deeds.isEmpty else { return }
        await unlessItFails { () async throws(CatalogError) in try await catalog.record(deeds) }
    }

    private func unlessItFails(_ body: () async throws(CatalogError) -> Void) async {
        do { try await body() } catch {
            logger.error("the audit could not be written", metadata: ["error": "\(error)"])
        }
    }
}
