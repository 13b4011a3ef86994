import Foundation
import SystemPackage
import TestSupport
import Testing

/// Backup of a daemon at work, and its life after a restore.
@Suite(.timeLimit(.minutes(5))) struct BackupTests {
    private func msgexportd(_ arguments: [String]) async throws -> Programs.Ended {
        try await Programs.run(Programs.daemon, arguments)
    }

    /// A daemon in another folder, under the master key of the first.
    private func second(_ first: DaemonFixture, in folder: FilePath) throws -> DaemonFixture {
        let second = DaemonFixture(folder.appending("second"))
        try FileManager.default.createDirectory(atPath: second.folder.string, withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: first.masterKey.string, toPath: second.masterKey.string)
        return second
    }

    private func restore(_ backup: String, to fixture: DaemonFixture) async throws -> Programs.Ended {
        try await msgexportd([
            "restore", "--from", backup, "--data", fixture.data.string, "--master-key", fixture.masterKey.string,
        ])
    }

    @Test func `made under load and restored elsewhere, all that was set up goes on, and what was stored does not come back`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let first = DaemonFixture(folder)
            let backup = folder.appending("backup").string
            let out = folder.appending("out")
            try FileManager.default.createDirectory(atPath: out.string, withIntermediateDirectories: false)
            _ = try await first.withDaemon { daemon in
                try await createFlow(daemon, to: out)
                for index in 0..<5 { #expect(try await ingestSms(daemon, "before \(index)", id: "b\(index)").code == 0) }
                #expect(try await daemon.msgexport("dataflow", "run", "daily", "--wait").code == 0)
                let ended = try await withThrowingTaskGroup(of: Programs.Ended?.self) { group in
                    for lane in 0..<3 {
                        group.addTask {
                            for index in 0..<10 {
                                #expect(try await ingestSms(daemon, "during", id: "d\(lane)-\(index)").code == 0)
                                let title = try await daemon.msgexport("organization", "set", "--name", "name \(lane) \(index)")
                                #expect(title.code == 0)
                            }
                            return nil
                        }
                    }
                    group.addTask {
                        try await msgexportd([
                            "backup", "--to", backup, "--data", first.data.string, "--master-key", first.masterKey.string,
                        ])
                    }
                    var ended: Programs.Ended?
                    for try await each in group { ended = ended ?? each }
                    return ended
                }
                #expect(ended?.code == 0 && ended?.output.contains("organization ") == true, "\(ended?.errors ?? "")")
                #expect(try await ingestSms(daemon, "after", id: "a").code == 0)
            }
            let names = Set(try FileManager.default.contentsOfDirectory(atPath: backup))
            #expect(names == ["backup.json", "catalog.sqlite", "signing.key", "trusted-time"], "no record, and no key of one")
            for name in names {
                let mode = try FileManager.default.attributesOfItem(atPath: "\(backup)/\(name)")[.posixPermissions] as? Int
                #expect(mode == 0o600, "\(name)")
            }
            let new = try second(first, in: folder)
            let restored = try await restore(backup, to: new)
            #expect(restored.code == 0, "\(restored.errors)")
            let served = try await new.withDaemon { daemon in
                let shown = try await daemon.msgexport("dataset", "show", "-o", "json").output
                #expect(try number(shown, "records") == 0, "dead records stay dead")
                #expect(try await daemon.msgexport("audit", "verify").code == 0)
                #expect(try await daemon.msgexport("audit", "verify", "--organization").code == 0)
                let told = try await daemon.msgexport("audit", "list", "--action", "data.restore", "-o", "json").output
                #expect(told.contains("from a backup of"), "\(told)")
                #expect(
                    try await ingestSms(daemon, "before 0", id: "b0").output.contains("STORED"),
                    "grants and configurations are there")
                let run = try await daemon.msgexport("dataflow", "run", "daily", "--wait")
                #expect(run.code == 0, "\(run.errors)")
                let verified = try await Programs.run(Programs.client, ["manifest", "verify", out.string])
                #expect(verified.code == 0, "\(verified)")
                let manifests = try delivered(in: out).filter { $0.contains("manifest") && $0.hasSuffix(".json") }
                let texts = try manifests.map { try String(contentsOfFile: $0, encoding: .utf8) }
                #expect(texts.contains { $0.contains("\"restored\"") }, "\(texts)")
            }
            #expect(served.code == 0)
            let check = try await msgexportd(["check", "--data", new.data.string, "--master-key", new.masterKey.string])
            #expect(check.code == 0, "\(check.output)")
        }
    }

    @Test func `what cannot be right is refused by name, and nothing is left that could be served`() async throws {
        try await withTemporaryFolder { folder in
            let first = DaemonFixture(folder)
            let backup = folder.appending("backup").string
            _ = try await first.withDaemon { daemon in try await createFlow(daemon, to: nil) }
            let make = ["backup", "--data", first.data.string, "--to"]
            #expect(try await msgexportd(make + [backup]).code == 0)
            let again = try await msgexportd(make + [backup])
            #expect(again.code == 1 && again.errors.contains("holds something already"), "\(again.errors)")
            let nothing = try await msgexportd(["backup", "--data", folder.appending("none").string, "--to", backup + "2"])
            #expect(nothing.code == 1 && nothing.errors.contains("is no data folder"), "\(nothing.errors)")

            let onto = try await restore(backup, to: first)
            #expect(onto.code == 1 && onto.errors.contains("is not empty"), "\(onto.errors)")
            let new = try second(first, in: folder)
            let noKey = DaemonFixture(folder.appending("nokey"))
            let keyless = try await restore(backup, to: noKey)
            #expect(keyless.code == 1 && keyless.errors.contains("no master key"), "\(keyless.errors)")
            try String(repeating: "ab", count: 32).write(toFile: new.masterKey.string, atomically: false, encoding: .utf8)
            let wrong = try await restore(backup, to: new)
            #expect(wrong.code == 1 && wrong.errors.contains("not the master key"), "\(wrong.errors)")
            #expect(!FileManager.default.fileExists(atPath: new.data.string), "nothing is begun")
            // What a stop in the middle of it leaves.
            try FileManager.default.createDirectory(atPath: new.data.string, withIntermediateDirectories: false)
            try FileManager.default.copyItem(
                atPath: "\(backup)/catalog.sqlite", toPath: new.data.appending("restoring.sqlite").string)
            let half = await #expect(throws: NotServing.self) { try await new.withDaemon { _ in } }
            #expect(half?.log.contains("no catalog") == true, "\(half?.log ?? "")")

            func changed(_ name: String, _ change: (inout Data) -> Void) async throws -> String {
                let copy = folder.appending("copy").string
                try? FileManager.default.removeItem(atPath: copy)
                try FileManager.default.copyItem(atPath: backup, toPath: copy)
                var content = try Data(contentsOf: URL(filePath: "\(copy)/\(name)"))
                change(&content)
                try content.write(to: URL(filePath: "\(copy)/\(name)"))
                let target = DaemonFixture(folder.appending("target"))
                try? FileManager.default.createDirectory(atPath: target.folder.string, withIntermediateDirectories: false)
                try? FileManager.default.copyItem(atPath: first.masterKey.string, toPath: target.masterKey.string)
                let ended = try await restore(copy, to: target)
                #expect(ended.code == 1)
                return ended.errors
            }
            #expect(try await changed("catalog.sqlite") { $0[5000] ^= 1 }.contains("is not as it was written"))
            #expect(try await changed("signing.key") { $0.removeLast() }.contains("is not as it was written"))
            #expect(try await changed("backup.json") { $0 = $0.prefix(20) }.contains("is no whole backup"))
            #expect(
                try await changed("backup.json") {
                    $0 = Data(String(decoding: $0, as: UTF8.self).replacing("\"version\" : 1", with: "\"version\" : 2").utf8)
                }.contains("which is newer"))
        }
    }
}
