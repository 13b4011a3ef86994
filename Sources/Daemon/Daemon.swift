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
    /// Serves until SIGTERM or SIGINT, then stops: accepts no more, answers what is under way, removes its socket. SIGHUP makes it take up
    /// what can change of its settings.
    ///
    /// - Throws: `Status` when it cannot start, with what to do about it.
    package static func run(_ settings: DaemonSettings, _ surroundings: Surroundings, logger: Logger) async throws {
        let files = PosixFiles()
        let locks = try claim(settings, files: files)
        defer { withExtendedLifetime(locks) {} }
        try MasterKeyRotation.requireNone(settings, files: files)
        let assembly = try await Assembly(settings, surroundings, files: files, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: assembly.services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
                // It would log all that services hold, the environment too.
                logger: Logger(label: "services", factory: { _ in SwiftLogNoOpLogHandler() })))
        try await record(.daemonStart, in: assembly.catalog)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await group.run()) } catch { outcome = .failure(error) }
        await assembly.sandboxes.closeAll()
        await assembly.audit.flush()
        try await record(.daemonStop, in: assembly.catalog)
        try assembly.catalog.close()
        try outcome.get()
    }

    static func loadMasterKey(_ settings: DaemonSettings, files: any Files, logger: Logger) throws(Status) -> MasterKey {
        let hasData = try unlessDiskFails { () throws(DiskError) in
            for path in [settings.catalog, settings.data.appending("keys"), settings.data.appending("datasets")]
            where try files.exists(path) { return true }
            return false
        }
        return try MasterKeyFile.load(
            settings.masterKey, isCredential: settings.masterKeyIsCredential, dataFolder: settings.data, hasData: hasData,
            logger: logger)
    }

    private static func record(_ action: AuditEvent.Action, in catalog: CatalogStore) async throws(Status) {
        do { try await catalog.record([Deed(user: nil, action: action, detail: productVersion)]) } catch { throw Status(error) }
    }

    /// Makes sure that no other daemon uses the data folder or the socket for as long as the result lives.
    private static func claim(_ settings: DaemonSettings, files: any Files) throws(Status) -> [FileLock] {
        let served = settings.sockets.map(\.path) + settings.metricsSockets
        for socket in served { try UnixSocket.check(socket) }
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
        let sockets = served.map { socket in
            (FilePath("\(socket).lock"), "the socket \(socket) is served by another daemon")
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
            let ours =
                ([
                    settings.lock, settings.catalog, settings.signingKey, settings.trustedTime, settings.auditReserve,
                    settings.socket, settings.socketLock, settings.rotation,
                ] + settings.metricsSockets.flatMap { [FilePath($0), FilePath("\($0).lock")] }).compactMap {
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
