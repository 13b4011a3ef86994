import Catalog
import Disk
import Logging
import Metrics
import Model
import ServiceLifecycle

/// Records what is no change of the catalog: at once, or counted, now and then. Keeps space on disk for it, and lets go of what is old.
struct AuditService: Service {
    private let catalog: CatalogStore
    private let refusals: Refusals
    private let reserve: ReservedSpace
    private let failures: Counter
    private let logger: Logger
    private let disk = DiskQueue("audit")

    init(catalog: CatalogStore, refusals: Refusals, reserve: ReservedSpace, failures: Counter = Counter(), logger: Logger) {
        self.failures = failures
        self.catalog = catalog
        self.refusals = refusals
        self.reserve = reserve
        self.logger = logger
    }

    func run() async {
        var rounds = 0
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            await disk.run { [reserve] in _ = reserve.hold() }
            if rounds % (86_400 / Limits.refusalSeconds) == 0 {
                await unlessItFails { () async throws(CatalogError) in try await catalog.dropOldAuditEvents() }
            }
            rounds += 1
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Limits.refusalSeconds)) }
            await flush()
        }
    }

    /// Records deeds; on a full disk from the space that is kept for it. When it returns, they are durable.
    func record(_ deeds: [Deed]) async throws(CatalogError) {
        do throws(CatalogError) {
            try await catalog.record(deeds)
        } catch {
            guard error.code == .full, await disk.run({ [reserve] in reserve.release() }) else {
                failures.add()
                throw error
            }
            logger.error("the disk is full: the audit goes on from the space that was kept for it")
            do throws(CatalogError) { try await catalog.record(deeds) } catch {
                failures.add()
                throw error
            }
        }
    }

    /// Records what was refused since the last time.
    func flush() async {
        let deeds = refusals.take()
        guard !deeds.isEmpty else { return }
        await unlessItFails { () async throws(CatalogError) in try await record(deeds) }
    }

    private func unlessItFails(_ body: () async throws(CatalogError) -> Void) async {
        do { try await body() } catch {
            logger.error("the audit could not be written", metadata: ["error": "\(error)"])
        }
    }
}
