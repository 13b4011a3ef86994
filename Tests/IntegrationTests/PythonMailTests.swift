import Foundation
import SystemPackage
import TestSupport
import Testing

/// The mails of CPython's own email tests, ingested and exported, against what Python reads from the same files.
@Suite struct PythonMailTests {
    private static let mails = FilePath("/usr/lib/python3.11/test/test_email/data")
    private static let vectors = Programs.repository.appending("Tests/Vectors/mail")
    private static let names = ["subject", "text", "html", "from", "to", "cc", "bcc", "reply-to"]

    private func vector(_ name: String) throws -> [String: [String: Any]] {
        let data = try Data(contentsOf: URL(filePath: Self.vectors.appending(name).string))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: [String: Any]])
    }

    /// What a row says, in the words of the vectors.
    private func read(_ row: [String: Any]) -> [String: Any] {
        let rendered = content(row)["emailContent"] as? [String: Any] ?? [:]
        let group = row["messageExport"] as? [String: Any] ?? [:]
        let journey = (row["_experience"] as? [String: Any])?["customerJourneyManagement"] as? [String: Any]
        let metadata = (journey?["messageDeliveryMetadata"] as? [String: Any])?["emailMetadata"] as? [String: Any]
        let sender = metadata?["sender"] as? [String: Any] ?? [:]
        func addresses(_ list: [[String: Any]]) -> [[String: Any]] {
            list.map { ["email": $0["email"] ?? "", "name": $0["name"] ?? ""] }
        }
        var found: [String: Any] = ["from": sender["email"] == nil ? [] : addresses([sender])]
        for name in ["subject", "text", "html"] { found[name] = rendered[name] ?? NSNull() }
        for (name, key) in [("to", "to"), ("cc", "cc"), ("bcc", "bcc"), ("reply-to", "replyTo")] {
            found[name] = addresses(group[key] as? [[String: Any]] ?? [])
        }
        return found
    }

    /// What a row says beside that, in the words of `expect.py --whole`.
    private func readWhole(_ row: [String: Any]) -> [String: Any] {
        let group = row["messageExport"] as? [String: Any] ?? [:]
        var found = read(row)
        found["attachments"] = (group["attachments"] as? [[String: Any]] ?? []).map { attachment in
            let type = attachment["type"] as? String ?? ""
            var entry: [String: Any] = ["name": attachment["name"] ?? NSNull(), "type": type]
            if !type.hasPrefix("message/") { entry["sha256"] = attachment["sha256"] }
            return entry
        }
        let headers = group["headers"] as? [[String: Any]] ?? []
        found["x-note"] = headers.filter { ($0["name"] as? String)?.lowercased() == "x-note" }.compactMap { $0["value"] }
        return found
    }

    @Test(arguments: ["command line", "Python client"])
    func `200 awkward mails are exported as Python reads them, and given back byte for byte`(_ sender: String) async throws {
        let seed = ProcessInfo.processInfo.environment["SEED"] ?? "2026"
        try await withTemporaryFolder { folder in
            let (archive, mails) = (folder.appending("archive"), folder.appending("mails"))
            for made in [archive, mails] {
                try FileManager.default.createDirectory(atPath: made.string, withIntermediateDirectories: false)
            }
            let python = FilePath("/usr/bin/python3.11")
            let generated = try await Programs.run(
                python, [Self.vectors.appending("generate.py").string, seed, "200", mails.string])
            try #require(generated.code == 0, "\(generated.errors)")
            let files = try delivered(in: mails)
            let read = try await Programs.run(python, [Self.vectors.appending("expect.py").string, "--whole"] + files)
            let expected = try document(read.output)
            #expect(expected.count == 200)
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: archive)
                if sender == "Python client" {
                    let script = Programs.repository.appending("Tests/IntegrationTests/Clients/python_mails.py").string
                    let ended = try await Programs.run(
                        Programs.repository.appending(".build/clients/python/bin/python"), [script, daemon.socket, mails.string])
                    #expect(ended.code == 0, "\(ended.errors)")
                }
                let ingest =
                    sender == "command line" ? #""$0" ingest email --configuration mail --message-id "$mail" "$mail""# : "true"
                let each = """
                    for mail in *.eml; do
                        \(ingest) >/dev/null || echo "$mail is refused"
                        "$0" dataset get "$mail" --eml | cmp -s - "$mail" || echo "$mail is not what it was"
                    done
                    """
                let script = "cd '\(mails)'; export MESSAGE_EXPORT_SOCKET='\(daemon.socket)'; \(each)"
                let ended = try await Programs.run("/bin/bash", ["-c", script, Programs.client.string])
                #expect(ended.output + ended.errors == "", "SEED=\(seed)")
                #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
            }
            let rows = try await exportedRows(in: archive)
            #expect(rows.count == 200)
            for row in rows {
                let name = try #require(row["_id"] as? String)
                let wanted = try #require(expected[name] as? [String: Any])
                let found = readWhole(row)
                for field in Self.names + ["attachments", "x-note"] {
                    let (ours, pythons) = (found[field] as? NSObject, wanted[field] as? NSObject)
                    #expect(ours?.isEqual(pythons) == true, "SEED=\(seed) \(name), \(field)")
                }
            }
        }
    }

    @Test func `the vectors are what Python reads here`() async throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.mails.string).filter { $0.hasSuffix(".txt") }
            .sorted()
        #expect(files.count == 47)
        let python = try await Programs.run(
            "/usr/bin/python3.11", [Self.vectors.appending("expect.py").string] + files.map { Self.mails.appending($0).string })
        #expect(python.code == 0, "\(python.errors)")
        let committed = try String(contentsOfFile: Self.vectors.appending("expected.json").string, encoding: .utf8)
        #expect(python.output == committed)
    }

    @Test func `all 47 mails are exported as Python reads them, but for the differences that are explained`() async throws {
        let expected = try vector("expected.json")
        let differences = try vector("differences.json")
        #expect(expected.count == 47)
        #expect(differences.count <= 5)
        #expect(differences.values.allSatisfy { ($0["why"] as? String)?.isEmpty == false })
        try await withTemporaryFolder { folder in
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: archive)
                for name in try vector("expected.json").keys {
                    let ended = try await daemon.msgexport(
                        "ingest", "email", "--configuration", "mail", "--message-id", name, Self.mails.appending(name).string)
                    #expect(ended.code == (name == "msg_19.txt" ? 3 : 0), "\(name): \(ended.errors)")
                }
                #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
            }
            var rows: [String: [String: Any]] = [:]
            for row in try await exportedRows(in: archive) { rows[try #require(row["_id"] as? String)] = row }
            for (name, python) in expected {
                let difference = differences[name] ?? [:]
                guard let row = rows[name] else {
                    #expect(difference["exported"] is NSNull, "\(name) is missing")
                    continue
                }
                #expect(difference["exported"] == nil, "\(name) is exported after all")
                let found = read(row)
                for field in Self.names {
                    let wanted = difference[field] ?? python[field] ?? NSNull()
                    #expect(
                        (found[field] as? NSObject ?? NSNull()).isEqual(wanted as? NSObject ?? NSNull()),
                        "\(name), \(field): \(String(describing: found[field])) is not \(wanted)")
                    if let deliberate = difference[field] as? NSObject, let plain = python[field] as? NSObject {
                        #expect(!deliberate.isEqual(plain), "\(name), \(field) is no difference")
                    }
                }
            }
        }
    }
}
