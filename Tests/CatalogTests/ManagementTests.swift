import Audit
import Catalog
import Model
import SystemPackage
import TestSupport
import Testing

/// Changing, listing and removing what a catalog holds.
@Suite struct ManagementTests {
    private func withCatalog(_ body: (CatalogStore, Sandbox) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let catalog = try CatalogStore(path: folder.appending("catalog.sqlite"), time: ManualTime(), signingKey: .random())
            try await body(catalog, try #require(try await catalog.sandboxes().first))
        }
    }

    private func createFlow(_ catalog: CatalogStore, _ sandbox: Sandbox, names: [String] = ["f"]) async throws {
        _ = try await catalog.createDestination(
            by: 1, sandboxID: sandbox.id, name: ResourceName("d"), DestinationDraft(settings: .local(path: "/p")))
        for name in names {
            _ = try await catalog.createDataflow(
                by: 1, sandboxID: sandbox.id, name: ResourceName(name), format: .json, mode: .incremental,
                settings: DataflowSettings(destination: "d", compression: .gzip, includeRaw: true, schedule: Schedule(.manual)))
        }
    }

    @Test func `an edit of an active configuration is in force only when it is submitted, and counts the version up`()
        async throws
    {
        try await withCatalog { catalog, sandbox in
            let name = try ResourceName("c")
            _ = try await catalog.createConfiguration(
                by: 1, sandboxID: sandbox.id, name: name, channel: .email, settings: ConfigurationSettings(messageExport: false),
                submit: true)
            func edit(_ flag: Bool?, submit: Bool) async throws -> ChannelConfiguration {
                try await catalog.editConfiguration(
                    by: 1, sandboxID: sandbox.id, name: name, change: ConfigurationChange(messageExport: flag), submit: submit,
                    ifVersion: nil)
            }
            let pending = try await edit(true, submit: false)
            #expect((pending.version, pending.messageExport, pending.pending?.settings.messageExport) == (1, false, true))
            #expect(try await catalog.sandboxView(sandbox.id).configurations.first?.messageExport == false)
            let submitted = try await catalog.submitConfiguration(by: 1, sandboxID: sandbox.id, name: name)
            #expect((submitted.version, submitted.messageExport, submitted.pending) == (2, true, nil))
            let again = await #expect(throws: CatalogError.self) {
                try await catalog.submitConfiguration(by: 1, sandboxID: sandbox.id, name: name)
            }
            #expect(again?.code == .failedPrecondition)
            await #expect(throws: CatalogError.self, "there is nothing to submit") { try await edit(nil, submit: true) }
            let third = try await edit(false, submit: true)
            #expect((third.version, third.messageExport, third.state) == (3, false, .active))
        }
    }

    @Test func `a draft that is edited stays one, and is duplicated as one`() async throws {
        try await withCatalog { catalog, sandbox in
            let (name, copy) = (try ResourceName("c"), try ResourceName("copy"))
            _ = try await catalog.createConfiguration(
                by: 1, sandboxID: sandbox.id, name: name, channel: .sms, settings: ConfigurationSettings(messageExport: false),
                submit: false)
            let edited = try await catalog.editConfiguration(
                by: 1, sandboxID: sandbox.id, name: name, change: ConfigurationChange(messageExport: true), submit: false,
                ifVersion: nil)
            #expect((edited.version, edited.messageExport, edited.state) == (2, true, .draft))
            let duplicate = try await catalog.duplicateConfiguration(by: 1, sandboxID: sandbox.id, name: name, as: copy)
            #expect((duplicate.state, duplicate.messageExport, duplicate.channel) == (.draft, true, .sms))
            #expect(try await catalog.configurations(sandboxID: sandbox.id).map(\.name) == ["c", "copy"])
            let taken = await #expect(throws: CatalogError.self) {
                try await catalog.duplicateConfiguration(by: 1, sandboxID: sandbox.id, name: name, as: copy)
            }
            #expect(taken?.code == .alreadyExists)
        }
    }

    @Test func `only what is active is deactivated, only what is deactivated activated, and neither is edited between`()
        async throws
    {
        try await withCatalog { catalog, sandbox in
            let name = try ResourceName("c")
            func set(_ active: Bool) async throws -> ChannelConfiguration {
                try await catalog.setConfiguration(by: 1, sandboxID: sandbox.id, name: name, active: active)
            }
            _ = try await catalog.createConfiguration(
                by: 1, sandboxID: sandbox.id, name: name, channel: .sms, settings: ConfigurationSettings(messageExport: true),
                submit: false)
            await #expect(throws: CatalogError.self) { try await set(false) }
            _ = try await catalog.submitConfiguration(by: 1, sandboxID: sandbox.id, name: name)
            await #expect(throws: CatalogError.self) { try await set(true) }
            #expect(try await set(false).state == .deactivated)
            await #expect(throws: CatalogError.self) {
                try await catalog.editConfiguration(
                    by: 1, sandboxID: sandbox.id, name: name, change: ConfigurationChange(messageExport: false), submit: true,
                    ifVersion: nil)
            }
            #expect(try await set(true).state == .active)
        }
    }

    @Test func `a sandbox has so many destinations and no more`() async throws {
        try await withCatalog { catalog, sandbox in
            for number in 1...Limits.destinations {
                _ = try await catalog.createDestination(
                    by: 1, sandboxID: sandbox.id, name: ResourceName("d\(number)"), DestinationDraft(settings: .local(path: "/p"))
                )
            }
            let error = await #expect(throws: CatalogError.self) {
                try await catalog.createDestination(
                    by: 1, sandboxID: sandbox.id, name: ResourceName("e"), DestinationDraft(settings: .local(path: "/p")))
            }
            #expect(error?.code == .limit)
            #expect(try await catalog.destinations(sandboxID: sandbox.id).count == Limits.destinations)
        }
    }

    @Test func `a destination is edited only while no run delivers there, and deleted only when no dataflow exports to it`()
        async throws
    {
        try await withCatalog { catalog, sandbox in
            try await createFlow(catalog, sandbox)
            let (destination, dataflow) = (try ResourceName("d"), try ResourceName("f"))
            func edit() async throws -> Destination {
                try await catalog.editDestination(
                    by: 1, sandboxID: sandbox.id, name: destination, DestinationDraft(settings: .local(path: "/q")))
            }
            var run = try await catalog.beginRun(
                by: 1, sandboxID: sandbox.id, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: 1)
            ).run
            await #expect(throws: CatalogError.self) { try await edit() }
            await #expect(throws: CatalogError.self) {
                try await catalog.deleteDataflow(by: 1, sandboxID: sandbox.id, name: dataflow)
            }
            run.state = .failed
            try await catalog.endRun(run)
            #expect(try await edit().settings == .local(path: "/q"))
            let used = await #expect(throws: CatalogError.self) {
                try await catalog.deleteDestination(by: 1, sandboxID: sandbox.id, name: destination)
            }
            #expect(used?.message.hasSuffix(": f") == true)
            #expect(try await catalog.deleteDataflow(by: 1, sandboxID: sandbox.id, name: dataflow).settings.includeRaw)
            _ = try await catalog.deleteDestination(by: 1, sandboxID: sandbox.id, name: destination)
            #expect(try await catalog.destinations(sandboxID: sandbox.id).isEmpty)
            await #expect(throws: CatalogError.self) { try await catalog.destination(sandboxID: sandbox.id, name: destination) }
        }
    }

    @Test func `runs are listed the newest first, and a misspelt dataflow is not one without runs`() async throws {
        try await withCatalog { catalog, sandbox in
            try await createFlow(catalog, sandbox, names: ["f", "g"])
            var ids: [String] = []
            for dataflow in ["f", "g", "f"] {
                var run = try await catalog.beginRun(
                    by: 1, sandboxID: sandbox.id, dataflow: dataflow, of: DatasetExtent(epoch: 1, after: 0, through: 1)
                ).run
                ids.insert(run.id, at: 0)
                run.state = .success
                try await catalog.endRun(run)
            }
            #expect(try await catalog.runs(sandboxID: sandbox.id, dataflow: nil, limit: 10).map(\.id) == ids)
            #expect(try await catalog.runs(sandboxID: sandbox.id, dataflow: "f", limit: 10).map(\.id) == [ids[0], ids[2]])
            #expect(try await catalog.runs(sandboxID: sandbox.id, dataflow: nil, limit: 2).map(\.id) == [ids[0], ids[1]])
            await #expect(throws: CatalogError.self) {
                try await catalog.runs(sandboxID: sandbox.id, dataflow: "ff", limit: 1)
            }
        }
    }
}
