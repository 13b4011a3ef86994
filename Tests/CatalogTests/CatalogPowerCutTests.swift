import Audit
import CCrashVFS
import Catalog
import Model
import SystemPackage
import TestSupport
import Testing

/// Stops the world at every operation that SQLite makes for some changes of the catalog, and looks at what is left.
@Suite struct CatalogPowerCutTests {
    private let signingKey = SigningKey.random()

    init() { crash_vfs_register() }

    /// As the daemon opens it: before anything is acknowledged its folder is synced. SQLite does not: the journal that it removes when it goes
    /// over to WAL might come back after a power cut, and take all that was written since with it.
    private func open(_ world: Int32, syncsFolder: Bool = true) throws -> CatalogStore {
        let catalog = try CatalogStore(
            path: FilePath("/crash/\(world)/catalog.sqlite"), time: ManualTime(), signingKey: signingKey)
        if syncsFolder { crash_world_sync_folder(world) }
        return catalog
    }

    /// What changes were begun, and which of them returned.
    private struct Told {
        var begun: [String] = []
        var acknowledged: [String] = []
    }

    /// Makes the catalog, and configurations one after the other, in two openings.
    private func work(_ world: Int32) async -> Told {
        var told = Told()
        for opening in 0..<2 {
            guard let catalog = try? open(world) else { return told }
            guard let sandbox = try? await catalog.sandboxes().first else { return told }
            try? await catalog.requireSigningKey()
            for number in 0..<4 {
                guard let name = try? ResourceName("c\(opening)-\(number)") else { continue }
                told.begun.append(name.value)
                let made = try? await catalog.createConfiguration(
                    by: 1, sandboxID: sandbox.id, name: name, channel: .sms, settings: ConfigurationSettings(messageExport: true),
                    submit: true)
                if made != nil { told.acknowledged.append(name.value) }
            }
            try? catalog.close()
        }
        return told
    }

    private func names(_ catalog: CatalogStore) async throws -> [String] {
        let sandbox = try #require(try await catalog.sandboxes().first)
        let names = try await catalog.configurations(sandboxID: sandbox.id).map(\.name)
        // A change and what the audit says of it are there together, or neither is.
        let events = try await catalog.auditEvents(sandbox.id, limit: 100).filter { $0.action == .configurationCreate }.map(
            \.object)
        #expect(names == events.sorted())
        #expect(try await catalog.problems() == [])
        return names
    }

    /// Acknowledged changes that are not found after a power cut at some operation.
    private func explore(syncs: Bool, every step: Int, seed: UInt64) async throws -> (lost: Int, crashes: Int) {
        var (lost, crashes) = (0, 0)
        for operation in stride(from: 0, to: 100_000, by: step) {
            let world = crash_world_create()
            crash_world_set_syncs(world, syncs ? 1 : 0)
            crash_world_stop_at(world, operation)
            let told = await work(world)
            let kinds = [CRASH_NOTHING, CRASH_EVERYTHING, CRASH_SOME, CRASH_TORN, CRASH_GARBAGE]
            for remains in syncs ? kinds : [CRASH_NOTHING] {
                crashes += 1
                let context: Comment = "operation \(operation), remains \(remains.rawValue), SEED=\(seed)"
                let found = crash_world_after(world, remains, seed &+ UInt64(operation))
                guard syncs else {
                    let names = try? await { try await self.names(try open(found)) }()
                    lost += Set(told.acknowledged).subtracting(names ?? []).count
                    continue
                }
                let catalog = try open(found)
                let names = try await names(catalog)
                #expect(Set(told.acknowledged).isSubset(of: names), context)
                #expect(Set(names).isSubset(of: told.begun), context)
                lost += Set(told.acknowledged).subtracting(names).count
                // What was found stays: cut the power again.
                let sandbox = try #require(try await catalog.sandboxes().first)
                _ = try await catalog.createConfiguration(
                    by: 1, sandboxID: sandbox.id, name: ResourceName("afterwards"), channel: .sms,
                    settings: ConfigurationSettings(), submit: true)
                let again = try open(crash_world_after(found, CRASH_NOTHING, 0))
                let left = try await self.names(again)
                #expect(left == (names + ["afterwards"]).sorted(), context)
                withExtendedLifetime(catalog) {}
            }
            if crash_world_operations(world) < operation { break }
        }
        return (lost, crashes)
    }

    @Test func `no power cut loses an acknowledged change of the catalog, or its audit, whatever of the unsynced it leaves`()
        async throws
    {
        let seed = testSeed()
        let (lost, crashes) = try await explore(syncs: true, every: 1, seed: seed)
        #expect(lost == 0, "SEED=\(seed)")
        #expect(crashes > 300, "\(crashes) crashes: the work is explored at every operation")
    }

    @Test func `without syncs the same power cuts lose changes, so the test above would notice`() async throws {
        #expect(try await explore(syncs: false, every: 5, seed: 1).lost > 0)
    }

    @Test func `without a sync of its folder a new catalog is lost whole, so the daemon must sync it`() async throws {
        let world = crash_world_create()
        let catalog = try open(world, syncsFolder: false)
        let sandbox = try #require(try await catalog.sandboxes().first)
        _ = try await catalog.createConfiguration(
            by: 1, sandboxID: sandbox.id, name: ResourceName("c"), channel: .sms, settings: ConfigurationSettings(), submit: true)
        let found = try open(crash_world_after(world, CRASH_NOTHING, 0))
        #expect(try await names(found) == [])
        withExtendedLifetime(catalog) {}
    }
}
