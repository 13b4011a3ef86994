import Catalog
import Dataset
import Model
import Synchronization

/// The sandboxes of a running daemon, with what requests need to know of each: an immutable snapshot, exchanged as a whole.
final class SandboxDirectory: Sendable {
    /// An object, as each request holds it.
    final class Entry: Sendable {
        let sandbox: Sandbox
        let store: RecordStore
        let meter: SandboxMeter
        /// Whether the organization is entitled to message export, and since when.
        let messageExport: Bool
        let entitledSince: Instant
        let rights: RightsTable
        /// By name.
        let configurations: [String: ChannelConfiguration]
        /// By a configuration's name, what its records are counted by: not to be made for each of them.
        let groups: [String: Term]
        /// Counts up with its changes.
        let generation: Int

        init(
            sandbox: Sandbox, store: RecordStore, meter: SandboxMeter, messageExport: Bool, entitledSince: Instant,
            rights: RightsTable, configurations: [String: ChannelConfiguration], groups: [String: Term], generation: Int
        ) {
            self.sandbox = sandbox
            self.store = store
            self.meter = meter
            self.messageExport = messageExport
            self.entitledSince = entitledSince
            self.rights = rights
            self.configurations = configurations
            self.groups = groups
            self.generation = generation
        }
    }

    struct Snapshot: Sendable {
        fileprivate(set) var generation = -1
        fileprivate(set) var messageExport = false
        fileprivate(set) var entitledSince = Instant(milliseconds: 0)
        fileprivate(set) var administrators = RightsTable.none
        /// By name.
        fileprivate(set) var entries: [String: Entry] = [:]
        /// Names of those whose dataset could not be opened.
        fileprivate(set) var failed: Set<String> = []
    }

    private let catalog: CatalogStore
    private let meters: Meters
    /// What nobody changes: a change makes another one.
    private let current = Mutex(Snapshot())

    init(catalog: CatalogStore, meters: Meters = Meters()) {
        self.catalog = catalog
        self.meters = meters
    }

    var snapshot: Snapshot { current.withLock { $0 } }

    /// Brings what is known of a sandbox up to the catalog. When this returns, requests see every change that was made before the call.
    ///
    /// - Parameter store: its dataset from now on; nil: the one it has.
    func refresh(_ sandboxID: String, store: RecordStore? = nil) async throws(CatalogError) {
        let view = try await catalog.sandboxView(sandboxID)
        let configurations = Dictionary(
            view.configurations.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let groups = configurations.mapValues(Term.init)
        current.withLock { snapshot in
            // Of two refreshes at the same time, the one with the older view must not win.
            let known = snapshot.entries[view.sandbox.name]
            guard view.generation >= known?.generation ?? -1, let store = store ?? known?.store else { return }
            snapshot.failed.remove(view.sandbox.name)
            snapshot.entries[view.sandbox.name] = Entry(
                sandbox: view.sandbox, store: store, meter: meters.meter(of: view.sandbox.name),
                messageExport: snapshot.messageExport,
                entitledSince: snapshot.entitledSince, rights: RightsTable(view.grants), configurations: configurations,
                groups: groups, generation: view.generation)
        }
    }

    /// The same of the organization.
    func refreshOrganization() async throws(CatalogError) {
        let view = try await catalog.organizationView()
        current.withLock { snapshot in
            guard view.generation >= snapshot.generation else { return }
            snapshot.generation = view.generation
            snapshot.messageExport = view.messageExport
            snapshot.entitledSince = view.entitledSince
            snapshot.administrators = RightsTable(view.grants)
            snapshot.entries = snapshot.entries.mapValues { entry in
                Entry(
                    sandbox: entry.sandbox, store: entry.store, meter: entry.meter, messageExport: view.messageExport,
                    entitledSince: view.entitledSince, rights: entry.rights, configurations: entry.configurations,
                    groups: entry.groups, generation: entry.generation)
            }
        }
    }

    /// Takes note that a sandbox's dataset could not be opened: requests do not find it.
    func fail(_ name: String) {
        current.withLock { _ = $0.failed.insert(name) }
    }

    /// Forgets a sandbox: requests do not find it any more.
    func remove(_ name: String) {
        current.withLock { _ = $0.entries.removeValue(forKey: name) }
    }
}
