import Catalog
import Dataset
import Destinations
import Disk
import Exporter
import Model
import ServiceLifecycle
import SystemPackage

/// What destinations are delivered through: their secrets, and the programs that do it.
final class Storages: Service {
    let runner: ProgramRunner
    let gpg: OpenPGP
    private let catalog: CatalogStore
    private let master: MasterKey
    private let files: any Files
    private let rclone: Rclone
    private let dataFolder: FilePath
    private let current: CurrentSettings

    /// - Throws: `unavailable` when GnuPG's home cannot be made.
    init(
        _ settings: DaemonSettings, _ current: CurrentSettings, catalog: CatalogStore, master: MasterKey, files: any Files
    ) throws(Status) {
        do throws(DiskError) { try files.createFolder(settings.openPGPHome) } catch { throw Status(error) }
        self.catalog = catalog
        self.master = master
        self.files = files
        dataFolder = settings.data
        self.current = current
        runner = ProgramRunner(supervisor: settings.programs.supervisor)
        rclone = Rclone(settings.programs.rclone, runner)
        gpg = OpenPGP(gpg: settings.programs.gpg, home: settings.openPGPHome, runner: runner)
    }

    /// Runs the programs, until the stop.
    func run() async {
        await withGracefulShutdownHandler {
            await runner.run()
        } onGracefulShutdown: {
            self.runner.finish()
        }
    }

    func patience(_ isStopped: @escaping @Sendable () -> Bool) -> Patience {
        Patience(stall: .seconds(current.value.stallSeconds), isStopped: isStopped)
    }

    /// Storage of settings that are not kept yet, or of a destination. Blocks.
    ///
    /// - Throws: `Status` where they cannot be a destination, `DestinationError` where nothing can be delivered.
    func open(
        _ settings: Destination.Settings, _ secrets: [String: Secret], _ isStopped: @escaping @Sendable () -> Bool
    ) throws -> any Storage {
        if settings.type == .local { return try LocalFolder(path: settings["path"] ?? "", files: files) }
        return try RcloneRemote(settings, secrets, rclone, patience(isStopped))
    }

    /// What a run needs to deliver: checked against what is approved now.
    ///
    /// - Throws: `DestinationError`, or that the catalog cannot be read.
    func access(to order: RunOrder) async throws -> StorageAccess {
        let secrets = try await secrets(of: order.destination)
        do throws(Status) {
            try await catalogApprovals().require(order.destination.settings, secrets)
        } catch {
            throw error.code == .failedPrecondition ? DestinationError(.notApproved, error.message) : error
        }
        var keys: [[UInt8]] = []
        do { keys = try await catalog.publicKeys(order.dataflow.settings.encryptTo) } catch {
            throw error.code == .notFound ? DestinationError(.notApproved, error.message) : error
        }
        return StorageAccess(storages: self, settings: order.destination.settings, secrets: secrets, keys: keys)
    }

    /// Makes sure that settings can be a destination here, and that the administrator approved where it is.
    func check(_ settings: Destination.Settings, _ secrets: [String: Secret]) async throws(Status) {
        try settings.check(secrets: Set(secrets.keys))
        for (name, secret) in secrets.sorted(by: { $0.key < $1.key }) {
            let isFile = ["private_key", "service_account"].contains(name)
            guard isFile || !secret.text.contains(where: \.isNewline) else {
                throw Status(.invalidArgument, "a line break in it", field: name, hint: "give it without one")
            }
            try settings.type.option(name, backend: settings["backend"])?.check(secret.text)
        }
        if settings.type == .local {
            // Its path is looked at before it is compared.
            _ = try LocalFolder(path: settings["path"] ?? "", files: files)
            guard !FilePath(settings["path"] ?? "").starts(with: dataFolder) else {
                throw Status(.invalidArgument, "\(settings["path"] ?? "") is inside the daemon's own data folder", field: "path")
            }
        }
        try await catalogApprovals().require(settings, secrets)
    }

    private func catalogApprovals() async throws(Status) -> [Approval] {
        try await unlessCatalogFails { () async throws(CatalogError) in try await catalog.approvals() }
    }

    // MARK: Secrets

    /// The secrets of a destination.
    ///
    /// - Throws: `dataLoss` when one cannot be opened.
    func secrets(of destination: Destination) async throws(Status) -> [String: Secret] {
        let sealed = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.sealedSecrets(of: destination.id)
        }
        var secrets: [String: Secret] = [:]
        for (name, bytes) in sealed {
            guard let opened = master.open(bytes, for: Self.purpose(destination.id, name)) else {
                throw Status(
                    .dataLoss, "\(name) of destination \(destination.name) cannot be opened", field: name, hint: "set it again")
            }
            secrets[name] = Secret(String(decoding: opened, as: UTF8.self))
        }
        return secrets
    }

    /// Secrets as the catalog keeps them.
    func seal(_ secrets: [String: Secret], for destinationID: String) -> [String: [UInt8]] {
        Dictionary(
            uniqueKeysWithValues: secrets.map {
                ($0.key, master.seal(Array($0.value.text.utf8), for: Self.purpose(destinationID, $0.key)))
            })
    }

    /// What a secret is sealed for: this destination's, and this one of it.
    static func purpose(_ destinationID: String, _ name: String) -> String {
        "message-export secret \(name) of destination \(destinationID)"
    }
}

/// A destination that a run may deliver to.
struct StorageAccess: Sendable {
    fileprivate let storages: Storages
    fileprivate let settings: Destination.Settings
    fileprivate let secrets: [String: Secret]
    fileprivate let keys: [[UInt8]]

    /// Blocks.
    func open(_ isStopped: @escaping @Sendable () -> Bool) throws -> any Storage {
        try storages.open(settings, secrets, isStopped)
    }

    /// Nil: the dataflow's files are not encrypted.
    func encryption(_ isStopped: @escaping @Sendable () -> Bool) -> Export.Encryption? {
        keys.isEmpty ? nil : Export.Encryption(gpg: storages.gpg, keys: keys, patience: storages.patience(isStopped))
    }
}
