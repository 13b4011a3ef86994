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
        let time = SystemTime()
        let locks = try claim(settings, files: files)
        defer { withExtendedLifetime(locks) {} }

        let hasData = try unlessDiskFails { () throws(DiskError) in
            for path in [settings.catalog, settings.data.appending("keys"), settings.data.appending("datasets")]
            where try files.exists(path) { return true }
            return false
        }
        let master = try MasterKeyFile.load(settings.masterKey, dataFolder: settings.data, hasData: hasData, logger: logger)
        let catalog = try await openCatalog(settings, master: master, files: files, time: time)
        let healthChanges = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let stores = try await openDatasets(
            settings, catalog: catalog, master: master, files: files, time: time, logger: logger
        ) { healthChanges.continuation.yield() }
        let directory = try await SandboxDirectory(catalog: catalog, stores: stores)
        let exports = ExportService(catalog: catalog, files: files, time: time, logger: logger)
        for entry in directory.snapshot.entries.values { try await exports.settleInterruptedRuns(of: entry) }
        let management = ManagementService()
        let handlers = ManagementHandlers(
            catalog: catalog, directory: directory, exports: exports, files: files, reads: DiskQueue("reads"),
            dataFolder: settings.data, startedAt: time.now)
        let health = HealthService(directory: directory, catalog: catalog, changes: healthChanges)
        let ingester = Ingester(directory: directory, time: time)
        let rpc = RPCService(
            path: settings.socket.string, methods: methods(ingester, health, handlers, management), logger: logger)
        // Stopped in reverse: who watches health learns of it first; exports end, so that those who wait for one are answered; then the
        // socket goes.
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: management), .init(service: rpc), .init(service: exports), .init(service: health),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await group.run()) } catch { outcome = .failure(error) }
        for (_, store) in stores { await store.close() }
        try catalog.close()
        try outcome.get()
    }

    private static func methods(
        _ ingester: Ingester, _ health: HealthService, _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [Method] {
        let chunkMemory = Allowance(limit: Limits.chunkedBytes, share: Limits.chunkedBytesPerConnection)
        let chunkQueue = DiskQueue("chunked")
        let handlers: [MethodName: MethodHandler] = [
            .ingest: .single(IngestHandler(ingester: ingester).serve),
            .ingestStream: .stream { IngestStreamHandler($0, ingester) },
            .ingestChunks: .stream { IngestChunksHandler($0, ingester, chunkMemory, chunkQueue) },
            .reflect: .stream { ReflectionHandler($0) },
            .watchHealth: .single(health.watch),
            .checkHealth: management.handler(health.check),
            .readRecords: management.streamingHandler(handlers.readRecords),
            .previewRecords: management.streamingHandler(handlers.previewRecords),
            .createConfiguration: management.handler(handlers.createConfiguration),
            .editConfiguration: management.handler(handlers.editConfiguration),
            .submitConfiguration: management.handler(handlers.submitConfiguration),
            .deactivateConfiguration: management.handler(handlers.deactivateConfiguration),
            .activateConfiguration: management.handler(handlers.activateConfiguration),
            .duplicateConfiguration: management.handler(handlers.duplicateConfiguration),
            .getConfiguration: management.handler(handlers.getConfiguration),
            .listConfigurations: management.handler(handlers.listConfigurations),
            .getRecords: management.handler(handlers.getRecords),
            .getDataset: management.handler(handlers.getDataset),
            .createDestination: management.handler(handlers.createDestination),
            .getDestination: management.handler(handlers.getDestination),
            .listDestinations: management.handler(handlers.listDestinations),
            .editDestination: management.handler(handlers.editDestination),
            .deleteDestination: management.handler(handlers.deleteDestination),
            .createDataflow: management.handler(handlers.createDataflow),
            .getDataflow: management.handler(handlers.getDataflow),
            .listDataflows: management.handler(handlers.listDataflows),
            .deleteDataflow: management.handler(handlers.deleteDataflow),
            .startRun: management.handler(handlers.startRun),
            .waitRun: management.waitingHandler(handlers.waitRun),
            .getRun: management.handler(handlers.getRun),
            .listRuns: management.handler(handlers.listRuns),
            .getStatus: management.handler(handlers.getStatus),
        ]
        return ServiceDescriptors.builtIn.methods.values.map { method in
            guard let handler = handlers[method.name] else { preconditionFailure("\(method.name) has no handler") }
            return Method(method, handler)
        }
    }

    /// Makes sure that no other daemon uses the data folder or the socket for as long as the result lives.
    private static func claim(_ settings: DaemonSettings, files: any Files) throws(Status) -> [FileLock] {
        try UnixSocket.check(settings.socket.string)
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
        return try [
            (settings.lock, "the data folder \(settings.data) is in use by another daemon"),
            (settings.socketLock, "the socket \(settings.socket) is served by another daemon"),
        ].map { (path, message) throws(Status) in
            guard let lock = try unlessDiskFails({ () throws(DiskError) in try FileLock.claim(path) }) else {
                throw Status(.failedPrecondition, message, hint: "stop that one first, or choose another place")
            }
            return lock
        }
    }

    /// A data folder is the daemon's own: empty at first, never a place where somebody else keeps something.
    private static func checkIsOurs(_ settings: DaemonSettings, files: any Files) throws(Status) {
        let foreign = try unlessDiskFails { () throws(DiskError) -> String? in
            guard try files.exists(settings.data), try !files.exists(settings.catalog) else { return nil }
            let ours = [settings.lock, settings.catalog, settings.socket, settings.socketLock].compactMap {
                $0.lastComponent?.string
            }
            return try files.list(settings.data).first { !(ours + ["lost+found", "keys", "datasets"]).contains($0) }
        }
        guard let foreign else { return }
        throw Status(
            .failedPrecondition, "\(settings.data) is no data folder of this program: it holds \(foreign) and no catalog",
            hint: "name an empty folder with --data")
    }

    private static func openCatalog(
        _ settings: DaemonSettings, master: MasterKey, files: any Files, time: any TimeSource
    ) async throws(Status) -> CatalogStore {
        do {
            let catalog = try CatalogStore(path: settings.catalog, time: time)
            if let known = try await catalog.organization().masterKeyID {
                guard known == master.id else {
                    throw Status(
                        .failedPrecondition, "\(settings.masterKey) is not the master key that \(settings.data) was made under",
                        hint: "name the right key file with --master-key")
                }
            } else {
                try await catalog.setMasterKeyID(master.id)
            }
            try files.syncFolder(settings.data)
            return catalog
        } catch let error as CatalogError {
            throw Status(error)
        } catch let error as Status {
            throw error
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }

    private static func openDatasets(
        _ settings: DaemonSettings, catalog: CatalogStore, master: MasterKey, files: any Files, time: any TimeSource,
        logger: Logger, healthChanged: @escaping @Sendable () -> Void
    ) async throws(Status) -> [(sandbox: Sandbox, store: RecordStore)] {
        do {
            var stores: [(sandbox: Sandbox, store: RecordStore)] = []
            for sandbox in try await catalog.sandboxes() {
                let floor = try await catalog.highestSequence(sandboxID: sandbox.id)
                let store = try RecordStore(
                    settings: .init(
                        sandbox: sandbox.id, epoch: sandbox.epoch,
                        folders: DatasetFolders(
                            keys: settings.folder("keys", sandboxID: sandbox.id, epoch: sandbox.epoch),
                            data: settings.folder("datasets", sandboxID: sandbox.id, epoch: sandbox.epoch)),
                        retention: sandbox.retention, sequenceFloor: floor),
                    master: master, files: files, time: time,
                    reportFailure: { failure in
                        logger.error("a batch was not written", metadata: ["sandbox": "\(sandbox.name)", "error": "\(failure)"])
                    }, healthChanged: healthChanged)
                for report in store.recoveryReports {
                    logger.warning("recovery", metadata: ["sandbox": "\(sandbox.name)", "found": "\(report)"])
                }
                stores.append((sandbox, store))
            }
            return stores
        } catch let error as CatalogError {
            throw Status(error)
        } catch let error as DatasetError {
            throw Status(error)
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }

    private static func unlessDiskFails<Value>(_ body: () throws(DiskError) -> Value) throws(Status) -> Value {
        do { return try body() } catch { throw Status(error) }
    }
}

/// The wall clock.
struct SystemTime: TimeSource {
    var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
