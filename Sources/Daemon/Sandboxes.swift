import Catalog
import Dataset
import Disk
import Logging
import Model

/// Makes, changes and destroys the datasets of sandboxes as the catalog says they are.
struct Sandboxes: Sendable {
    let catalog: CatalogStore
    let directory: SandboxDirectory
    let datasets: Datasets
    let queue = DiskQueue("sandboxes")

    /// Brings all up at the start, and goes on with what a stop cut off.
    func bringUpAll(_ logger: Logger) async throws(Status) {
        let all: [Sandbox]
        do { all = try await catalog.sandboxes() } catch { throw Status(error) }
        try await destroyOthers(all)
        do { try await directory.refreshOrganization() } catch { throw Status(error) }
        for sandbox in all { await bringUpOrFail(sandbox, logger) }
    }

    /// Tries again to open what could not be opened.
    func bringUpFailed(_ logger: Logger) async {
        guard let all = try? await catalog.sandboxes() else { return }
        for sandbox in all where sandbox.state == .failed && directory.snapshot.entries[sandbox.name] == nil {
            await bringUpOrFail(sandbox, logger)
        }
    }

    /// One that cannot be opened is FAILED, alone; the others are served.
    private func bringUpOrFail(_ sandbox: Sandbox, _ logger: Logger) async {
        do throws(Status) {
            _ = try await bringUp(sandbox)
            if sandbox.state == .failed { logger.notice("opened again", metadata: ["sandbox": "\(sandbox.name)"]) }
        } catch {
            directory.fail(sandbox.name)
            logger.error("cannot be opened", metadata: ["sandbox": "\(sandbox.name)", "error": "\(error)"])
            guard sandbox.state != .failed else { return }
            do throws(CatalogError) { _ = try await catalog.setSandboxState(sandbox.id, .failed) } catch {
                logger.error("not recorded", metadata: ["sandbox": "\(sandbox.name)", "error": "\(error)"])
            }
        }
    }

    /// Opens a sandbox's dataset, and says that it is there. When this returns, requests find it.
    func bringUp(_ sandbox: Sandbox) async throws(Status) -> Sandbox {
        let floor: UInt64
        do { floor = try await catalog.highestSequence(sandboxID: sandbox.id) } catch { throw Status(error) }
        let store = try await queue.run { () throws(Status) in try datasets.open(sandbox, floor: floor) }
        do {
            let active =
                sandbox.state == .active ? sandbox : try await catalog.setSandboxState(sandbox.id, .active)
            try await directory.refresh(sandbox.id, store: store)
            return active
        } catch {
            throw Status(error)
        }
    }

    /// Lets a changed sandbox's dataset and requests know of the change.
    func update(_ sandbox: Sandbox) async throws(Status) -> Sandbox {
        do {
            try await directory.refresh(sandbox.id)
            let policy = try sandbox.policy
            let store = directory.snapshot.entries[sandbox.name]?.store
            store?.setPolicy(policy)
            store?.setQuotas(sandbox.quotas)
            return sandbox
        } catch let error as CatalogError {
            throw Status(error)
        } catch let error as DatasetError {
            throw Status(error)
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }

    /// Closes the dataset of a sandbox that was emptied or deleted, and destroys it: its keys, then its data.
    func takeDown(_ entry: SandboxDirectory.Entry) async throws(Status) {
        do { try await directory.refresh(entry.sandbox.id) } catch { throw Status(error) }
        await entry.store.close()
        let all: [Sandbox]
        do { all = try await catalog.sandboxes() } catch { throw Status(error) }
        try await destroyOthers(all)
    }

    /// Answers what waits in every dataset, and closes it.
    func closeAll() async {
        for entry in directory.snapshot.entries.values { await entry.store.close() }
    }

    private func destroyOthers(_ living: [Sandbox]) async throws(Status) {
        let kept = Dictionary(living.map { ($0.id, $0.epoch) }, uniquingKeysWith: { first, _ in first })
        try await queue.run { () throws(Status) in try datasets.destroy(but: kept) }
    }
}
