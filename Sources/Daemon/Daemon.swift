import Audit
import Catalog
import Dataset
import Disk
import Glibc
package import Logging
import Messages
import Model
import RPC
import ServiceLifecycle
import SystemPackage
import UnixSignals

/// Assembles the daemon and runs it.
package enum DaemonProcess {
    /// Serves until SIGTERM or SIGINT, then stops: accepts no more, answers what is under way, removes its socket.
    ///
    /// - Throws: `Status` when it cannot start, with what to do about it.
    package static func run(_ settings: DaemonSettings, logger: Logger) async throws {
        let files = PosixFiles()
        let locks = try claim(settings, files: files)
        defer { withExtendedLifetime(locks) {} }
        try MasterKeyRotation.requireNone(settings, files: files)
        let time = try TrustedTime(settings.trustedTime)

        let master = try loadMasterKey(settings, files: files, logger: logger)
        let (catalog, signingKey) = try await openCatalog(settings, master: master, files: files, time: time)
        let healthChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let datasets = Datasets(
            settings: settings, master: master, files: files, time: time, logger: logger,
            healthChanged: { healthChanges.continuation.yield() })
        let directory = SandboxDirectory(catalog: catalog)
        let sandboxes = Sandboxes(catalog: catalog, directory: directory, datasets: datasets)
        try await sandboxes.bringUpAll(logger)
        let alerts = AlertService(catalog: catalog, command: settings.alertCommand, logger: logger)
        let ledger = ExpiryLedger(catalog: catalog, alerts: alerts, time: time)
        let storages = try Storages(settings, catalog: catalog, master: master, files: files)
        let exports = ExportService(
            catalog: catalog, directory: directory, storages: storages, time: time, alerts: alerts, ledger: ledger, logger: logger
        )
        let refusals = Refusals()
        let gate = AccessGate(directory: directory, refusals: refusals)
        let audit = AuditService(
            catalog: catalog, refusals: refusals, reserve: ReservedSpace(settings.auditReserve, bytes: Limits.auditReservedBytes),
            logger: logger)
        let spoolKeys = try SpoolKeys(settings.spoolKeys, master: master, time: time) {
            logger.error("damage", metadata: ["found": "the spool key \($0) is damaged"])
        }
        let spool = SpoolGate(keys: spoolKeys, gate: gate, time: time)
        let flags = FlagService(gate: gate)
        let management = ManagementService(gate)
        let handlers = ManagementHandlers(
            catalog: catalog, directory: directory, gate: gate, sandboxes: sandboxes, audit: audit, flags: flags,
            exports: exports, storages: storages, time: time, reads: DiskQueue("reads"), signingKey: signingKey,
            startedAt: time.now, data: settings.data)
        let health = HealthService(directory: directory, catalog: catalog, time: time, changes: healthChanges)
        let ingester = Ingester(gate: gate, time: time)
        let rpc = RPCService(
            sockets: settings.sockets, methods: methods(ingester, spool, flags, health, handlers, management), logger: logger)
        // Stopped in reverse: who watches health learns of it first; exports end, so that those who wait for one are answered; then the
        // sockets go; what was refused is recorded last.
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: TimeService(time: time, catalog: catalog, logger: logger)), .init(service: audit),
                    .init(service: storages), .init(service: alerts), .init(service: management), .init(service: rpc),
                    .init(service: exports),
                    .init(
                        service: BacklogService(
                            catalog: catalog, directory: directory, alerts: alerts, time: time, logger: logger)),
                    .init(
                        service: ExpiryService(
                            directory: directory, ledger: ledger, destroyOldSpoolKeys: spoolKeys.destroyOld,
                            isDoubtful: { time.reading.doubt != nil }, logger: logger)
                    ),
                    .init(service: UpkeepService(directory: directory, sandboxes: sandboxes, logger: logger)),
                    .init(service: flags), .init(service: health),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await record(.daemonStart, in: catalog)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await group.run()) } catch { outcome = .failure(error) }
        await sandboxes.closeAll()
        await audit.flush()
        try await record(.daemonStop, in: catalog)
        try catalog.close()
        try outcome.get()
    }

    private static func loadMasterKey(_ settings: DaemonSettings, files: any Files, logger: Logger) throws(Status) -> MasterKey {
        let hasData = try unlessDiskFails { () throws(DiskError) in
            for path in [settings.catalog, settings.data.appending("keys"), settings.data.appending("datasets")]
            where try files.exists(path) { return true }
            return false
        }
        return try MasterKeyFile.load(settings.masterKey, dataFolder: settings.data, hasData: hasData, logger: logger)
    }

    private static func record(_ action: AuditEvent.Action, in catalog: CatalogStore) async throws(Status) {
        do { try await catalog.record([Deed(user: nil, action: action, detail: productVersion)]) } catch { throw Status(error) }
    }

    private static func methods(
        _ ingester: Ingester, _ spool: SpoolGate, _ flags: FlagService, _ health: HealthService,
        _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [Method] {
        let served = ingestion(ingester, spool, flags, management)
            .merging(openToAll(health, handlers, management)) { first, _ in first }
            .merging(sandboxed(handlers, management)) { first, _ in first }
            .merging(organizational(handlers, management)) { first, _ in first }
        return ServiceDescriptors.builtIn.methods.values.map { method in
            guard let handler = served[method.name] else { preconditionFailure("\(method.name) has no handler") }
            return Method(method, handler)
        }
    }

    /// Who may ingest is decided for each message.
    private static func ingestion(
        _ ingester: Ingester, _ spool: SpoolGate, _ flags: FlagService, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        let chunkMemory = Allowance(limit: Limits.chunkedBytes, share: Limits.chunkedBytesPerConnection)
        let chunkQueue = DiskQueue("chunked")
        return [
            .ingest: .single(IngestHandler(ingester: ingester).serve),
            .watchConfigurations: .single(flags.watch),
            .ingestStream: .stream { IngestStreamHandler($0, ingester) },
            .ingestChunks: .stream { IngestChunksHandler($0, ingester, chunkMemory, chunkQueue) },
            .ingestSealed: .stream { IngestChunksHandler($0, ingester, chunkMemory, chunkQueue, spool: spool) },
            .getSpoolKey: management.sandboxed(.ingest, spool.key),
        ]
    }

    private static func openToAll(
        _ health: HealthService, _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        [
            .reflect: .stream { ReflectionHandler($0) },
            .watchHealth: .single(health.watch),
            .checkHealth: management.open(health.check),
            .listSandboxes: management.open(handlers.listSandboxes),
        ]
    }

    private static func sandboxed(
        _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        [
            .createConfiguration: management.sandboxed(.change, handlers.createConfiguration),
            .editConfiguration: management.sandboxed(.change, handlers.editConfiguration),
            .submitConfiguration: management.sandboxed(.change, handlers.submitConfiguration),
            .deactivateConfiguration: management.sandboxed(.change, handlers.deactivateConfiguration),
            .activateConfiguration: management.sandboxed(.change, handlers.activateConfiguration),
            .duplicateConfiguration: management.sandboxed(.change, handlers.duplicateConfiguration),
            .getConfiguration: management.sandboxed(.view, handlers.getConfiguration),
            .listConfigurations: management.sandboxed(.view, handlers.listConfigurations),
            .readRecords: management.streaming(.read, handlers.readRecords),
            .previewRecords: management.streaming(.read, handlers.previewRecords),
            .getRecords: management.sandboxed(.read, handlers.getRecords),
            .queryRecords: management.streaming(.read, handlers.queryRecords),
            .tailRecords: management.streaming(.read, handlers.tailRecords),
            .verifyDataset: management.streaming(.view, handlers.verifyDataset),
            .getDataset: management.sandboxed(.view, handlers.getDataset),
            .createDestination: management.waiting(.change, handlers.createDestination),
            .getDestination: management.sandboxed(.view, handlers.getDestination),
            .listDestinations: management.sandboxed(.view, handlers.listDestinations),
            .testDestination: management.waiting(.change, handlers.testDestination),
            .editDestination: management.waiting(.change, handlers.editDestination),
            .deleteDestination: management.sandboxed(.change, handlers.deleteDestination),
            .createDataflow: management.sandboxed(.change, handlers.createDataflow),
            .getDataflow: management.sandboxed(.view, handlers.getDataflow),
            .listDataflows: management.sandboxed(.view, handlers.listDataflows),
            .editDataflow: management.sandboxed(.change, handlers.editDataflow),
            .enableDataflow: management.sandboxed(.change, handlers.enableDataflow),
            .disableDataflow: management.sandboxed(.change, handlers.disableDataflow),
            .deleteDataflow: management.sandboxed(.change, handlers.deleteDataflow),
            .startRun: management.sandboxed(.change, handlers.startRun),
            .waitRun: management.waiting(.view, handlers.waitRun),
            .watchRun: management.streaming(.view, handlers.watchRun),
            .retryRun: management.sandboxed(.change, handlers.retryRun),
            .cancelRun: management.waiting(.change, handlers.cancelRun),
            .listAlerts: management.sandboxed(.view, handlers.listAlerts),
            .getRun: management.sandboxed(.view, handlers.getRun),
            .listRuns: management.sandboxed(.view, handlers.listRuns),
            .getSandbox: management.sandboxed(.view, handlers.getSandbox),
            .getStatus: management.sandboxed(.view, handlers.getStatus),
            .listAuditEvents: management.auditStreaming(handlers.listAuditEvents),
            .verifyAudit: management.auditing(handlers.verifyAudit),
        ]
    }

    private static func organizational(
        _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        [
            .createSandbox: management.organizational(.administer, handlers.createSandbox),
            .editSandbox: management.organizational(.administer, handlers.editSandbox),
            .resetSandbox: management.organizational(.administer, handlers.resetSandbox),
            .deleteSandbox: management.organizational(.administer, handlers.deleteSandbox),
            .eraseRecords: management.organizationalWaiting(.administer, handlers.eraseRecords),
            .compactDataset: management.organizationalWaiting(.administer, handlers.compactDataset),
            .createGrant: management.organizational(.administer, handlers.createGrant),
            .deleteGrant: management.organizational(.administer, handlers.deleteGrant),
            .listGrants: management.organizational(.administer, handlers.listGrants),
            .getOrganization: management.organizational(.administer, handlers.getOrganization),
            .editOrganization: management.organizational(.administer, handlers.editOrganization),
            .listApprovals: management.organizational(.administer, handlers.listApprovals),
            .createApproval: management.organizationalWaiting(.administer, handlers.createApproval),
            .deleteApproval: management.organizational(.administer, handlers.deleteApproval),
            .getTime: management.organizational(.administer, handlers.getTime),
            .confirmTime: management.organizational(.administer, handlers.confirmTime),
        ]
    }

    /// Makes sure that no other daemon uses the data folder or the socket for as long as the result lives.
    private static func claim(_ settings: DaemonSettings, files: any Files) throws(Status) -> [FileLock] {
        for socket in settings.sockets { try UnixSocket.check(socket.path) }
        try checkIsOurs(settings, files: files)
        // Where no other place is known the socket is in it.
        try unlessDiskFails { () throws(DiskError) in try files.createFolder(settings.data) }
        let socketFolder = settings.socket.removingLastComponent()
        guard try unlessDiskFails({ () throws(DiskError) in try files.exists(socketFolder.removingLastComponent()) }) else {
            throw Status(
                .failedPrecondition,
                "there is no folder \(socketFolder.removingLastComponent()) for the socket \(settings.socket)",
                hint: "make it first, or name another place with --socket")
        }
        try unlessDiskFails { () throws(DiskError) in try files.createFolder(socketFolder) }
        let sockets = settings.sockets.map { socket in
            (FilePath("\(socket.path).lock"), "the socket \(socket.path) is served by another daemon")
        }
        return try [claimData(settings)]
            + sockets.map { (path, message) throws(Status) in try claim(path, message) }
    }

    /// Makes sure that no daemon uses the data folder for as long as the result lives.
    static func claimData(_ settings: DaemonSettings) throws(Status) -> FileLock {
        try claim(settings.lock, "the data folder \(settings.data) is in use by another daemon")
    }

    private static func claim(_ path: FilePath, _ message: String) throws(Status) -> FileLock {
        guard let lock = try unlessDiskFails({ () throws(DiskError) in try FileLock.claim(path) }) else {
            throw Status(.failedPrecondition, message, hint: "stop that one first, or choose another place")
        }
        return lock
    }

    /// A data folder is the daemon's own: empty at first, never a place where somebody else keeps something.
    private static func checkIsOurs(_ settings: DaemonSettings, files: any Files) throws(Status) {
        let foreign = try unlessDiskFails { () throws(DiskError) -> String? in
            guard try files.exists(settings.data), try !files.exists(settings.catalog) else { return nil }
            let ours = [
                settings.lock, settings.catalog, settings.signingKey, settings.trustedTime, settings.auditReserve,
                settings.socket, settings.socketLock, settings.rotation,
            ].compactMap {
                $0.lastComponent?.string
            }
            return try files.list(settings.data).first {
                !(ours + ["lost+found", "keys", "datasets", "gnupg", "spool-keys"]).contains($0)
            }
        }
        guard let foreign else { return }
        throw Status(
            .failedPrecondition, "\(settings.data) is no data folder of this program: it holds \(foreign) and no catalog",
            hint: "name an empty folder with --data")
    }

    static func openCatalog(
        _ settings: DaemonSettings, master: MasterKey, files: any Files, time: any TimeSource
    ) async throws(Status) -> (CatalogStore, SigningKey) {
        do {
            let known = try SigningKeyFile.read(settings.signingKey, master: master)
            let signingKey = known ?? SigningKey.random()
            let catalog = try CatalogStore(path: settings.catalog, time: time, signingKey: signingKey)
            if let known = try await catalog.masterKeyID() {
                guard known == master.id else {
                    throw Status(
                        .failedPrecondition, "\(settings.masterKey) is not the master key that \(settings.data) was made under",
                        hint: "name the right key file with --master-key")
                }
            } else {
                try await catalog.setMasterKeyID(master.id)
            }
            if known == nil {
                guard try await catalog.signingPublicKey() == nil else {
                    throw Status(
                        .failedPrecondition, "the signing key \(settings.signingKey) is missing", hint: "put it back as it was")
                }
                try SigningKeyFile.create(settings.signingKey, signingKey, master: master)
            }
            try await catalog.requireSigningKey()
            try await catalog.requireAdministrator(uid: geteuid())
            try files.syncFolder(settings.data)
            return (catalog, signingKey)
        } catch let error as CatalogError {
            throw Status(error)
        } catch let error as Status {
            throw error
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }

    private static func unlessDiskFails<Value>(_ body: () throws(DiskError) -> Value) throws(Status) -> Value {
        do { return try body() } catch { throw Status(error) }
    }
}
