import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// Dataflows, runs and manifests on the command line.
@Suite struct ExportCommandTests {
    /// A daemon with a dataflow `daily` that runs when asked, to a folder, and `records` SMS.
    private func withArchive(
        records: Int = 3, options: [String] = ["--manual"], daemon: [String] = [],
        _ body: @Sendable (DaemonFixture.Running, FilePath) async throws -> Void
    ) async throws -> (code: Int32, log: String) {
        try await withTemporaryFolder { folder in
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let ended = try await DaemonFixture(folder).withDaemon(options: daemon) { running in
                try await createFlow(running, to: archive, options: options)
                for number in 0..<records { #expect(try await ingestSms(running, "\(number)").code == 0) }
                try await body(running, archive)
            }
            return (ended.code, ended.log)
        }
    }

    @Test func `a dataflow is edited, disabled and enabled, and its times can be taken back`() async throws {
        _ = try await withArchive(options: ["--every", "15m"]) { (daemon, _) async throws in
            func edit(_ arguments: String...) async throws -> Programs.Ended {
                try await Programs.run(
                    Programs.client, ["dataflow", "edit", "daily", "-o", "json", "--socket", daemon.socket] + arguments)
            }
            #expect(try text(try await edit("--daily", "2:30").output, "schedule") == "daily at 02:30")
            let bounded = try await edit("--start", "2126-01-01T00:00:00Z", "--end", "2126-02-01T00:00:00Z")
            #expect(try text(bounded.output, "start") == "2126-01-01T00:00:00.000Z")
            #expect(try text(bounded.output, "nextRunAt").hasPrefix("2126-01-01"))
            let open = try document(try await edit("--start", "none", "--end", "none").output)
            #expect(open["start"] == nil && open["end"] == nil)
            let disabled = try document(try await daemon.msgexport("dataflow", "disable", "daily", "-o", "json").output)
            #expect(disabled["nextRunAt"] is NSNull && disabled["enabled"] as? Bool == false)
            let enabled = try document(try await daemon.msgexport("dataflow", "enable", "daily", "-o", "json").output)
            #expect(enabled["nextRunAt"] is String)
            let shown = try document(try await daemon.msgexport("dataflow", "show", "daily", "-o", "json").output)
            #expect(shown["waitingRecords"] as? Int == 3 && shown["oldestWaitingExpiresAt"] is String)
            #expect(try await edit("--if-revision", "1", "--every", "1h").code == 6, "ABORTED")
            let cases: [([String], Int32, String)] = [
                ([], 3, "nothing is to be changed"), (["--every", "2h"], 2, "is none of 15m"),
                (["--every", "200000000000000000h"], 2, "is none of 15m"),
                (["--daily", "24:00"], 2, "no time of day"),
                (["--every", "1h", "--once"], 2, "exclude each other"),
                (["--end", "2020-01-01T00:00:00Z"], 3, "no run would be due"),
                (["--start", "soon"], 2, "not a time"), (["--folder", "../up"], 2, "no name of a folder"),
                (["--folder", "%NAME%"], 2, "no macro"),
                (["--folder", String(repeating: "x", count: 300)], 2, "at most 255 bytes"),
                (["--compression", "zstd"], 3, "cannot be compressed"),
                (["--file-size", "8GiB"], 3, "4294967296"), (["--destination", "archiv"], 4, "did you mean archive?"),
            ]
            for (arguments, code, message) in cases {
                let ended = try await Programs.run(
                    Programs.client, ["dataflow", "edit", "daily", "--socket", daemon.socket] + arguments)
                #expect(ended.code == code && ended.errors.contains(message), "\(arguments): \(ended.code) \(ended.errors)")
            }
        }
    }

    @Test func `a run whose destination is not there fails, says why, and is taken up again`() async throws {
        _ = try await withArchive { (daemon, archive) async throws in
            try FileManager.default.moveItem(atPath: archive.string, toPath: archive.string + "-away")
            let failed = try await daemon.msgexport("dataflow", "run", "daily", "--wait", "-o", "json")
            #expect(failed.code == 1)
            #expect(try text(failed.output, "state") == "FAILED")
            #expect(try text(failed.output, "error").contains(archive.string))
            let id = try text(failed.output, "id")
            #expect(try await daemon.msgexport("run", "list").output.contains("No such file"))
            #expect(try await daemon.msgexport("status").output.contains("RUN_FAILED"))
            #expect(try await daemon.msgexport("run", "cancel", id).code == 6, "it has ended")
            // What a link leads to is somebody else's.
            try FileManager.default.createSymbolicLink(atPath: archive.string, withDestinationPath: archive.string + "-away")
            let linked = try await daemon.msgexport("run", "retry", id, "--wait", "-o", "json")
            #expect(linked.code == 1)
            #expect(try text(linked.output, "error").contains("link"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: archive.string + "-away") == [])
            try FileManager.default.removeItem(atPath: archive.string)
            try FileManager.default.moveItem(atPath: archive.string + "-away", toPath: archive.string)
            let done = try await daemon.msgexport("run", "retry", id, "--wait", "-o", "json")
            #expect(done.code == 0)
            #expect(
                try (text(done.output, "id"), number(done.output, "recordsExported"), number(done.output, "attempts")) == (
                    id, 3, 3
                ))
            #expect(try await daemon.msgexport("run", "retry", id).code == 6, "it has succeeded")
            #expect(try await daemon.msgexport("run", "show", "nothing").code == 4)
            let alerts = try await daemon.msgexport("dataflow", "alerts")
            #expect(alerts.output.contains("RUN_FAILED") && alerts.output.contains("RUN_SUCCEEDED"))
            #expect(try await daemon.msgexport("dataflow", "alerts", "--open", "-o", "json").output == "[]\n")
            let status = try document(try await daemon.msgexport("status", "-o", "json").output)
            #expect((status["alerts"] as? [Any])?.isEmpty == true && status["nextRunAt"] is NSNull)
        }
    }

    @Test func `a path with control characters, and a link, are refused as destinations`() async throws {
        _ = try await withArchive(records: 0) { (daemon, archive) async throws in
            let ended = try await daemon.msgexport("destination", "create", "d", "--type", "local", "--path", "/tmp/\u{1}")
            #expect(ended.code == 3, "\(ended.errors)")
            let link = archive.string + "-link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: archive.string)
            #expect(try await daemon.msgexport("destination", "create", "d", "--type", "local", "--path", link).code == 6)
        }
    }

    // MARK: Manifests

    /// Something done to a folder of two manifests, of which `paths` are the files; and what must be said of it.
    private struct Tampering: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let says: String
        let isBad: Bool
        let act: @Sendable (_ manifests: [String], _ parts: [String]) throws -> Void

        init(
            _ description: String, _ says: String, isBad: Bool = true,
            _ act: @escaping @Sendable (_ manifests: [String], _ parts: [String]) throws -> Void
        ) {
            (testDescription, self.says, self.isBad, self.act) = (description, says, isBad, act)
        }
    }

    private static func change(_ path: String, _ body: (inout Data) -> Void) throws {
        var data = try Data(contentsOf: URL(filePath: path))
        body(&data)
        try data.write(to: URL(filePath: path))
    }

    private static let tamperings = [
        Tampering("nothing", "good", isBad: false) { _, _ in },
        Tampering("a file that is shorter", "bytes, and the manifest says") { _, parts in try change(parts[0]) { $0.removeLast() }
        },
        Tampering("a file with another byte", "its SHA-256 is another") { _, parts in try change(parts[1]) { $0[20] ^= 1 } },
        Tampering("a file that is gone", "it is missing") { _, parts in try FileManager.default.removeItem(atPath: parts[0]) },
        Tampering("a file that is a link to its own content", "it is a link") { _, parts in
            try FileManager.default.moveItem(atPath: parts[0], toPath: parts[0] + ".real")
            try FileManager.default.createSymbolicLink(atPath: parts[0], withDestinationPath: parts[0] + ".real")
        },
        Tampering("a pipe in the place of a file", "no regular file") { _, parts in
            try FileManager.default.removeItem(atPath: parts[0])
            mkfifo(parts[0], 0o600)
        },
        Tampering("a further file of a run", "no manifest names it") { _, parts in
            try FileManager.default.copyItem(atPath: parts[0], toPath: parts[0].replacing("part-00000", with: "part-00001"))
        },
        Tampering("a file of a run that has no manifest", "UNLISTED FILE", isBad: false) { _, parts in
            let run = parts[0].split(separator: "part-00000-")[1]
            try FileManager.default.copyItem(atPath: parts[0], toPath: parts[0].replacing(run, with: "another.json.gz"))
        },
        Tampering("a manifest that counts another way", "did not sign it") { manifests, _ in
            try change(manifests[0]) {
                $0 = Data(String(decoding: $0, as: UTF8.self).replacing("\"exported\":", with: "\"exported\":1").utf8)
            }
        },
        Tampering("a manifest that is cut", "does not end in a signature") { manifests, _ in
            try change(manifests[1]) { $0 = $0.prefix(100) }
        },
        Tampering("the first manifest gone", "is not here") { manifests, _ in
            let first = try #require(
                try manifests.first { try !String(contentsOfFile: $0, encoding: .utf8).contains("\"previous\"") })
            try FileManager.default.removeItem(atPath: first)
        },
        Tampering("no manifest at all", "there is no manifest") { manifests, parts in
            for path in manifests + parts { try FileManager.default.removeItem(atPath: path) }
        },
    ]

    @Test func `what was done to a folder of exports is found and named, and what was not is good`() async throws {
        _ = try await withArchive(options: ["--manual", "--folder", "%DATETIME%"]) { (daemon, archive) async throws in
            #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
            #expect(try await ingestSms(daemon, "more").code == 0)
            #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
            let key = archive.string + ".key.json"
            let organization = try await daemon.msgexport("organization", "show", "-o", "json").output
            try organization.write(toFile: key, atomically: true, encoding: .utf8)
            for tampering in Self.tamperings {
                let copy = archive.string + "-copy"
                try? FileManager.default.removeItem(atPath: copy)
                try FileManager.default.copyItem(atPath: archive.string, toPath: copy)
                let files = try delivered(in: FilePath(copy))
                try tampering.act(files.filter { $0.contains("/manifest-") }, files.filter { $0.contains("/part-") })
                for folder in [copy, copy + "-link"] {
                    if folder != copy {
                        try? FileManager.default.removeItem(atPath: folder)
                        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: copy)
                    }
                    let ended = try await Programs.run(Programs.client, ["manifest", "verify", folder, "--public-key", key])
                    #expect(ended.code == (tampering.isBad ? 11 : 0), "\(tampering.testDescription): \(ended.output)")
                    #expect(ended.output.contains(tampering.says), "\(tampering.testDescription): \(ended.output)")
                }
            }
            try await expectKeys(archive.string, organization)
        }
    }

    private func expectKeys(_ folder: String, _ organization: String) async throws {
        func verify(_ arguments: String...) async throws -> Programs.Ended {
            try await Programs.run(Programs.client, ["manifest", "verify", folder] + arguments)
        }
        let digits = try text(organization, "signingKey")
        #expect(try await verify("--public-key", digits).code == 0)
        #expect(try await verify("--public-key", String(repeating: "0", count: 64)).output.contains("did not sign it"))
        let unchecked = try await verify()
        #expect(unchecked.code == 0 && unchecked.output.contains("NOT CHECKED"))
        for key in [folder, folder + "/none", "/dev/null"] {
            let ended = try await verify("--public-key", key)
            #expect(ended.code != 0 && !ended.errors.contains("NSCocoa"), "\(ended.errors)")
        }
        let nowhere = try await Programs.run(Programs.client, ["manifest", "verify", folder + "-none"])
        #expect(nowhere.code == 4 && nowhere.errors.contains("there is no folder"))
    }

    // MARK: Alerts

    @Test func `the alert command gets each alert as JSON and nothing else`() async throws {
        try await withTemporaryFolder { folder in
            let (script, output) = (folder.appending("alert").string, folder.appending("alerts").string)
            try "#!/bin/sh\n/usr/bin/env >>\(output).env\n/bin/cat >>\(output)\n".write(
                toFile: script, atomically: true, encoding: .utf8)
            chmod(script, 0o700)
            let ended = try await withArchive(daemon: ["--alert-command", script]) { (daemon, archive) async throws in
                #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
                try await wait(for: "the alert") {
                    (try? String(contentsOfFile: output, encoding: .utf8))?.contains("\n") == true
                }
            }
            #expect(ended.code == 0)
            let alert = try document(String(contentsOfFile: output, encoding: .utf8))
            #expect(alert["alert"] as? String == "RUN_SUCCEEDED" && alert["dataflow"] as? String == "daily")
            #expect(alert["sandbox"] as? String == "prod" && alert["run"] is String)
            let environment = try String(contentsOfFile: output + ".env", encoding: .utf8)
            // The shell's own.
            #expect(
                environment.split(separator: "\n").allSatisfy {
                    $0.hasPrefix("PWD=") || $0.hasPrefix("_=") || $0.hasPrefix("SHLVL=")
                })
        }
    }

    @Test(arguments: ["/bin/true", "/bin/false"])
    func `an alert command that reads nothing, or fails, does no harm`(_ command: String) async throws {
        let ended = try await withArchive(daemon: ["--alert-command", command]) { (daemon, _) async throws in
            for _ in 0..<25 { #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0) }
        }
        #expect(ended.code == 0)
        #expect(ended.log.contains("the alert command failed") == (command == "/bin/false"))
    }

    @Test func `an alert command that hangs does not hold up a stop, and leaves no process`() async throws {
        try await withTemporaryFolder { folder in
            let (script, child) = (folder.appending("hang").string, folder.appending("child").string)
            try "#!/bin/sh\n/bin/sleep 1000 &\necho $! >\(child)\nwait\n".write(toFile: script, atomically: true, encoding: .utf8)
            chmod(script, 0o700)
            let ended = try await withArchive(daemon: ["--alert-command", script]) { (daemon, _) async throws in
                for _ in 0..<5 { #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0) }
                try await wait(for: "the command") {
                    (try? String(contentsOfFile: child, encoding: .utf8))?.contains("\n") == true
                }
            }
            #expect(ended.code == 0)
            let pid = try #require(
                Int32(try String(contentsOfFile: child, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
            // Gone, or ended and nobody has asked for how yet.
            let state = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
            #expect(state == nil || state?.contains(") Z ") == true, "\(state ?? "")")
        }
    }

    @Test(arguments: ["/nonexistent", "/etc/passwd", "/etc", ""])
    func `an alert command that cannot be run is refused at the start`(_ command: String) async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let ended = try await Programs.run(Programs.daemon, ["serve"] + fixture.arguments + ["--alert-command", command])
            #expect(ended.code == 2 && ended.errors.contains("--alert-command"), "\(ended.errors)")
        }
    }

    @Test func `who waits for a run is told when the daemon stops before its end`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let first = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: archive, options: ["--manual", "--compression", "none", "--file-size", "1MiB"])
                let mails = folder.appending("mails").string
                try FileManager.default.createDirectory(atPath: mails, withIntermediateDirectories: false)
                let body = String(repeating: "x", count: 600 << 10)
                for number in 0..<60 {
                    try "From: a@b\nSubject: \(number)\n\n\(body)\n".write(
                        toFile: "\(mails)/\(number)", atomically: false, encoding: .utf8)
                }
                let ingested = try await daemon.msgexport("ingest", "email", "--configuration", "mail", mails)
                #expect(ingested.code == 0, "\(ingested.errors)")
                async let waited = daemon.msgexport("dataflow", "run", "daily", "--wait")
                // In the middle of it.
                try await wait(for: "three files") { try delivered(in: archive).count >= 3 }
                try daemon.terminate()
                return try await waited
            }.value
            #expect(first.code == 9 && first.errors.contains("goes on when it is back"), "\(first)")
            _ = try await fixture.withDaemon { daemon in
                let run = try text(
                    try await daemon.msgexport("run", "list", "-o", "json").output.replacing("[", with: "").replacing(
                        "]", with: ""), "id")
                let ended = try await daemon.msgexport("run", "watch", run, "-o", "json")
                #expect(ended.code == 0, "\(ended)")
                #expect(try number(ended.output, "recordsExported") == 60)
            }
        }
    }
}
