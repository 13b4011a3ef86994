import Foundation
import MessageExportClient
import Messages
import Model
import RPC
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Sandboxes, the flag, entitlement and audit of the built daemon.
@Suite struct GovernanceTests {
    private func sms(_ id: String, sentAt: Instant? = nil) throws(Status) -> Message {
        Message(
            id: try MessageID(id), configuration: "sms", sentAt: sentAt,
            content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "text of \(id)")))
    }

    private func code(_ body: () async throws -> Void) async -> Status.Code {
        do { try await body() } catch { return (error as? Status)?.code ?? .unknown }
        return .ok
    }

    private func withDaemon(_ body: @Sendable (DaemonFixture.Running, MessageExportClient) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                try await body(daemon, client)
                await client.close()
            }
        }
    }

    @Test func `what was sent before the flag last came on is not kept, and each interval counts alone`() async throws {
        try await withDaemon { daemon, client in
            _ = try await client.createConfiguration(
                name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
            let first = try #require(try await client.configuration(name: "sms").enabledSince)
            func at(_ since: Instant, _ milliseconds: Int64) -> Instant {
                Instant(milliseconds: since.milliseconds + milliseconds)
            }
            #expect(try await client.ingest(try sms("a", sentAt: at(first, -5000))).outcome == .stored, "5 s are allowed")
            #expect(try await client.ingest(try sms("b", sentAt: at(first, -5001))).outcome == .beforeEnabled)
            #expect(try await client.ingest(try sms("now")).outcome == .stored, "a message without a time was sent now")
            _ = try await client.editConfiguration(name: "sms", ConfigurationChange(messageExport: false), submit: true)
            #expect(try await client.ingest(try sms("c", sentAt: at(first, 1))).outcome == .exportDisabled, "whatever it says")
            #expect(try await client.ingest(try sms("a", sentAt: at(first, -5000))).outcome == .duplicate, "what is kept is told")
            // More than the tolerance later, so that the intervals can be told apart.
            try await wait(for: "the time") { Date().timeIntervalSince1970 * 1000 >= Double(first.milliseconds + 5200) }
            _ = try await client.editConfiguration(name: "sms", ConfigurationChange(messageExport: true), submit: true)
            let second = try #require(try await client.configuration(name: "sms").enabledSince)
            #expect(
                try await client.ingest(try sms("d", sentAt: at(first, 100))).outcome == .beforeEnabled, "of the first interval")
            #expect(try await client.ingest(try sms("e", sentAt: at(second, 1))).outcome == .stored)
            let kept = try await client.newestRecords(10).map(\.message.id.value)
            #expect(kept == ["e", "now", "a"])
            #expect(try await daemon.msgexport("configuration", "show", "sms").output.contains("Enabled since"))
        }
    }

    @Test func `while the organization is not entitled nothing is stored and no flag is set`() async throws {
        try await withDaemon { _, client in
            _ = try await client.createConfiguration(
                name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
            #expect(try await client.ingest(try sms("a")).outcome == .stored)
            _ = try await client.editOrganization(messageExport: false)
            #expect(await code { _ = try await client.ingest(try sms("b")) } == .failedPrecondition)
            #expect(
                await code {
                    _ = try await client.createConfiguration(
                        name: "more", channel: .sms, settings: ConfigurationSettings(messageExport: true))
                } == .failedPrecondition)
            #expect(try await client.newestRecords(5).count == 1, "what is stored lives to its expiry")
            let back = try await client.editOrganization(messageExport: true)
            #expect(back.messageExport)
            let sent = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000) - 60_000)
            #expect(try await client.ingest(try sms("c", sentAt: sent)).outcome == .beforeEnabled)
            #expect(try await client.ingest(try sms("d")).outcome == .stored)
        }
    }

    @Test func `nothing of one sandbox is visible, nameable or countable from another`() async throws {
        try await withDaemon { daemon, client in
            _ = try await client.createSandbox(name: "other")
            let ended = try await daemon.msgexport(
                "access", "grant", "sender", "operator", "auditor", "--user", "\(geteuid())", "--sandbox", "other")
            #expect(ended.code == 0, "\(ended.errors)")
            let other = try await MessageExportClient.connect(socket: daemon.socket, sandbox: "other")
            for each in [client, other] {
                _ = try await each.createConfiguration(
                    name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
            }
            #expect(try await client.ingest(try sms("same")).outcome == .stored)
            #expect(try await other.ingest(try sms("same")).outcome == .stored, "ids are those of a sandbox")
            #expect(try await other.ingest(try sms("more")).outcome == .stored)
            #expect(await code { _ = try await client.records(messageID: "more") } == .notFound)
            #expect(try await client.dataset().records == 1)
            #expect(try await other.dataset().records == 2)
            #expect(try await client.status().records == 1)
            await other.close()
        }
    }

    @Test func `a refusal is the same for a sandbox that exists and one that does not`() async throws {
        try await withDaemon { daemon, client in
            _ = try await client.createSandbox(name: "there")
            var refusals: [Status] = []
            for name in ["there", "nowhe"] {
                let client = try await MessageExportClient.connect(socket: daemon.socket, sandbox: name, retryTime: .zero)
                do throws(Status) { _ = try await client.ingest(try sms("a")) } catch {
                    var refusal = error
                    refusal.message = refusal.message.replacing(name, with: "X")
                    refusals.append(refusal)
                }
                await client.close()
            }
            #expect(refusals.count == 2 && refusals[0] == refusals[1], "\(refusals)")
            #expect(refusals.first?.code == .permissionDenied)
        }
    }

    @Test func `a reset empties a sandbox under a new epoch and keeps its grants; a deleted one is gone`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                func configure() async throws {
                    _ = try await client.createConfiguration(
                        name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
                }
                try await configure()
                for index in 0..<20 { _ = try await client.ingest(try sms("m\(index)")) }
                #expect(await code { _ = try await client.resetSandbox(name: "prod", confirm: "prode") } == .invalidArgument)
                #expect(try await client.dataset().records == 20)
                // Ingests in the middle of it are stored in one of its lives, or refused.
                let outcomes = try await withThrowingTaskGroup(of: Status.Code.self) { group in
                    for index in 0..<300 { group.addTask { await code { _ = try await client.ingest(try sms("r\(index)")) } } }
                    #expect(try await client.resetSandbox(name: "prod", confirm: "prod").epoch == 2)
                    return try await group.reduce(into: Set()) { $0.insert($1) }
                }
                #expect(outcomes.isSubset(of: [.ok, .unavailable, .notFound]), "\(outcomes)")
                #expect(try await client.dataset().records == 0)
                var resets: [AuditEvent.Outcome] = []
                _ = try await client.auditEvents { resets += $0.filter { $0.action == .sandboxReset }.map(\.outcome) }
                #expect(resets == [.intended, .done])
                #expect(try await client.configurations().isEmpty)
                try await configure()
                #expect(try await client.ingest(try sms("m1")).outcome == .stored, "nothing is known of its earlier life")
                #expect(await code { _ = try await client.deleteSandbox(name: "prod", confirm: "prod") } == .failedPrecondition)
                _ = try await client.createSandbox(name: "gone")
                try await client.deleteSandbox(name: "gone", confirm: "gone")
                #expect(try await client.sandboxes().map(\.name) == ["prod"])
                #expect(await code { _ = try await client.createSandbox(name: "gone") } == .alreadyExists)
                await client.close()
            }
            let keys = try delivered(in: fixture.data.appending("keys"))
            #expect(!keys.isEmpty && keys.allSatisfy { $0.contains("/2/") }, "the keys of the first life are gone: \(keys)")
            let segments = try delivered(in: fixture.data.appending("datasets"))
            #expect(!segments.isEmpty && segments.allSatisfy { $0.contains("/2/") })
            // And after a restart it is as it was.
            _ = try await fixture.withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                #expect(try await client.dataset().records == 1)
                #expect(try await client.sandbox(name: "prod").epoch == 2)
                await client.close()
            }
        }
    }

    @Test
    func `reading content is in the audit before it is read, refusals are counted, and a chain is verified without the daemon`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                _ = try await client.createConfiguration(
                    name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
                _ = try await client.ingest(try sms("read-me"))
                _ = try await client.records(messageID: "read-me")
                _ = await code { _ = try await client.records(messageID: "not-there") }
                let nowhere = try await MessageExportClient.connect(socket: daemon.socket, sandbox: "nowhere", retryTime: .zero)
                for _ in 0..<25 { _ = await code { _ = try await nowhere.ingest(try sms("x")) } }
                await nowhere.close()
                var events: [AuditEvent] = []
                let head = try await client.auditEvents { events += $0 }
                let reads = events.filter { $0.action == .recordRead }.map { "\($0.object) \($0.outcome.rawValue) \($0.count)" }
                #expect(reads == ["read-me intended 0", "read-me done 1", "not-there intended 0", "not-there failed 0"])
                #expect(head?.number == events.last?.number)
                var refusals: [AuditEvent] = []
                _ = try await client.auditEvents(.init(organization: true)) {
                    refusals += $0.filter { $0.action == .accessRefused }
                }
                #expect(refusals.reduce(0) { $0 + $1.count } == 25 && refusals.count < 25, "they are counted")
                #expect(refusals.allSatisfy { $0.object == "messageexport.v1.IngestionService/Ingest" })
                #expect(events.allSatisfy { !"\($0)".contains("text of") })
                await client.close()
                let file = folder.appending("audit").string
                #expect(try await daemon.msgexport("audit", "export", file).code == 0)
                let organization = try await daemon.msgexport("organization", "show", "-o", "json")
                try text(organization.output, "signingKey").write(
                    toFile: folder.appending("key").string, atomically: true, encoding: .utf8)
                let good = try await daemon.msgexport("audit", "verify", file, "--public-key", folder.appending("key").string)
                #expect(good.code == 0 && good.output.contains("good") && good.output.contains("checked"), "\(good.output)")
                #expect(try await daemon.msgexport("audit", "verify", file).output.contains("not checked"))
                let whole = try String(contentsOfFile: file, encoding: .utf8)
                try whole.replacingOccurrences(of: "not-there", with: "not-here").write(
                    toFile: file, atomically: true, encoding: .utf8)
                let bad = try await daemon.msgexport("audit", "verify", file, "--public-key", folder.appending("key").string)
                #expect(bad.code == 11 && bad.output.contains("is not what was recorded"), "\(bad.output)")
            }
            // Behind its back, as the daemon finds it.
            let script =
                "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"DELETE FROM audit_event WHERE number = 3\"); c.commit()"
            let changed = try await Programs.run(
                "/usr/bin/env", ["python3", "-c", script, fixture.data.appending("catalog.sqlite").string])
            try #require(changed.code == 0, "\(changed.errors)")
            _ = try await fixture.withDaemon { daemon in
                let found = try await daemon.msgexport("audit", "verify", "-o", "json")
                #expect(found.code == 11 && found.output.contains("event 3 is missing"), "\(found.output)")
                #expect(try await daemon.msgexport("audit", "verify", "--organization").code == 11)
            }
        }
    }

    @Test func `of two who edit one version the second is told, and loses nothing`() async throws {
        try await withDaemon { daemon, client in
            #expect(try await daemon.msgexport("configuration", "create", "c", "--channel", "sms", "--submit").code == 0)
            let edit = ["configuration", "edit", "c", "--description", "one", "--if-version", "1", "--submit"]
            let first = try await Programs.run(Programs.client, edit + ["--socket", daemon.socket])
            #expect(first.code == 0, "\(first.errors)")
            let second = try await Programs.run(Programs.client, edit + ["--socket", daemon.socket])
            #expect(second.code == 6 && second.errors.contains("ABORTED"), "\(second.errors)")
            let bad = try await daemon.msgexport("configuration", "edit", "c", "--sender-number", "24365", "--submit")
            #expect(bad.code == 6 && bad.errors.contains("E.164"), "\(bad.errors)")
            #expect(try await client.configuration(name: "c").settings.description == "one")
        }
    }

    @Test func `a flag turned off is off for the next ingest on every connection, under load`() async throws {
        try await withDaemon { daemon, client in
            _ = try await client.createConfiguration(
                name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
            for round in 0..<10 {
                let isOff = Journal<Bool>()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for connection in 0..<8 {
                        group.addTask {
                            let sender = try await MessageExportClient.connect(socket: daemon.socket)
                            var after = 0
                            var index = 0
                            while after < 20 {
                                let wasOff = !isOff.entries.isEmpty
                                let outcome = try await sender.ingest(try sms("\(round).\(connection).\(index)")).outcome
                                if wasOff {
                                    #expect(outcome == .exportDisabled)
                                    after += 1
                                }
                                index += 1
                            }
                            await sender.close()
                        }
                    }
                    _ = try await client.editConfiguration(name: "sms", ConfigurationChange(messageExport: false), submit: true)
                    isOff.add(true)
                    try await group.waitForAll()
                }
                _ = try await client.editConfiguration(name: "sms", ConfigurationChange(messageExport: true), submit: true)
            }
        }
    }

    @Test func `a client that keeps flags skips what is off, and loses nothing when a flag comes on`() async throws {
        try await withDaemon { daemon, client in
            _ = try await client.createConfiguration(name: "sms", channel: .sms, settings: ConfigurationSettings(), submit: true)
            let sender = try await MessageExportClient.connect(socket: daemon.socket)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do throws(Status) { try await sender.keepFlags() } catch { #expect(error.code == .cancelled) }
                }
                for round in 0..<3 {
                    // Skipped once the flags are known: then a daemon that is not asked cannot answer with an error either.
                    let unknown = Message(
                        id: try MessageID("x"), configuration: "sms", content: .email(Email(text: "of the wrong channel")))
                    try await wait(for: "the flags") { await code({ _ = try await sender.ingest(unknown) }) == .ok }
                    async let turnedOn: Void = {
                        _ = try await client.editConfiguration(
                            name: "sms", ConfigurationChange(messageExport: true), submit: true)
                    }()
                    // Whatever was skipped was sent before the answer.
                    try await turnedOn
                    #expect(try await sender.ingest(try sms("first after \(round)")).outcome == .stored)
                    _ = try await client.editConfiguration(name: "sms", ConfigurationChange(messageExport: false), submit: true)
                    #expect(try await sender.ingest(try sms("off \(round)")).outcome == .exportDisabled)
                }
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(try await client.newestRecords(10).count == 3)
            await sender.close()
        }
    }

    @Test func `turning a flag on is answered when nobody may rely on the old one any more`() async throws {
        try await withDaemon { daemon, client in
            _ = try await client.createConfiguration(name: "sms", channel: .sms, settings: ConfigurationSettings(), submit: true)
            let connection = try await ClientConnection.connect(path: daemon.socket)
            let begun = BootClock.milliseconds
            let stream = try await connection.open(
                MethodName.watchConfigurations.described, SandboxRequest(sandbox: "").packed)
            let (answers, told) = AsyncStream.makeStream(of: ConfigurationFlags.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do throws(Status) {
                        try await stream.forEachMessage { (message) throws(Status) in
                            told.yield(try ConfigurationFlags(packed: message))
                        }
                    } catch {}
                    told.finish()
                }
                var iterator = answers.makeAsyncIterator()
                let first = try #require(await iterator.next())
                #expect(first.flags == [.init(name: "sms", isDisabled: true)])
                #expect(first.leaseUntil >= begun + Int64(Limits.flagLeaseMilliseconds))
                _ = try await client.editConfiguration(name: "sms", ConfigurationChange(messageExport: true), submit: true)
                let answered = BootClock.milliseconds
                var (last, renewed) = (first.leaseUntil, false)
                while let next = await iterator.next() {
                    if next.generation != first.generation {
                        #expect(next.flags == [.init(name: "sms", isDisabled: false)])
                        renewed = true
                        break
                    }
                    #expect(next.flags == nil, "nothing changed: it is only renewed")
                    last = next.leaseUntil
                }
                #expect(renewed && answered >= last, "answered \(last - answered) ms too early")
                await connection.close()
                try await group.waitForAll()
            }
        }
    }

    @Test func `a clock that was set back is told, and believed when an administrator confirms it`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                let shown = try await daemon.msgexport("time", "show")
                #expect(shown.output.contains("none"), "\(shown.errors)")
            }
            let note = fixture.data.appending("trusted-time").string
            let ahead = Date(timeIntervalSinceNow: 86_400).formatted(.iso8601)
            try "\(ahead)\n".write(toFile: note, atomically: true, encoding: .utf8)
            chmod(note, 0o600)
            let ended = try await fixture.withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                let status = try await client.status()
                #expect(status.time?.doubt == .behind)
                #expect(status.time.map { $0.trusted.milliseconds - $0.wall.milliseconds > 86_000_000 } == true)
                #expect(try await daemon.msgexport("status").output.contains("behind"))
                #expect(try await client.health() == .serving)
                #expect(try await client.health(service: "messageexport.v1.AdministrationService") == .notServing)
                let wrong = try await daemon.msgexport("time", "confirm", "2020-01-01T00:00:00Z")
                #expect(wrong.code == 6, "\(wrong.errors)")
                let now = Date().formatted(.iso8601)
                #expect(try await daemon.msgexport("time", "confirm", now).code == 0)
                #expect(try await client.time().doubt == nil)
                #expect(try await client.health(service: "messageexport.v1.AdministrationService") == .serving)
                var events: [AuditEvent.Action] = []
                _ = try await client.auditEvents(.init(organization: true)) { events += $0.map(\.action) }
                #expect(events.contains(.timeDoubtful) && events.contains(.timeTrusted))
                await client.close()
            }
            #expect(ended.log.contains("the wall clock is doubted"))
        }
    }
}

/// What happened, in order.
private final class Journal<Entry: Sendable>: Sendable {
    private let all: Mutex<[Entry]> = Mutex([])

    var entries: [Entry] { all.withLock { $0 } }

    func add(_ entry: Entry) { all.withLock { $0.append(entry) } }
}
