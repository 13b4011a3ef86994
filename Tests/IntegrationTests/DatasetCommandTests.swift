import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport
import Testing

/// What `msgexport dataset` shows and does, of the built programs.
@Suite struct DatasetCommandTests {
    private func mail(_ id: String, to recipients: [String], campaign: String? = nil) throws(Status) -> Message {
        var execution = Execution()
        execution.campaignID = campaign
        return Message(
            id: try MessageID(id), configuration: "mail",
            content: .email(Email(to: recipients.map { Address(email: $0) }, subject: "for \(id)", text: "text of \(id)")),
            execution: execution)
    }

    private func ids(_ output: String) throws -> [String] {
        try output.split(separator: "\n").map { try #require(try document(String($0))["_id"] as? String) }
    }

    private func withFilled(_ body: @Sendable (DaemonFixture, DaemonFixture.Running, MessageExportClient) async throws -> Void)
        async throws
    {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                let messages = [
                    try mail("a", to: ["ada@example.com"], campaign: "spring"),
                    try mail("b", to: ["bob@example.com", "Ada@Example.com"]),
                    try mail("c", to: ["cem@example.com"], campaign: "spring"),
                ]
                for message in messages { #expect(try await client.ingest(message).outcome == .stored) }
                #expect(try await ingestSms(daemon, "to two", id: "d").code == 0)
                try await body(fixture, daemon, client)
                await client.close()
            }
        }
    }

    @Test func `records are found by recipient, configuration, campaign and time, page by page`() async throws {
        try await withFilled { _, daemon, _ in
            func query(_ options: String...) async throws -> [String] {
                let ended = try await Programs.run(
                    Programs.client, ["dataset", "query", "-o", "json", "--socket", daemon.socket] + options)
                #expect(ended.code == 0, "\(ended.errors)")
                return try ids(ended.output)
            }
            #expect(try await query() == ["a", "b", "c", "d"])
            #expect(try await query("--recipient", "ADA@example.com") == ["a", "b"])
            #expect(try await query("--recipient", "2") == ["d"])
            #expect(try await query("--recipient", "nobody@example.com") == [])
            #expect(try await query("--configuration", "sms") == ["d"])
            #expect(try await query("--campaign", "spring") == ["a", "c"])
            #expect(try await query("--campaign", "spring", "--recipient", "cem@example.com") == ["c"])
            #expect(try await query("-n", "2") == ["a", "b"])
            #expect(try await query("-n", "2", "--after", "2") == ["c", "d"])
            #expect(try await query("--since", "2999-01-01T00:00:00Z") == [])
            #expect(try await query("--until", "2001-01-01T00:00:00Z") == [])
            #expect(try await query("--since", "2001-01-01T00:00:00Z", "--until", "2999-01-01T00:00:00Z").count == 4)
            #expect(try await query("--since", "1h").count == 4)
            #expect(try await query("--until", "60m") == [])
            for wrong in ["yesterday", "-1h", "+1h", "1w", "h", "99999999999d"] {
                let refused = try await daemon.msgexport("dataset", "query", "--since=\(wrong)")
                #expect(refused.code == 2 && refused.errors.contains("how long ago, such as 90m, 2h or 3d"), "\(wrong)")
            }
            let unknown = try await daemon.msgexport("dataset", "query", "--configuration", "nothing")
            #expect(unknown.code == 4 && unknown.errors.contains("no channel configuration"))
            let misspelt = try await daemon.msgexport("dataset", "query", "--configuration", "mial")
            #expect(misspelt.code == 4 && misspelt.errors.contains("did you mean mail?"), "\(misspelt.errors)")
            let table = try await daemon.msgexport("dataset", "query", "--recipient", "bob@example.com")
            #expect(table.output.contains("SEQUENCE") && table.output.contains("for b"))
            let audit = try await daemon.msgexport("audit", "list", "--action", "record.query").output
            #expect(audit.contains("recipient ") && !audit.contains("bob"), "who is looked for is not named")
            let shown = try document(try await daemon.msgexport("dataset", "show", "-o", "json").output)
            let counts = try #require(shown["configurations"] as? [[String: Any]])
            #expect(counts.map { $0["configuration"] as? String } == ["mail", "sms"])
            #expect(counts.map { $0["records"] as? Int } == [3, 1])
        }
    }

    @Test func `tail shows what is there, then what comes, and ends when the daemon stops`() async throws {
        let (shown, show) = AsyncStream.makeStream(of: String.self)
        try await withFilled { _, daemon, client in
            async let tailed: Status.Code = tail(client, show)
            var ids = shown.makeAsyncIterator()
            #expect(await ids.next() == "b")
            #expect(await ids.next() == "c")
            #expect(try await ingestSms(daemon, "another", id: "e").code == 0)
            #expect(try await client.ingest(try mail("f", to: ["x@example.com"])).outcome == .stored)
            #expect(await ids.next() == "f", "the SMS is not asked for")
            try daemon.terminate()
            #expect([.ok, .unavailable].contains(await tailed))
        }
    }

    @Test func `tail since a time shows what is there, and how many one read who has gone is in the audit`() async throws {
        try await withFilled { _, daemon, client in
            var query = RecordQuery()
            query.since = Instant(milliseconds: 1)
            var shown: [String] = []
            let enough = Status(.cancelled, "that is enough")
            await #expect(throws: enough) {
                try await client.tailRecords(matching: query) { record throws(Status) in
                    shown.append(record.message.id.value)
                    if shown.count == 4 { throw enough }
                }
            }
            #expect(shown == ["a", "b", "c", "d"])
            try await wait(for: "the end of the read in the audit") {
                try await daemon.msgexport("audit", "list", "--action", "record.tail", "-o", "json").output.contains(
                    "\"count\":4")
            }
        }
    }

    @Test func `what was read is counted in the audit where its reader goes away before the end`() async throws {
        try await withFilled { _, daemon, client in
            // More than goes into buffers on the way.
            let many = 16
            for number in 0..<many {
                let message = Message(
                    id: try MessageID("large \(number)"), configuration: "sms",
                    content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: String(repeating: "x", count: 3 << 20))))
                #expect(try await client.ingest(message).outcome == .stored)
            }
            let enough = Status(.cancelled, "that is enough")
            await #expect(throws: enough) {
                // As the protocol has no word for it: by closing the connection.
                try await MessageExportClient.withClient(socket: daemon.socket) { leaving in
                    try await leaving.records(matching: RecordQuery()) { _ throws(Status) in throw enough }
                }
            }
            try await wait(for: "the end of the read in the audit") {
                let ends = try await daemon.msgexport(
                    "audit", "list", "--action", "record.query", "--outcome", "failed", "-o", "json")
                return (1..<many + 4).contains { ends.output.contains("\"count\":\($0)") }
            }
        }
    }

    private func tail(_ client: MessageExportClient, _ show: AsyncStream<String>.Continuation) async -> Status.Code {
        var query = RecordQuery()
        query.configuration = "mail"
        do throws(Status) {
            try await client.tailRecords(matching: query, after: 1) { record in show.yield(record.message.id.value) }
            return .ok
        } catch {
            return error.code
        }
    }

    @Test func `erasing a recipient gives a receipt that can be checked, and nothing of them is left`() async throws {
        try await withFilled { fixture, daemon, client in
            let key = fixture.folder.appending("key.hex").string
            let organization = try document(try await daemon.msgexport("organization", "show", "-o", "json").output)
            try #require(organization["signingKey"] as? String).write(toFile: key, atomically: true, encoding: .utf8)
            let erase = ["dataset", "erase", "--recipient", "ada@example.com", "-o", "json"]
            func run(_ options: String...) async throws -> Programs.Ended {
                try await Programs.run(Programs.client, erase + options + ["--socket", daemon.socket])
            }
            #expect(try await run("--confirm", "ada@example.com").code == 3, "the sandbox is to be named")
            #expect(try await run("--sandbox", "prod", "--confirm", "bob@example.com").code == 3)
            let ended = try await run("--sandbox", "prod", "--confirm", "ADA@example.com")
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try number(ended.output, "records") == 2)
            let receipt = fixture.folder.appending("receipt.json").string
            try ended.output.write(toFile: receipt, atomically: true, encoding: .utf8)
            let checked = try await Programs.run(Programs.client, ["dataset", "receipt", receipt, "--public-key", key])
            #expect(checked.code == 0 && checked.output.contains("\"recordsErased\":2"), "\(checked)")
            try ended.output.replacingOccurrences(of: "Erased\\\":2", with: "Erased\\\":3").write(
                toFile: receipt, atomically: true, encoding: .utf8)
            #expect(try await Programs.run(Programs.client, ["dataset", "receipt", receipt, "--public-key", key]).code == 11)
            let left = try ids(try await daemon.msgexport("dataset", "query", "-o", "json").output)
            #expect(left == ["c", "d"])
            #expect(try await daemon.msgexport("dataset", "get", "a").code == 4)
            #expect(try await client.ingest(try mail("a", to: ["ada@example.com"], campaign: "spring")).outcome == .duplicate)
            let audit = try await daemon.msgexport("audit", "list", "--action", "record.erase").output
            #expect(audit.contains("intended") && audit.contains("done") && !audit.contains("ada@"))
        }
    }

    @Test func `verify finds nothing where all is good, names what is damaged, and compact gives all new keys`() async throws {
        try await withFilled { fixture, daemon, _ in
            let good = try await daemon.msgexport("dataset", "verify", "-o", "json")
            #expect(good.code == 0, "\(good.errors)")
            #expect(try number(good.output, "records") == 4 && text(good.output, "result") == "good")
            let keys = try delivered(in: fixture.data).filter { $0.hasSuffix(".key") && $0.contains("/keys/") }
            #expect(try await daemon.msgexport("dataset", "compact").code == 0)
            let after = try delivered(in: fixture.data).filter { $0.hasSuffix(".key") && $0.contains("/keys/") }
            #expect(after.count == 1 && Set(keys).isDisjoint(with: after))
            #expect(try await daemon.msgexport("dataset", "verify").code == 0)
            let segment = try #require(try delivered(in: fixture.data).first { $0.hasSuffix(".segment") })
            let file = try FileHandle(forUpdating: URL(filePath: segment))
            try file.seek(toOffset: 150)
            let byte = try #require(try file.read(upToCount: 1))
            try file.seek(toOffset: 150)
            try file.write(contentsOf: [byte[byte.startIndex] ^ 1])
            try file.close()
            let bad = try await daemon.msgexport("dataset", "verify")
            #expect(bad.code == 11 && bad.output.contains("is damaged"), "\(bad.output)")
        }
    }

    @Test func `a sandbox that has what it may have is refused more, and others are not`() async throws {
        try await withFilled { _, daemon, client in
            for command in [
                ["sandbox", "create", "other"], ["sandbox", "edit", "prod", "--quota-records-per-day", "4"],
                ["access", "grant", "sender", "operator", "--user", "\(geteuid())", "--sandbox", "other"],
                [
                    "configuration", "create", "sms", "--channel", "sms", "--message-export", "on", "--submit", "--sandbox",
                    "other",
                ],
            ] {
                let ended = try await Programs.run(Programs.client, command + ["--socket", daemon.socket])
                #expect(ended.code == 0, "\(command): \(ended.errors)")
            }
            let refused = try await ingestSms(daemon, "one more", id: "z")
            #expect(refused.code == 8 && refused.output.contains("one day may have"), "\(refused)")
            let elsewhere = try await daemon.msgexport(
                "ingest", "sms", "--configuration", "sms", "--from", "1", "--to", "2", "--sandbox", "other", "text")
            #expect(elsewhere.code == 0, "\(elsewhere.errors)")
            #expect(try await client.newestRecords(1).map(\.message.id.value) == ["d"])
        }
    }

    @Test func `a dataset that cannot be opened fails alone, and is served again when its cause is gone`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                #expect(try await ingestSms(daemon, "text", id: "a").code == 0)
                #expect(try await daemon.msgexport("sandbox", "create", "other").code == 0)
            }
            // Its key's folder is a file: nothing can be listed in it.
            let keys = try #require(try delivered(in: fixture.data).first { $0.hasSuffix(".key") && $0.contains("/keys/") })
            let epoch = (keys as NSString).deletingLastPathComponent
            try FileManager.default.moveItem(atPath: epoch, toPath: epoch + "-aside")
            try "in the way".write(toFile: epoch, atomically: true, encoding: .utf8)
            let ended = try await fixture.withDaemon { daemon in
                let sandboxes = try await daemon.msgexport("health").output
                #expect(!sandboxes.isEmpty)
                #expect(try await daemon.msgexport("health", "messageexport.v1.IngestionService").code != 0)
                #expect(try await ingestSms(daemon, "text", id: "b").code != 0)
                #expect(
                    try await daemon.msgexport("access", "grant", "viewer", "--user", "\(geteuid())", "--sandbox", "other").code
                        == 0)
                #expect(try await daemon.msgexport("dataset", "show", "--sandbox", "other").code == 0, "the other one is served")
            }
            #expect(ended.log.contains("cannot be opened"))
            try FileManager.default.removeItem(atPath: epoch)
            try FileManager.default.moveItem(atPath: epoch + "-aside", toPath: epoch)
            let again = try await fixture.withDaemon { try await $0.msgexport("dataset", "get", "a").code }
            #expect(again.value == 0)
        }
    }
}
