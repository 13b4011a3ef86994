import Audit
import Catalog
import Dataset
import Disk
import Logging
import Messages
import Metrics
import Model
import RPC
import ServiceLifecycle

/// A daemon's parts, put together.
struct Assembly {
    let catalog: CatalogStore
    let sandboxes: Sandboxes
    let audit: AuditService
    /// What runs, in the order in which it is started. Stopped in reverse: who watches health learns of it first; exports end, so that those
    /// who wait for one are answered; then the sockets go; what was refused is recorded last.
    let services: [any Service]

    /// Opens the catalog and every dataset.
    ///
    /// - Precondition: nobody else uses the data folder.
    init(_ settings: DaemonSettings, _ surroundings: Surroundings, files: any Files, logger: Logger) async throws {
        let time = try TrustedTime(settings.trustedTime)
        let meters = Meters()
        let master = try DaemonProcess.loadMasterKey(settings, files: files, logger: logger)
        let (catalog, signingKey) = try await DaemonProcess.openCatalog(settings, master: master, files: files, time: time)
        let healthChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let datasets = Datasets(
            settings: settings, master: master, files: files, time: time, logger: logger, meters: meters,
            healthChanged: { healthChanges.continuation.yield() })
        let directory = SandboxDirectory(catalog: catalog, meters: meters)
        let sandboxes = Sandboxes(catalog: catalog, directory: directory, datasets: datasets)
        try await sandboxes.bringUpAll(logger)
        let current = CurrentSettings(settings.reloadable)
        let alerts = AlertService(catalog: catalog, current: current, logger: logger)
        let ledger = ExpiryLedger(catalog: catalog, alerts: alerts, time: time)
        let storages = try Storages(settings, current, catalog: catalog, master: master, files: files)
        let exports = ExportService(
            catalog: catalog, directory: directory, storages: storages, time: time, alerts: alerts, ledger: ledger,
            meters: meters,
            logger: logger)
        let refusals = Refusals(counter: meters.refusals)
        let gate = AccessGate(directory: directory, refusals: refusals)
        let audit = AuditService(
            catalog: catalog, refusals: refusals, reserve: ReservedSpace(settings.auditReserve, bytes: Limits.auditReservedBytes),
            failures: meters.auditFailures, logger: logger)
        let spoolKeys = try SpoolKeys(settings.spoolKeys, master: master, time: time) {
            meters.damage.add()
            logger.error("damage", metadata: ["found": "the spool key \($0) is damaged"])
        }
        let spool = SpoolGate(keys: spoolKeys, gate: gate, time: time)
        let flags = FlagService(gate: gate)
        let management = ManagementService(gate)
        let health = HealthService(directory: directory, catalog: catalog, time: time, changes: healthChanges)
        let report = MetricsReport(
            meters: meters, directory: directory, catalog: catalog, health: health, time: time, lines: surroundings.lines,
            current: current, data: settings.data, startedAt: time.now)
        let handlers = ManagementHandlers(
            catalog: catalog, directory: directory, gate: gate, sandboxes: sandboxes, audit: audit, flags: flags,
            exports: exports, storages: storages, time: time, metrics: report, reads: DiskQueue("reads"), signingKey: signingKey,
            startedAt: time.now, data: settings.data)
        let ingester = Ingester(gate: gate, time: time, meters: meters)
        let methods = DaemonProcess.methods(ingester, spool, flags, health, handlers, management)
        self.catalog = catalog
        self.sandboxes = sandboxes
        self.audit = audit
        services = [
            TimeService(time: time, catalog: catalog, logger: logger), audit, storages, alerts, management,
            RPCService(
                sockets: settings.sockets, methods: methods, environment: surroundings.environment, meters: meters,
                logger: logger),
            MetricsService(places: settings.metrics, report: report, logger: logger), exports,
            BacklogService(
                catalog: catalog, directory: directory, alerts: alerts, time: time, meters: meters, logger: logger),
            ExpiryService(
                directory: directory, ledger: ledger, destroyOldSpoolKeys: spoolKeys.destroyOld,
                isDoubtful: { time.reading.doubt != nil }, logger: logger),
            UpkeepService(directory: directory, sandboxes: sandboxes, logger: logger), flags, health,
            ReloadService(current: current, surroundings: surroundings, audit: audit, logger: logger),
            WatchdogService(health: health, environment: surroundings.environment),
        ]
    }
}
