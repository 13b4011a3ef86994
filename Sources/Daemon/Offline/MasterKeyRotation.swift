import Audit
import Catalog
import Dataset
package import Disk
import Formats
import Glibc
package import Logging
package import Model
package import SystemPackage

/// Puts another master key in the place of the one that a data folder was made under, while no daemon serves it.
///
/// ## Crash safety
/// A note in the data folder says that it has begun, and keeps daemons from starting. Segment keys, the signing key, and the catalog's word of
/// which master key it is follow, each whole before or after; the note goes last. Whoever does it again goes on.
package struct MasterKeyRotation {
    private let settings: DaemonSettings
    private let files: any Files
    private let logger: Logger

    /// - Parameter settings: `masterKey` names the old key's file.
    package init(_ settings: DaemonSettings, files: any Files = PosixFiles(), logger: Logger) {
        self.settings = settings
        self.files = files
        self.logger = logger
    }

    /// A daemon must not begin while a rotation is half done.
    static func requireNone(_ settings: DaemonSettings, files: any Files) throws(Status) {
        let isUnderWay: Bool
        do { isUnderWay = try files.exists(settings.rotation) } catch { throw Status(error) }
        guard !isUnderWay else {
            throw Status(
                .failedPrecondition, "the master key of \(settings.data) is being changed, and that was not finished",
                hint: "run 'msgexportd rotate-master-key' again as before, then start with the new key")
        }
    }

    /// Does it. When it returns, nothing that can be read hangs on the old key.
    ///
    /// - Parameters:
    ///   - newKey: the new key's file; made when it is missing.
    ///   - tell: is told what is done, a line at a time.
    /// - Throws: `failedPrecondition` when a daemon serves the folder, or a key is not what it should be; `unavailable`: to be done again.
    package func run(newKey: FilePath, tell: (String) -> Void) async throws(Status) {
        guard try exists(settings.catalog) else {
            throw Status(.failedPrecondition, "\(settings.data) is no data folder of this program", hint: "name it with --data")
        }
        let lock = try DaemonProcess.claimData(settings)
        defer { withExtendedLifetime(lock) {} }
        let old = try MasterKeyFile.load(settings.masterKey, dataFolder: settings.data, hasData: true, logger: logger)
        let new = try MasterKeyFile.load(newKey, dataFolder: settings.data, hasData: false, logger: logger)
        guard old.id != new.id else {
            throw Status(.failedPrecondition, "\(newKey) holds the same key as \(settings.masterKey)", hint: "name another file")
        }
        let signingKey = try signingKey(old, new)
        try note(new)
        var left = try rewrap(from: old, to: new, tell: tell)
        try SigningKeyFile.replace(settings.signingKey, signingKey, master: new)
        tell("signing key: sealed by the new key")
        left += try await record(old: old, new, left: left, signingKey)
        do throws(DiskError) {
            try files.remove(settings.rotation)
            try files.syncFolder(settings.data)
        } catch {
            throw Status(error)
        }
        for problem in left { tell("still on the old key, or damaged: \(problem)") }
        tell(
            left.isEmpty
                ? "nothing hangs on the old key: start with --master-key \(newKey), and destroy \(settings.masterKey)"
                : "\(left.count) keys could not be changed: keep \(settings.masterKey) if you want to look into them")
    }

    private func exists(_ path: FilePath) throws(Status) -> Bool {
        do { return try files.exists(path) } catch { throw Status(error) }
    }

    /// The signing key, which may be sealed by either, if this was begun before.
    private func signingKey(_ old: MasterKey, _ new: MasterKey) throws(Status) -> SigningKey {
        if let key = try? SigningKeyFile.read(settings.signingKey, master: new) { return key }
        guard let key = try SigningKeyFile.read(settings.signingKey, master: old) else {
            throw Status(
                .failedPrecondition, "the signing key \(settings.signingKey) is missing", hint: "put it back as it was")
        }
        return key
    }

    private func note(_ new: MasterKey) throws(Status) {
        do throws(DiskError) {
            if try !files.exists(settings.rotation) {
                try PrivateFile.create(settings.rotation, content: Array("\(hexadecimal(new.id))\n".utf8))
            }
        } catch {
            throw Status(error)
        }
    }

    private func rewrap(from old: MasterKey, to new: MasterKey, tell: (String) -> Void) throws(Status) -> [String] {
        var left: [String] = []
        let folder = settings.data.appending("keys")
        do throws(DiskError) {
            for id in try files.exists(folder) ? files.list(folder) : [] {
                for epoch in try files.list(folder.appending(id)).compactMap(UInt32.init) {
                    let outcome = try rewrap(id, epoch, from: old, to: new)
                    left += outcome.left
                    tell(
                        "sandbox \(id), epoch \(epoch): \(outcome.rewrapped) keys wrapped by the new key, "
                            + "\(outcome.already) were already, \(outcome.left.count) left")
                }
            }
        } catch {
            throw Status(error)
        }
        let spool = try SpoolKeys.rewrap(settings.spoolKeys, from: old, to: new)
        tell("spools: \(spool.rewrapped) keys wrapped by the new key, \(spool.left.count) left")
        return left + spool.left
    }

    private func rewrap(
        _ id: String, _ epoch: UInt32, from old: MasterKey, to new: MasterKey
    ) throws(DiskError) -> Rewrapping.Outcome {
        let folders = DatasetFolders(
            keys: settings.folder("keys", sandboxID: id, epoch: epoch),
            data: settings.folder("datasets", sandboxID: id, epoch: epoch))
        do throws(DatasetError) {
            return try Rewrapping.run(folders, from: old, to: new, files: files)
        } catch {
            throw DiskError("change the keys (\(error.message)) in", settings.data, .ioError)
        }
    }

    /// Seals the destinations' secrets by the new key, and takes note of it.
    /// - Returns: the secrets that stay as they are.
    private func record(
        old: MasterKey, _ new: MasterKey, left: [String], _ signingKey: SigningKey
    ) async throws(Status) -> [String] {
        do {
            let catalog = try CatalogStore(
                path: settings.catalog, time: try TrustedTime(settings.trustedTime), signingKey: signingKey)
            try await catalog.requireSigningKey()
            let lost = try await catalog.changeMasterKey(new.id) { destination, name, sealed in
                let purpose = Storages.purpose(destination, name)
                if new.open(sealed, for: purpose) != nil { return sealed }
                return old.open(sealed, for: purpose).map { new.seal($0, for: purpose) }
            }
            try await catalog.record([
                Deed(
                    user: geteuid(), action: .masterKeyRotate, object: hexadecimal(new.id), count: 1,
                    detail: "\(left.count + lost.count) left"
                )
            ])
            try catalog.close()
            return lost
        } catch let error as CatalogError {
            throw Status(error)
        } catch let error as Status {
            throw error
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }
}
