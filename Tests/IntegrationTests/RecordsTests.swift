import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// Records that go from one daemon to another.
@Suite struct RecordsTests {
    /// The fields of `messageExport` that the daemon decides when it ingests.
    private static let decided = ["sequence", "ingestedAt", "expiresAt"]

    /// A daemon in a folder of its own, with a flow to `archive`.
    private func withDaemon(
        _ folder: FilePath, includingRaw: Bool, _ body: @Sendable (DaemonFixture.Running) async throws -> Void
    ) async throws -> [[String: Any]] {
        let archive = folder.appending("archive")
        try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: true)
        _ = try await DaemonFixture(folder).withDaemon { daemon in
            try await createFlow(daemon, to: archive, options: includingRaw ? ["--include-raw"] : [])
            try await body(daemon)
            let run = try await daemon.msgexport("dataflow", "run", "daily", "--wait")
            #expect(run.code == 0, "\(run.errors)")
        }
        return try await exportedRows(in: archive).sorted { ($0["_id"] as? String ?? "") < ($1["_id"] as? String ?? "") }
    }

    /// Its row without what the second ingestion decides anew.
    private func comparable(_ row: [String: Any], withHash: Bool) -> NSDictionary {
        var row = row
        var group = row["messageExport"] as? [String: Any] ?? [:]
        var configuration = group["configuration"] as? [String: Any] ?? [:]
        configuration["id"] = nil
        group["configuration"] = configuration
        for field in Self.decided + (withHash ? [] : ["contentSHA256"]) { group[field] = nil }
        row["messageExport"] = group
        return NSDictionary(dictionary: row)
    }

    private static let sent = Instant(milliseconds: Int64(Date().timeIntervalSince1970 + 3600) * 1000)

    @Test(arguments: [false, true])
    func `what was exported, ingested into another daemon and exported again, is the same row`(includingRaw: Bool) async throws {
        try await withTemporaryFolder { folder in
            let first = try await withDaemon(folder.appending("a"), includingRaw: includingRaw) { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                for message in [
                    try Message.emailWithEveryField(), try Message.smsWithEveryField(),
                    Message(
                        id: try MessageID("plain"), configuration: "sms", sentAt: Instant(milliseconds: 1_795_435_199_000),
                        content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "plain"))),
                ] {
                    // Later than the flag comes on, in the second daemon too.
                    var message = message
                    message.sentAt = Self.sent
                    #expect(try await client.ingest(message).outcome == .stored)
                }
                await client.close()
                let mail = "Subject: x\nTo: a@example.com\nContent-Type: text/html; charset=x-nobody\n\n<p>\u{1}</p>\n"
                let ended = try await daemon.msgexport(
                    "ingest", "email", "--configuration", "mail", "--message-id", "mail", "--sent-at", "\(Self.sent)", "-",
                    input: mail)
                #expect(ended.code == 0, "\(ended.errors)")
            }
            #expect(first.count == 4)
            let archive = folder.appending("a/archive").string
            let second = try await withDaemon(folder.appending("b"), includingRaw: includingRaw) { daemon in
                let ended = try await daemon.msgexport("ingest", "records", archive)
                #expect(ended.code == 0, "\(ended.errors)")
                #expect(ended.output.contains("4 STORED"))
                let again = try await daemon.msgexport("ingest", "records", archive)
                #expect(again.output.contains("4 DUPLICATE"))
            }
            #expect(second.count == 4)
            for (before, after) in zip(first, second) {
                // With the raw bytes nothing is lost, so the hash is that of the first; but where the first sender gave no time, one is given now.
                let hasAll = includingRaw
                #expect(comparable(before, withHash: hasAll) == comparable(after, withHash: hasAll))
            }
        }
    }

    @Test func `a record of many small attachments is shown as any other`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await withDaemon(folder.appending("a"), includingRaw: false) { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                let attachments = (0..<80_000).map { Attachment(name: nil, type: "a/b", content: [UInt8($0 & 0xFF)]) }
                let message = Message(
                    id: try MessageID("many"), configuration: "mail",
                    content: .email(Email(subject: "s", attachments: attachments)))
                #expect(try await client.ingest(message).outcome == .stored)
                for records in [try await client.records(messageID: "many"), try await client.newestRecords(1)] {
                    guard case .email(let email) = records.first?.message.content else {
                        return #expect(Bool(false), "not there")
                    }
                    #expect(email.attachments.map(\.size) == attachments.map(\.size))
                }
                await client.close()
            }
        }
    }

    @Test func `lines that are no rows are named, and the rest goes on`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await withDaemon(folder.appending("a"), includingRaw: false) { daemon in
                let good =
                    #"{"_id":"1","_experience":{"customerJourneyManagement":{"messageDeliveryMetadata":{"smsMetadata":{"recipient":{"number":"2"},"sender":{"numbers":["1"]}}},"messageRenderedContent":{"smsContent":{"message":"m"}}}}}"#
                let lines = ["not json", good, "", good.replacing("\"_id\":\"1\"", with: "\"_id\":\"2\",\"surplus\":1")]
                let ended = try await daemon.msgexport(
                    "ingest", "records", "--configuration", "sms", "-", input: lines.joined(separator: "\n"))
                #expect(ended.code == 3)
                #expect(ended.output.contains("1 STORED, 2 refused"))
                #expect(ended.errors.contains("standard input, line 1: not valid JSON"))
                #expect(ended.errors.contains("standard input, line 4: there is no such member"))
                let cut = folder.appending("cut.json.gz").string
                try Data([0x1F, 0x8B, 8, 0, 0]).write(to: URL(filePath: cut))
                let damaged = try await daemon.msgexport("ingest", "records", cut)
                #expect(damaged.code == 3)
                #expect(damaged.errors.contains("damaged or cut off"))
            }
        }
    }
}
