import Catalog
import Dataset
package import Disk
package import Logging
import Messages
package import Model

/// Reads all of a data folder that no daemon serves, and tells what is not as it was written.
package struct DataCheck {
    /// What it tells.
    package enum Line: Sendable {
        /// A part that is good, or was mended.
        case good(String)
        /// Something that is not as it should be.
        case problem(String)
        /// How far it is.
        case progress(done: UInt64, of: UInt64, what: String)
    }

    private let settings: DaemonSettings
    private let files: any Files
    private let logger: Logger

    package init(_ settings: DaemonSettings, files: any Files = PosixFiles(), logger: Logger) {
        self.settings = settings
        self.files = files
        self.logger = logger
    }

    /// Checks catalog, audit and every dataset. It does first what a start of the daemon does: it finishes what a stop cut off.
    ///
    /// - Parameter repairs: mends keys and indexes; what is lost stays lost.
    /// - Returns: how many problems there are, after repairing.
    /// - Throws: `failedPrecondition` when a daemon serves the folder, or the key is not the right one; `unavailable`.
    package func run(repairs: Bool, tell: @escaping @Sendable (Line) -> Void) async throws(Status) -> Int {
        do {
            guard try files.exists(settings.catalog) else {
                throw Status(
                    .failedPrecondition, "\(settings.data) is no data folder of this program", hint: "name it with --data")
            }
        } catch let error as DiskError {
            throw Status(error)
        } catch let error as Status {
            throw error
        } catch {
            throw Status(.unavailable, "\(error)")
        }
        let lock = try DaemonProcess.claimData(settings)
        defer { withExtendedLifetime(lock) {} }
        try MasterKeyRotation.requireNone(settings, files: files)
        let time = try TrustedTime(settings.trustedTime)
        let master = try MasterKeyFile.load(settings.masterKey, dataFolder: settings.data, hasData: true, logger: logger)
        let (catalog, _) = try await DaemonProcess.openCatalog(settings, master: master, files: files, time: time)
        var problems = try await checkCatalog(catalog, tell)
        let datasets = Datasets(
            settings: settings, master: master, files: files, time: time, logger: logger, healthChanged: {})
        for sandbox in try await sandboxes(catalog) {
            problems += await check(sandbox, catalog, datasets, repairs: repairs, tell)
        }
        do { try catalog.close() } catch { throw Status(error) }
        return problems
    }

    private func sandboxes(_ catalog: CatalogStore) async throws(Status) -> [Sandbox] {
        do { return try await catalog.sandboxes() } catch { throw Status(error) }
    }

    private func checkCatalog(_ catalog: CatalogStore, _ tell: (Line) -> Void) async throws(Status) -> Int {
        var problems: [String]
        do { problems = try await catalog.problems() } catch { throw Status(error) }
        if problems.isEmpty { tell(.good("catalog: good")) }
        for chain in [(id: "", name: "organization")] + (try await sandboxes(catalog).map { (id: $0.id, name: $0.name) }) {
            let verdict = try await catalog.auditVerdict(of: chain.id)
            if let failure = verdict.failure {
                problems.append("audit of \(chain.name): \(failure)")
            } else {
                tell(.good("audit of \(chain.name): \(verdict.events) events, good"))
            }
        }
        for problem in problems { tell(.problem(problem)) }
        return problems.count
    }

    private func check(
        _ sandbox: Sandbox, _ catalog: CatalogStore, _ datasets: Datasets, repairs: Bool,
        _ tell: @escaping @Sendable (Line) -> Void
    ) async -> Int {
        let name = "dataset of \(sandbox.name)"
        do {
            let floor = try await catalog.highestSequence(sandboxID: sandbox.id)
            let (store, found) = try await DiskQueue("check").run { () throws -> (RecordStore, [String]) in
                let store = try datasets.open(sandbox, floor: floor)
                if repairs { for mended in try store.repair() { tell(.good("\(name): mended: \(mended)")) } }
                let verification = try store.verify { soFar in
                    tell(.progress(done: soFar.bytes, of: soFar.bytesToRead, what: name))
                }
                let known = store.recoveryReports.filter { report in !verification.problems.contains { report.contains($0) } }
                if verification.problems.isEmpty, known.isEmpty {
                    tell(.good("\(name): \(verification.segments) segments, \(verification.records) records, good"))
                }
                return (store, verification.problems + known)
            }
            await store.close()
            for problem in found { tell(.problem("\(name): \(problem)")) }
            return found.count
        } catch {
            tell(.problem("\(name): \(error)"))
            return 1
        }
    }
}
