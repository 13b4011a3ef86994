import Audit
import Catalog
import Model
import SystemPackage
import TestSupport
import Testing

/// Versions of configurations, entitlement, sandboxes, grants, and the audit of them.
@Suite struct GovernanceTests {
    private struct Fixture {
        let catalog: CatalogStore
        let time: ManualTime
        let key: SigningKey
        let sandbox: Sandbox

        func create(_ name: String, _ settings: ConfigurationSettings, channel: Channel = .email, submit: Bool = true)
            async throws
            -> ChannelConfiguration
        {
            try await catalog.createConfiguration(
                by: 7, sandboxID: sandbox.id, name: ResourceName(name), channel: channel, settings: settings, submit: submit)
        }

        func edit(_ name: String, _ change: ConfigurationChange, submit: Bool = true, ifVersion: UInt32? = nil) async throws
            -> ChannelConfiguration
        {
            try await catalog.editConfiguration(
                by: 7, sandboxID: sandbox.id, name: ResourceName(name), change: change, submit: submit, ifVersion: ifVersion)
        }

        /// What is wrong with a chain; nil: nothing.
        func verify(_ chain: String) async throws -> AuditVerifier.Break? {
            let head = try #require(try await catalog.auditHead(chain))
            let events = try await catalog.auditEvents(chain, limit: 10_000)
            do throws(AuditVerifier.Break) {
                var verifier = try AuditVerifier(head, publicKey: key.publicKey)
                for event in events { try verifier.take(event) }
                try verifier.finish()
                return nil
            } catch {
                return error
            }
        }
    }

    private func withFixture(_ body: (Fixture) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let (time, key) = (ManualTime(), SigningKey.random())
            let catalog = try CatalogStore(path: folder.appending("catalog.sqlite"), time: time, signingKey: key)
            let sandbox = try #require(try await catalog.sandboxes().first)
            try await body(Fixture(catalog: catalog, time: time, key: key, sandbox: sandbox))
            try catalog.close()
        }
    }

    private func code(_ body: () async throws -> Void) async -> CatalogError.Code? {
        do { try await body() } catch { return (error as? CatalogError)?.code }
        return nil
    }

    @Test func `a configuration that cannot come into force fails with every reason at once, and can be mended`() async throws {
        try await withFixture { fixture in
            var settings = ConfigurationSettings(messageExport: true)
            (settings.fromAddress, settings.bccAddress, settings.subdomain) = ("no address", "a@b@c", "mail.example.com")
            settings.senderNumbers = ["+12025550123"]
            let failed = try await fixture.create("c", settings)
            #expect(failed.state == .failed)
            #expect(failed.failures.count == 4, "\(failed.failures)")
            #expect(failed.enabledSince == nil)
            var mended = ConfigurationChange(messageExport: true)
            (mended.fromAddress, mended.bccAddress, mended.senderNumbers) = ("news@eu.mail.example.com", "", [])
            let active = try await fixture.edit("c", mended)
            #expect((active.state, active.version, active.failures) == (.active, 2, []))
        }
    }

    @Test func `a failed update keeps the old version in force, and its reasons are told`() async throws {
        try await withFixture { fixture in
            _ = try await fixture.create("c", ConfigurationSettings(messageExport: true))
            var change = ConfigurationChange(messageExport: false)
            change.fromAddress = "nobody"
            let updated = try await fixture.edit("c", change)
            #expect((updated.state, updated.version, updated.messageExport) == (.active, 1, true))
            #expect(updated.pending?.version == 2)
            #expect(updated.pending?.failures == ["from_address is no email address"])
            let again = try await fixture.edit("c", ConfigurationChange(messageExport: false), submit: false)
            #expect(again.pending?.failures == [], "an edit is a new version")
            #expect(again.pending?.settings.fromAddress == "nobody", "made of the newest one")
        }
    }

    @Test func `of two edits for one version the second is aborted`() async throws {
        try await withFixture { fixture in
            _ = try await fixture.create("c", ConfigurationSettings())
            let first = try await fixture.edit("c", ConfigurationChange(messageExport: true), submit: false, ifVersion: 1)
            #expect(first.latestVersion == 2)
            #expect(await code { _ = try await fixture.edit("c", ConfigurationChange(), ifVersion: 1) } == .aborted)
            #expect(try await fixture.edit("c", ConfigurationChange(), ifVersion: 2).version == 2)
            let sandbox = try await fixture.catalog.editSandbox(by: 7, fixture.sandbox.id, SandboxChange(), ifRevision: 1)
            #expect(sandbox.revision == 2)
            #expect(
                await code {
                    _ = try await fixture.catalog.editSandbox(by: 7, fixture.sandbox.id, SandboxChange(), ifRevision: 1)
                } == .aborted)
        }
    }

    @Test func `each interval of the flag counts alone: it is on since it last came into force`() async throws {
        try await withFixture { fixture in
            let first = try await fixture.create("c", ConfigurationSettings(messageExport: true))
            #expect(first.enabledSince == fixture.time.now)
            let start = fixture.time.now
            func later(_ milliseconds: Int64) -> Instant { Instant(milliseconds: start.milliseconds + milliseconds) }
            fixture.time.set(later(1000))
            var other = ConfigurationChange()
            other.description = "a change of something else"
            #expect(try await fixture.edit("c", other).enabledSince == start, "it was on all the time")
            fixture.time.set(later(2000))
            #expect(try await fixture.edit("c", ConfigurationChange(messageExport: false)).enabledSince == nil)
            fixture.time.set(later(3000))
            let pending = try await fixture.edit("c", ConfigurationChange(messageExport: true), submit: false)
            #expect(pending.enabledSince == nil, "a pending version enables nothing")
            fixture.time.set(later(4000))
            let again = try await fixture.catalog.submitConfiguration(
                by: 7, sandboxID: fixture.sandbox.id, name: ResourceName("c"))
            #expect(again.enabledSince == later(4000))
        }
    }

    @Test func `while the entitlement is off no flag can be set, and what is set stays`() async throws {
        try await withFixture { fixture in
            _ = try await fixture.create("on", ConfigurationSettings(messageExport: true))
            let organization = try await fixture.catalog.editOrganization(
                by: 7, name: "Example", messageExport: false, ifRevision: 1)
            #expect((organization.name, organization.messageExport, organization.revision) == ("Example", false, 2))
            #expect(
                await code { _ = try await fixture.create("c", ConfigurationSettings(messageExport: true)) }
                    == .failedPrecondition)
            _ = try await fixture.create("off", ConfigurationSettings())
            #expect(
                await code { _ = try await fixture.edit("off", ConfigurationChange(messageExport: true)) } == .failedPrecondition)
            let view = try await fixture.catalog.sandboxView(fixture.sandbox.id)
            #expect(view.configurations.first { $0.name == "on" }?.messageExport == true)
            fixture.time.set(Instant(milliseconds: fixture.time.now.milliseconds + 1000))
            _ = try await fixture.catalog.editOrganization(by: 7, name: nil, messageExport: true, ifRevision: nil)
            #expect(try await fixture.catalog.organizationView().entitledSince == fixture.time.now)
        }
    }

    @Test func `a sandbox's name is never given again, and the default one is not deleted`() async throws {
        try await withFixture { fixture in
            let catalog = fixture.catalog
            func create(_ name: String) async throws -> Sandbox {
                try await catalog.createSandbox(
                    by: 7, name: SandboxName(name), title: "", kind: .development, zone: Zone("Europe/Berlin"),
                    retention: Retention(days: 7))
            }
            let made = try await create("staging")
            #expect((made.state, made.title, made.timeZone, made.retention.days) == (.creating, "staging", "Europe/Berlin", 7))
            #expect(await code { _ = try await create("staging") } == .alreadyExists)
            _ = try await catalog.createGrant(by: 7, .sender, to: .user(1), in: made.id)
            #expect(try await catalog.deleteSandbox(by: 7, made.id).state == .deleted)
            #expect(try await catalog.sandboxes().map(\.name) == ["prod"])
            #expect(try await catalog.grants().isEmpty)
            #expect(await code { _ = try await create("staging") } == .alreadyExists)
            #expect(await code { _ = try await catalog.deleteSandbox(by: 7, fixture.sandbox.id) } == .failedPrecondition)
        }
    }

    @Test func `a reset empties a sandbox under a new epoch, and keeps its name, settings and grants`() async throws {
        try await withFixture { fixture in
            let catalog = fixture.catalog
            _ = try await fixture.create("c", ConfigurationSettings())
            _ = try await catalog.createDestination(
                by: 7, sandboxID: fixture.sandbox.id, name: ResourceName("d"), DestinationDraft(settings: .local(path: "/p")))
            _ = try await catalog.createDataflow(
                by: 7, sandboxID: fixture.sandbox.id, name: ResourceName("f"), format: .json, mode: .incremental,
                settings: DataflowSettings(destination: "d", compression: .gzip))
            _ = try await catalog.createGrant(by: 7, .sender, to: .group(5), in: fixture.sandbox.id)
            let emptied = try await catalog.resetSandbox(by: 7, fixture.sandbox.id)
            #expect((emptied.name, emptied.epoch, emptied.state) == ("prod", 2, .creating))
            let view = try await catalog.sandboxView(fixture.sandbox.id)
            #expect(view.configurations.isEmpty)
            #expect(view.grants.map(\.subject) == [.group(5)])
            #expect(try await catalog.counts(sandboxID: fixture.sandbox.id) == (0, 0))
        }
    }

    @Test func `a grant given twice is one, and the last administrator stays`() async throws {
        try await withFixture { fixture in
            let catalog = fixture.catalog
            try await catalog.requireAdministrator(uid: 5)
            try await catalog.requireAdministrator(uid: 6)
            #expect(try await catalog.grants().map(\.subject) == [.user(5)], "there is one already")
            for _ in 0..<2 { _ = try await catalog.createGrant(by: 5, .viewer, to: .user(9), in: fixture.sandbox.id) }
            #expect(try await catalog.grants(sandboxID: fixture.sandbox.id).map(\.sandbox) == ["prod"])
            #expect(
                await code { _ = try await catalog.deleteGrant(by: 5, .administrator, of: .user(5), in: "") }
                    == .failedPrecondition)
            _ = try await catalog.createGrant(by: 5, .administrator, to: .group(1), in: "")
            _ = try await catalog.deleteGrant(by: 5, .administrator, of: .user(5), in: "")
            #expect(
                await code { _ = try await catalog.deleteGrant(by: 5, .viewer, of: .user(8), in: fixture.sandbox.id) }
                    == .notFound)
        }
    }

    @Test func `every change is in the chain it belongs to, in its own transaction, and what failed is not`() async throws {
        try await withFixture { fixture in
            _ = try await fixture.create("c", ConfigurationSettings(messageExport: true))
            _ = await code { _ = try await fixture.create("c", ConfigurationSettings()) }
            _ = try await fixture.edit("c", ConfigurationChange(messageExport: false))
            _ = try await fixture.catalog.setConfiguration(
                by: 8, sandboxID: fixture.sandbox.id, name: ResourceName("c"), active: false)
            _ = try await fixture.catalog.createGrant(by: nil, .administrator, to: .user(1), in: "")
            let events = try await fixture.catalog.auditEvents(fixture.sandbox.id, limit: 100)
            #expect(
                events.map(\.action) == [
                    .configurationCreate, .configurationSubmit, .configurationEdit, .configurationSubmit,
                    .configurationDeactivate,
                ])
            #expect(events.map(\.user) == [7, 7, 7, 7, 8])
            #expect(try await fixture.verify(fixture.sandbox.id) == nil)
            #expect(try await fixture.verify("") == nil)
            var filter = AuditFilter()
            filter.user = 8
            #expect(try await fixture.catalog.auditEvents(fixture.sandbox.id, filter: filter, limit: 9).map(\.number) == [5])
            #expect(
                try await fixture.catalog.auditNumber(before: 2, in: fixture.sandbox.id, filter: AuditFilter()) == 3)
        }
    }

    @Test func `what has happened is recorded, also where its task was cancelled meanwhile`() async throws {
        try await withFixture { fixture in
            let code = await withTaskGroup(of: CatalogError.Code?.self) { group in
                group.cancelAll()
                group.addTask {
                    do throws(CatalogError) {
                        try await fixture.catalog.record([Deed(user: 1, action: .recordTail, outcome: .done, count: 4)])
                        return nil
                    } catch {
                        return error.code
                    }
                }
                return await group.next() ?? nil
            }
            #expect(code == nil)
            let events = try await fixture.catalog.auditEvents("", limit: 9)
            #expect(events.map(\.count) == [4])
        }
    }

    @Test func `events are let go of when their time is over, and the rest of the chain is good`() async throws {
        try await withFixture { fixture in
            let start = fixture.time.now
            for index in 0..<10 {
                fixture.time.set(Instant(milliseconds: start.milliseconds + Int64(index) * 86_400_000))
                try await fixture.catalog.record([Deed(user: nil, action: .daemonStart)])
            }
            fixture.time.set(Instant(milliseconds: start.milliseconds + Int64(Limits.auditDays + 4) * 86_400_000))
            try await fixture.catalog.dropOldAuditEvents()
            #expect(try await fixture.catalog.auditEvents("", limit: 100).map(\.number) == Array(5...10))
            #expect(try await fixture.verify("") == nil)
            fixture.time.set(Instant(milliseconds: start.milliseconds + 2 * Int64(Limits.auditDays) * 86_400_000))
            try await fixture.catalog.dropOldAuditEvents()
            try await fixture.catalog.record([Deed(user: nil, action: .daemonStop)])
            #expect(try await fixture.catalog.auditEvents("", limit: 100).map(\.number) == [11])
            #expect(try await fixture.verify("") == nil)
        }
    }

    @Test func `whatever is done to an audit table behind the daemon's back is found`() async throws {
        let tampering: [(statement: String, first: UInt64?)] = [
            ("UPDATE audit_event SET user = 9 WHERE number = 3", 3), ("DELETE FROM audit_event WHERE number = 2", 2),
            ("DELETE FROM audit_event WHERE number >= 4", 4), ("DELETE FROM audit_event WHERE number = 1", 1),
            (
                "INSERT INTO audit_event SELECT chain, 6, time, user, action, object, outcome, count, detail, hash FROM audit_event WHERE number = 5",
                6
            ),
            ("UPDATE audit_head SET number = 4, hash = (SELECT hash FROM audit_event WHERE number = 4)", nil),
        ]
        for (statement, first) in tampering {
            try await withTemporaryFolder { folder in
                let (path, key) = (folder.appending("catalog.sqlite"), SigningKey.random())
                let catalog = try CatalogStore(path: path, time: ManualTime(), signingKey: key)
                for _ in 0..<5 { try await catalog.record([Deed(user: 1, action: .daemonStart)]) }
                let sandbox = try #require(try await catalog.sandboxes().first)
                let fixture = Fixture(catalog: catalog, time: ManualTime(), key: key, sandbox: sandbox)
                let changed = try await Programs.run(
                    "/usr/bin/python3",
                    [
                        "-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()",
                        path.string, statement,
                    ])
                try #require(changed.code == 0, "\(changed.errors)")
                let found = try await fixture.verify("")
                #expect(found != nil && found?.number == first, "\(statement): \(String(describing: found))")
                try catalog.close()
            }
        }
    }
}
