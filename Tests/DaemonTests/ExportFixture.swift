import Audit
import Catalog
import Crypto
import Dataset
import Disk
import Formats
import Logging
import Messages
import Model
import RPC
import Synchronization
import SystemPackage
import TestSupport

@testable import Daemon

/// What of a daemon exports, on a manual clock and without its sockets: the catalog is a real one, the dataset and the destinations are in
/// memory. Everything but the catalog's file outlives a restart; so does what is at the destinations.
final class ExportFixture {
    let time: ManualTime
    let disk = SimulatedFiles()
    let files: OutageFiles
    private let folder: FilePath
    private let master = MasterKey.random().key
    private let signingKey = SigningKey.random()
    private let retention: Retention
    private let zone: Zone
    private(set) var running: Running?
    private let doubt = Doubt()

    private final class Doubt: Sendable {
        let isThere = Mutex(false)
    }

    /// Whether the clock is doubted from now on.
    func doubtClock(_ isDoubtful: Bool) { doubt.isThere.withLock { $0 = isDoubtful } }

    /// What runs between a start and a stop.
    struct Running {
        let catalog: CatalogStore
        let entry: SandboxDirectory.Entry
        let sandboxes: Sandboxes
        let exports: ExportService
        let alerts: AlertService
        let backlog: BacklogService
        let expiry: ExpiryService
    }

    init(_ folder: FilePath, time: ManualTime = ManualTime(), zone: Zone = .utc, retention: Retention = Retention(days: 3)) {
        files = OutageFiles(disk)
        self.folder = folder
        self.time = time
        self.zone = zone
        self.retention = retention
    }

    /// Starts it, as a daemon does.
    func start() async throws -> Running {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let catalog = try CatalogStore(path: folder.appending("catalog.sqlite"), time: time, signingKey: signingKey)
        let settings = DaemonSettings(
            data: "/data", sockets: [ListeningSocket(path: "/none")], masterKey: "/none",
            programs: DeliveryPrograms(supervisor: "/none"),
            reloadable: ReloadableSettings(
                alertCommand: nil, stallSeconds: Limits.deliveryStallSeconds, logLevel: .info, metricsNameSandboxes: false))
        let current = CurrentSettings(settings.reloadable)
        let datasets = Datasets(
            settings: settings, master: master, files: files, time: time, logger: logger, healthChanged: {})
        let directory = SandboxDirectory(catalog: catalog)
        let sandboxes = Sandboxes(catalog: catalog, directory: directory, datasets: datasets)
        let name = try SandboxName("journeys")
        if try await !catalog.sandboxes().contains(where: { $0.name == name.value }) {
            _ = try await catalog.createSandbox(
                by: nil, name: name, title: "", kind: .production, zone: zone, retention: retention)
        }
        try await sandboxes.bringUpAll(logger)
        guard let entry = directory.snapshot.entries[name.value] else { throw Status(.internal, "the sandbox is not up") }
        let alerts = AlertService(catalog: catalog, current: current, logger: logger)
        let ledger = ExpiryLedger(catalog: catalog, alerts: alerts, time: time)
        _ = try await catalog.createApproval(by: nil, .localRoot, "/out")
        let running = Running(
            catalog: catalog, entry: entry, sandboxes: sandboxes,
            exports: ExportService(
                catalog: catalog, directory: directory,
                storages: try Storages(settings, current, catalog: catalog, master: master, files: files), time: time,
                alerts: alerts,
                ledger: ledger, logger: logger),
            alerts: alerts,
            backlog: BacklogService(
                catalog: catalog, directory: directory, alerts: alerts, time: time, meters: Meters(), logger: logger),
            expiry: ExpiryService(
                directory: directory, ledger: ledger, destroyOldSpoolKeys: { () throws(Status) in 0 },
                isDoubtful: { [doubt] in doubt.isThere.withLock { $0 } }, logger: logger))
        self.running = running
        return running
    }

    /// Stops it, as a daemon that is told to.
    func stop() async throws {
        guard let running else { return }
        self.running = nil
        await running.sandboxes.closeAll()
        try running.catalog.close()
    }
}

extension ExportFixture.Running {
    var sandboxID: String { entry.sandbox.id }

    /// Makes a destination in a folder of that name below `/out`, and a dataflow to it of the same name.
    func createDataflow(
        _ name: String, _ schedule: Schedule, format: Format = .json, mode: ExportMode = .incremental,
        fileSizeLimit: UInt64 = Limits.fileSizeDefault, files: any Files
    ) async throws {
        try files.createFolder(FilePath("/out/\(name)"))
        _ = try await catalog.createDestination(
            by: 1, sandboxID: sandboxID, name: ResourceName(name),
            DestinationDraft(settings: .local(path: "/out/\(name)")))
        _ = try await catalog.createDataflow(
            by: 1, sandboxID: sandboxID, name: ResourceName(name), format: format, mode: mode,
            settings: DataflowSettings(
                destination: name, compression: .none, schedule: schedule, folder: FolderTemplate("%DATETIME%"),
                fileSizeLimit: fileSizeLimit))
    }

    func dataflow(_ name: String) async throws -> Dataflow {
        try await catalog.dataflow(sandboxID: sandboxID, name: ResourceName(name))
    }

    /// Stores a message, and returns its sequence and when it expires.
    func ingest(_ id: String, text: String = "text") async throws -> (sequence: UInt64, expiresAt: Instant) {
        let message = Message(
            id: try MessageID(id), configuration: "sms",
            content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: text)))
        let stored = StoredMessage(
            message: message.packed, configurationID: "c", configurationVersion: 1, sentAt: Instant(milliseconds: 0))
        let submission = Submission(submitter: 1, id: message.id, bytes: message.packed.count) {
            Submission.Body(
                contentSHA256: Array(SHA256.hash(data: message.packed)), group: Term(.configuration, "c"), payload: stored.pieces)
        }
        let appended = await withCheckedContinuation { continuation in
            entry.store.append([RecordStore.Entry(submission) { continuation.resume(returning: $0) }])
        }
        guard case .stored(_, let expiresAt) = try appended.get() else { throw Status(.internal, "\(id) was not stored") }
        return (entry.store.totals.lastSequence, expiresAt)
    }

    /// What a daemon does by itself at this instant.
    func passTime() async {
        await expiry.expireWhatIsOver()
        await exports.takeUpWhatIsDue()
        await exports.doWhatIsQueued()
    }
}

extension ExportFixture {
    /// The manifests of a dataflow's chain, in the order of their windows, with their folders.
    func manifests(_ dataflow: String) throws -> [(folder: FilePath, manifest: Manifest)] {
        try delivered(dataflow).filter { $0.lastComponent?.string.hasPrefix("manifest-") == true }.map {
            (folder: $0.removingLastComponent(), manifest: try SignedManifest(file: disk.content($0)).manifest)
        }.filter(\.manifest.isChained).sorted { $0.manifest.window.afterSequence < $1.manifest.window.afterSequence }
    }

    /// All files at a dataflow's destination.
    func delivered(_ dataflow: String) -> [FilePath] {
        disk.paths.filter { $0.string.hasPrefix("/out/\(dataflow)/") }
    }
}
