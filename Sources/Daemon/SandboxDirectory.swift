import Catalog
import Dataset
import Model
import Synchronization

/// The sandboxes of a running daemon, with what ingesting needs to know of each: an immutable snapshot, exchanged as a whole.
final class SandboxDirectory: Sendable {
    struct Entry: Sendable {
        let sandbox: Sandbox
        let store: RecordStore
        /// Whether the organization is entitled to message export.
        let messageExport: Bool
        /// By name.
        let configurations: [String: ChannelConfiguration]
    }

    struct Snapshot: Sendable {
        let generation: Int
        /// By name.
        let entries: [String: Entry]
    }

    private let catalog: CatalogStore
    private let stores: [(sandbox: Sandbox, store: RecordStore)]
    private let current: Mutex<Snapshot>

    init(catalog: CatalogStore, stores: [(sandbox: Sandbox, store: RecordStore)]) async throws(CatalogError) {
        self.catalog = catalog
        self.stores = stores
        current = Mutex(Snapshot(generation: -1, entries: [:]))
        try await refresh()
    }

    var snapshot: Snapshot { current.withLock { $0 } }

    /// Brings the snapshot up to the catalog. When this returns, ingests see every change that was made before the call.
    func refresh() async throws(CatalogError) {
        let view = try await catalog.ingestView()
        var entries: [String: Entry] = [:]
        for (sandbox, store) in stores {
            let configurations = Dictionary(
                (view.configurations[sandbox.id] ?? []).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
            entries[sandbox.name] = Entry(
                sandbox: sandbox, store: store, messageExport: view.messageExport, configurations: configurations)
        }
        let refreshed = Snapshot(generation: view.generation, entries: entries)
        // Of two refreshes at the same time, the one with the older view must not win.
        current.withLock { if refreshed.generation > $0.generation { $0 = refreshed } }
    }

    /// The sandbox of a request; an empty name is the default one.
    /// - Throws: `permissionDenied`, whether it does not exist or may not be used.
    func entry(_ name: String) throws(Status) -> Entry {
        let name = name.isEmpty ? defaultSandbox : name
        guard name.utf8.count <= Limits.nameBytes else {
            throw Status(
                .permissionDenied, "that sandbox does not exist or may not be used by you", field: "sandbox",
                limit: Limits.nameBytes)
        }
        guard let entry = snapshot.entries[name] else {
            throw Status(.permissionDenied, "sandbox \(name) does not exist or may not be used by you", field: "sandbox")
        }
        return entry
    }
}
