import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// The main job through the built programs and a real socket.
@Suite struct MainJobTests {
    @Test func `messages of flagged configurations are stored and exported, the others are not`() async throws {
        try await withTemporaryFolder { folder in
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let ended = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: archive)
                let mail = folder.appending("mail.eml").string
                try "From: a@example.com\nTo: b@example.com\nSubject: Grüße\n\nHello\n".write(
                    toFile: mail, atomically: true, encoding: .utf8)

                func outcome(_ arguments: String..., input: String = "") async throws -> String {
                    let ended = try await Programs.run(
                        Programs.client, ["ingest"] + arguments + ["-o", "json", "--socket", daemon.socket], input: input)
                    return try text(ended.output, "outcome")
                }
                #expect(try await outcome("email", "--configuration", "mail", "--message-id", "m-1", mail) == "STORED")
                #expect(try await outcome("email", "--configuration", "mail", "--message-id", "m-1", mail) == "DUPLICATE")
                #expect(try await outcome("email", "--configuration", "off", mail) == "EXPORT_DISABLED")
                let sms = ["sms", "--configuration", "sms", "--from", "24365", "--to", "+12025550123"]
                #expect(
                    try await outcome(sms[0], sms[1], sms[2], sms[3], sms[4], sms[5], sms[6], "-", input: "今日は 🦷\n") == "STORED")

                let run = try await daemon.msgexport("dataflow", "run", "daily", "--wait", "-o", "json")
                #expect(run.code == 0, "\(run.errors)")
                #expect(try number(run.output, "recordsExported") == 2)
                let rows = try await exportedRows(in: archive)
                #expect(rows.map { $0["_id"] as? String }.contains("m-1"))
                let contents = rows.map { content($0) }
                #expect((contents[0]["emailContent"] as? [String: Any])?["text"] as? String == "Hello\n")
                #expect((contents[1]["smsContent"] as? [String: Any])?["message"] as? String == "今日は 🦷")

                let second = try await daemon.msgexport("dataflow", "run", "daily", "--wait", "-o", "json")
                #expect(try number(second.output, "recordsExported") == 0, "the cursor moved")
            }
            #expect(ended.code == 0)
        }
    }

    @Test func `the manifest counts and hashes what was delivered`() async throws {
        try await withTemporaryFolder { folder in
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: archive)
                for text in ["one", "two", "three"] { #expect(try await ingestSms(daemon, text).code == 0) }
                #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
                let files = try delivered(in: archive)
                let path = try #require(files.first { $0.contains("/manifest-") })
                let manifest = try document(String(contentsOfFile: path, encoding: .utf8))
                let results = try #require(manifest["exportResults"] as? [[String: Any]])
                #expect(results.count == 1)
                let name = try #require(results[0]["name"] as? String)
                let data = try #require(files.first { $0.hasSuffix(name) })
                let sum = try await Programs.run("/usr/bin/sha256sum", [data])
                #expect(sum.output.hasPrefix(try #require(results[0]["sha256"] as? String)))
                #expect(results[0]["size"] as? Int == (try Data(contentsOf: URL(filePath: data))).count)
                #expect((manifest["records"] as? [String: Any])?["exported"] as? Int == 3)
                #expect(try await exportedRows(in: archive).count == 3)
            }
        }
    }

    @Test func `what was stored is there after a restart, and shown by dataset get`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                #expect(try await ingestSms(daemon, "keep me", id: "s-1").code == 0)
            }
            _ = try await fixture.withDaemon { daemon in
                let shown = try await daemon.msgexport("dataset", "get", "s-1", "-o", "json")
                #expect(shown.code == 0)
                #expect((content(try document(shown.output))["smsContent"] as? [String: Any])?["message"] as? String == "keep me")
                let other = try await ingestSms(daemon, "something else", id: "s-1")
                #expect(other.code == 5, "ALREADY_EXISTS")
                let table = try await daemon.msgexport("dataset", "get", "s-1")
                #expect(table.output.contains("keep me"))
                #expect(try await daemon.msgexport("dataset", "get", "s-2").code == 4)
                #expect(try text(try await ingestSms(daemon, "keep me", id: "s-1").output, "outcome") == "DUPLICATE")
            }
        }
    }

    @Test func `a draft takes no messages until it is submitted, and a flag is in force when its command returns`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                let create = try await daemon.msgexport(
                    "configuration", "create", "sms", "--channel", "sms", "--message-export", "on")
                #expect(create.code == 0)
                let refused = try await ingestSms(daemon, "x")
                #expect(refused.code == 6, "FAILED_PRECONDITION")
                #expect(refused.output.contains("DRAFT"))
                #expect(try await daemon.msgexport("configuration", "submit", "sms").code == 0)
                #expect(try text(try await ingestSms(daemon, "x").output, "outcome") == "STORED")
            }
        }
    }

    @Test func `what is wrong is refused with its code, its place and what to do, and the rest of a folder goes on`() async throws
    {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let mails = folder.appending("mails").string
                try FileManager.default.createDirectory(atPath: mails, withIntermediateDirectories: false)
                try "From: a@b\n\nx\n".write(toFile: mails + "/1-good", atomically: true, encoding: .utf8)
                try "this is no mail".write(toFile: mails + "/2-bad", atomically: true, encoding: .utf8)
                try "From: a@b\n\ny\n".write(toFile: mails + "/3-good", atomically: true, encoding: .utf8)
                let folderIngest = try await daemon.msgexport("ingest", "email", "--configuration", "mail", mails)
                #expect(folderIngest.code == 3)
                #expect(folderIngest.output.contains("2 STORED, 1 refused"))
                #expect(folderIngest.errors.contains("2-bad: not a mail"))

                func code(_ arguments: String...) async throws -> Int32 {
                    try await Programs.run(Programs.client, arguments + ["--socket", daemon.socket]).code
                }
                #expect(try await code("ingest", "email", "--configuration", "none", mails + "/1-good") == 4)
                #expect(try await code("ingest", "email", "--configuration", "sms", mails + "/1-good") == 3, "the wrong channel")
                #expect(try await code("ingest", "email", "--configuration", "mail", mails + "/missing") == 4)
                #expect(try await code("configuration", "create", "mail", "--channel", "email") == 5)
                #expect(try await code("configuration", "create", "1", "--channel", "email") == 3)
                #expect(try await code("configuration", "create", "push", "--channel", "push") == 2)
                #expect(try await code("destination", "create", "d", "--type", "local", "--path", "/nowhere/at/all") == 6)
                #expect(try await code("dataflow", "create", "f", "--destination", "none", "--format", "json") == 4)
                #expect(try await code("dataflow", "run", "none") == 4)
                #expect(try await code("status", "--sandbox", "other") == 7)
                #expect(try await code("sttus") == 2)
                #expect(try await Programs.run(Programs.client, ["status", "--socket", folder.string + "/none"]).code == 9)
            }
        }
    }
}
