import Audit
import Catalog
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

@Suite struct CatalogTests {
    private func withCatalog(_ body: (CatalogStore, Sandbox) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let catalog = try CatalogStore(path: folder.appending("catalog.sqlite"), time: ManualTime(), signingKey: .random())
            let sandbox = try #require(try await catalog.sandboxes().first)
            try await body(catalog, sandbox)
            try catalog.close()
        }
    }

    @Test func `a new catalog has an entitled organization and the sandbox prod with three days of retention`() async throws {
        try await withCatalog { catalog, sandbox in
            let organization = try await catalog.organization()
            #expect(organization.messageExport)
            #expect(sandbox.name == "prod")
            #expect(sandbox.retention == Retention(days: 3))
            #expect(sandbox.epoch == 1)
        }
    }

    @Test func `a configuration goes from draft to active once`() async throws {
        try await withCatalog { catalog, sandbox in
            let name = try ResourceName("mail")
            let draft = try await catalog.createConfiguration(
                by: 1, sandboxID: sandbox.id, name: name, channel: .email, settings: ConfigurationSettings(messageExport: true),
                submit: false)
            #expect(draft.state == .draft)
            #expect(try await catalog.submitConfiguration(by: 1, sandboxID: sandbox.id, name: name).state == .active)
            let again = await #expect(throws: CatalogError.self) {
                try await catalog.submitConfiguration(by: 1, sandboxID: sandbox.id, name: name)
            }
            #expect(again?.code == .failedPrecondition)
            let same = await #expect(throws: CatalogError.self) {
                try await catalog.createConfiguration(
                    by: 1, sandboxID: sandbox.id, name: name, channel: .sms,
                    settings: ConfigurationSettings(messageExport: false), submit: true)
            }
            #expect(same?.code == .alreadyExists)
            let missing = await #expect(throws: CatalogError.self) {
                try await catalog.submitConfiguration(by: 1, sandboxID: sandbox.id, name: ResourceName("none"))
            }
            #expect(missing?.code == .notFound)
        }
    }

    @Test func `views for ingesting grow with every change`() async throws {
        try await withCatalog { catalog, sandbox in
            let before = try await catalog.sandboxView(sandbox.id)
            _ = try await catalog.createConfiguration(
                by: 1, sandboxID: sandbox.id, name: ResourceName("sms"), channel: .sms,
                settings: ConfigurationSettings(messageExport: true), submit: true)
            let after = try await catalog.sandboxView(sandbox.id)
            #expect(after.generation > before.generation)
            #expect(after.configurations.map(\.name) == ["sms"])
        }
    }

    private func createFlow(_ catalog: CatalogStore, _ sandbox: Sandbox) async throws {
        _ = try await catalog.createDestination(
            by: 1, sandboxID: sandbox.id, name: ResourceName("d"), DestinationDraft(settings: .local(path: "/p")))
        _ = try await catalog.createDataflow(
            by: 1, sandboxID: sandbox.id, name: ResourceName("f"), format: .json, mode: .incremental,
            settings: DataflowSettings(destination: "d", compression: .gzip, schedule: Schedule(.manual)))
    }

    @Test func `only success moves the cursor, and with it the next run's window`() async throws {
        try await withCatalog { catalog, sandbox in
            try await createFlow(catalog, sandbox)
            func run(to through: UInt64, _ state: Run.State) async throws -> Run {
                var run = try await catalog.beginRun(
                    by: 1, sandboxID: sandbox.id, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: through)
                ).run
                run.state = state
                try await catalog.endRun(run)
                return try await catalog.run(sandboxID: sandbox.id, id: run.id)
            }
            #expect(try await run(to: 5, .failed).after == 0)
            #expect(try await run(to: 7, .success).after == 0)
            let third = try await run(to: 9, .success)
            #expect((third.after, third.through) == (7, 9))
            #expect(third.endedAt != nil)
            #expect(try await catalog.highestSequence(sandboxID: sandbox.id) == 9)
        }
    }

    @Test func `a dataflow has one run under way, and ends each once`() async throws {
        try await withCatalog { catalog, sandbox in
            try await createFlow(catalog, sandbox)
            var run = try await catalog.beginRun(
                by: 1, sandboxID: sandbox.id, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: 1)
            ).run
            let second = await #expect(throws: CatalogError.self) {
                try await catalog.beginRun(
                    by: 1, sandboxID: sandbox.id, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: 1))
            }
            #expect(second?.code == .failedPrecondition)
            run.state = .success
            try await catalog.endRun(run)
            let ended = run
            await #expect(throws: CatalogError.self) { try await catalog.endRun(ended) }
        }
    }

    @Test func `a run under way is found with all it needs to be settled, until it has ended`() async throws {
        try await withCatalog { catalog, sandbox in
            try await createFlow(catalog, sandbox)
            let order = try await catalog.beginRun(
                by: 1, sandboxID: sandbox.id, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: 3))
            #expect(try await catalog.runsUnderWay(sandboxID: sandbox.id) == [order.run])
            var run = order.run
            run.state = .failed
            try await catalog.endRun(run)
            #expect(try await catalog.runsUnderWay(sandboxID: sandbox.id) == [])
        }
    }

    @Test func `what is not there is not found, by name`() async throws {
        try await withCatalog { catalog, sandbox in
            let destination = await #expect(throws: CatalogError.self) {
                try await catalog.createDataflow(
                    by: 1, sandboxID: sandbox.id, name: ResourceName("f"), format: .json, mode: .incremental,
                    settings: DataflowSettings(destination: "none", compression: .gzip))
            }
            #expect(destination?.code == .notFound)
            #expect(destination?.field == "destination")
            await #expect(throws: CatalogError.self) { try await catalog.run(sandboxID: sandbox.id, id: "none") }
        }
    }

    @Test func `a catalog is kept over a restart, with the id of its master key`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("catalog.sqlite")
            let key = SigningKey.random()
            let first = try CatalogStore(path: path, time: ManualTime(), signingKey: key)
            try await first.requireSigningKey()
            try await first.setMasterKeyID([1, 2, 3])
            let sandbox = try await first.sandboxes()
            try first.close()
            let second = try CatalogStore(path: path, time: ManualTime(), signingKey: key)
            try await second.requireSigningKey()
            #expect(try await second.masterKeyID() == [1, 2, 3])
            #expect(try await second.sandboxes() == sandbox)
            try second.close()
            let other = try CatalogStore(path: path, time: ManualTime(), signingKey: .random())
            let error = await #expect(throws: CatalogError.self) { try await other.requireSigningKey() }
            #expect(error?.code == .failedPrecondition)
        }
    }

    @Test func `a catalog of a newer version and a file that is no catalog are refused, each by its own error`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("catalog.sqlite")
            try CatalogStore(path: path, time: ManualTime(), signingKey: .random()).close()
            let changed = try await Programs.run(
                "/usr/bin/python3",
                [
                    "-c",
                    "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"insert into grdb_migrations values ('99')\"); c.commit()",
                    path.string,
                ])
            try #require(changed.code == 0, "\(changed.errors)")
            let newer = #expect(throws: CatalogError.self) {
                try CatalogStore(path: path, time: ManualTime(), signingKey: .random())
            }
            #expect(newer?.code == .newerVersion)
            let garbage = folder.appending("garbage")
            try Data(repeating: 0x55, count: 8192).write(to: URL(filePath: garbage.string))
            let error = #expect(throws: CatalogError.self) {
                try CatalogStore(path: garbage, time: ManualTime(), signingKey: .random())
            }
            #expect(error?.code == .io)
        }
    }
}
