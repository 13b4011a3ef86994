import Catalog
import Disk
import Formats
package import Logging
package import Model
import SystemPackage

/// Makes a data folder of a backup. What was stored is not in it; what was configured, granted and audited is, and new records go on from there.
package struct Restore: Sendable {
    private let settings: DaemonSettings
    private let files = PosixFiles()

    /// - Parameter settings: of the daemon to be: its data folder is empty or not there, its master key is there.
    package init(_ settings: DaemonSettings) {
        self.settings = settings
    }

    /// Does it. A stop before it returns leaves a folder that no daemon serves: to be emptied, and done again.
    ///
    /// - Throws: `failedPrecondition` when the backup is not whole, the folder is not empty, or the key is not the one it was made under.
    package func run(from backup: Backup, logger: Logger) async throws(Status) -> Backup.Summary {
        let summary = try backup.check()
        do {
            guard try !files.exists(settings.data) || files.list(settings.data).allSatisfy({ $0 == "lost+found" }) else {
                throw Status(
                    .failedPrecondition, "\(settings.data) is not empty: what is there is not to be mixed with a backup",
                    hint: "name an empty folder with --data")
            }
            let master = try MasterKeyFile.load(
                settings.masterKey, isCredential: settings.masterKeyIsCredential, dataFolder: settings.data, hasData: true,
                logger: logger)
            guard let signingKey = try SigningKeyFile.read(backup.folder.appending("signing.key"), master: master) else {
                throw Status(.failedPrecondition, "the backup has no signing key")
            }
            try files.createFolder(settings.data)
            // First, as no daemon serves a folder with something in it that is not its own, and without a catalog.
            let unfinished = settings.data.appending("restoring.sqlite")
            _ = try CatalogStore.copy(backup.folder.appending("catalog.sqlite"), to: unfinished)
            try PrivateFile.create(settings.signingKey, content: Backup.read(backup.folder.appending("signing.key")))
            try PrivateFile.create(settings.trustedTime, content: Backup.read(backup.folder.appending("trusted-time")))
            let catalog = try CatalogStore(path: unfinished, time: try TrustedTime(settings.trustedTime), signingKey: signingKey)
            try await catalog.requireSigningKey()
            try await catalog.noteRestore(of: Instant(summary.madeAt) ?? WallClock.now)
            try catalog.close()
            guard try !files.exists(FilePath("\(unfinished)-wal")) else {
                throw Status(.unavailable, "\(unfinished) is still in use", hint: "empty the folder, and do it again")
            }
            try files.open(unfinished).sync()
            try files.rename(unfinished, to: settings.catalog)
            try files.syncFolder(settings.data)
            return summary
        } catch {
            throw Backup.status(error)
        }
    }
}
