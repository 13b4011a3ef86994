import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// What `msgexportd` does to a data folder that no daemon serves.
@Suite struct OfflineTests {
    private func msgexportd(_ fixture: DaemonFixture, _ arguments: String..., key: FilePath? = nil) async throws -> Programs.Ended
    {
        try await Programs.run(
            Programs.daemon,
            arguments + ["--data", fixture.data.string, "--master-key", (key ?? fixture.masterKey).string])
    }

    private func withFilled(_ body: (DaemonFixture) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                for index in 1...3 { #expect(try await ingestSms(daemon, "text \(index)", id: "m\(index)").code == 0) }
            }
            try await body(fixture)
        }
    }

    private func flip(_ path: String, at offset: UInt64) throws {
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: offset)
        let byte = try #require(try file.read(upToCount: 1))
        try file.seek(toOffset: offset)
        try file.write(contentsOf: [byte[byte.startIndex] ^ 1])
        try file.close()
    }

    private func file(_ fixture: DaemonFixture, _ suffix: String) throws -> String {
        try #require(
            try delivered(in: fixture.data).first { $0.hasSuffix(suffix) && !$0.hasSuffix("signing.key") }, "\(suffix)")
    }

    @Test func `check finds nothing where all is good, names what is damaged, and repair mends what can be`() async throws {
        try await withFilled { fixture in
            let good = try await msgexportd(fixture, "check")
            #expect(good.code == 0 && good.output.contains("all is good") && good.output.contains("3 records, good"), "\(good)")
            try flip(file(fixture, ".key"), at: 4096 + 60)
            try flip(file(fixture, ".index"), at: 9000)
            let bad = try await msgexportd(fixture, "check")
            #expect(bad.code == 1, "\(bad)")
            #expect(bad.output.contains("copy 2 of key file") && bad.output.contains("index"), "\(bad.output)")
            let mended = try await msgexportd(fixture, "check", "--repair")
            #expect(mended.output.contains("mended: key file") && mended.code == 0, "\(mended.output)")
            #expect(try await msgexportd(fixture, "check").code == 0)
            try flip(file(fixture, ".segment"), at: 150)
            let lost = try await msgexportd(fixture, "check", "--repair")
            #expect(lost.code == 1 && lost.output.contains("sequences 1 to 1"), "what is lost stays lost: \(lost.output)")
            let served = try await fixture.withDaemon { daemon in
                #expect(try await msgexportd(fixture, "check").errors.contains("in use by another daemon"))
                return try await daemon.msgexport("dataset", "get", "m2").code
            }
            #expect(served.value == 0)
        }
    }

    @Test func `the master key is changed, with all that hangs on it, and the old one is good for nothing`() async throws {
        try await withFilled { fixture in
            let new = fixture.folder.appending("new.key")
            let password = fixture.folder.appending("password").string
            try "hunter2".write(toFile: password, atomically: true, encoding: .utf8)
            _ = try await fixture.withDaemon { daemon in
                #expect(try await daemon.msgexport("organization", "approve", "host", "127.0.0.1").code == 0)
                let created = try await daemon.msgexport(
                    "destination", "create", "far", "--type", "rclone", "--backend", "webdav", "--option",
                    "url=https://127.0.0.1:9", "--user", "u", "--secret", "pass=\(password)", "--skip-test")
                #expect(created.code == 0, "\(created.errors)")
            }
            let changed = try await msgexportd(fixture, "rotate-master-key", "--new-master-key", new.string)
            #expect(changed.code == 0 && changed.output.contains("nothing hangs on the old key"), "\(changed)")
            #expect(try await msgexportd(fixture, "check").code == 1)
            let checked = try await msgexportd(fixture, "check", key: new)
            #expect(checked.code == 0 && checked.output.contains("3 records, good"), "\(checked)")
            let again = try await msgexportd(fixture, "rotate-master-key", "--new-master-key", new.string)
            #expect(again.code == 0 && again.output.contains("0 keys wrapped by the new key, 1 were already"), "\(again)")
            try FileManager.default.removeItem(atPath: fixture.masterKey.string)
            try FileManager.default.moveItem(atPath: new.string, toPath: fixture.masterKey.string)
            let ended = try await fixture.withDaemon { daemon in
                #expect(try await daemon.msgexport("dataset", "get", "m3").code == 0)
                #expect(try await ingestSms(daemon, "text 1", id: "m1").output.contains("DUPLICATE"))
                // Its password can be opened: nobody listens there.
                let tested = try await daemon.msgexport("destination", "test", "far")
                #expect(tested.output.contains("not reachable"), "\(tested.output) \(tested.errors)")
                return try await daemon.msgexport("audit", "list", "--organization", "--action", "master-key.rotate").output
            }
            #expect(ended.value.contains("master-key.rotate"))
        }
    }

    @Test func `a change of the master key that a stop cut off keeps daemons from starting, and is gone on with`() async throws {
        try await withFilled { fixture in
            let new = fixture.folder.appending("new.key")
            #expect(try await msgexportd(fixture, "rotate-master-key", "--new-master-key", new.string).code == 0)
            // As if it had been cut off before its end: the note is there, and the catalog knows the new key.
            try "x\n".write(toFile: fixture.data.appending("master-key-rotation").string, atomically: true, encoding: .utf8)
            let refused = await #expect(throws: NotServing.self) { try await fixture.withDaemon { _ in } }
            #expect(refused?.log.contains("is being changed") == true)
            let other = fixture.folder.appending("other.key")
            let wrong = try await msgexportd(fixture, "rotate-master-key", "--new-master-key", other.string)
            #expect(wrong.code == 1, "neither of the keys is the right one: \(wrong)")
            #expect(try await msgexportd(fixture, "rotate-master-key", "--new-master-key", new.string).code == 0)
            #expect(try await msgexportd(fixture, "check", key: new).code == 0)
        }
    }

    @Test func `what is no data folder is told so`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            for command in [["check"], ["rotate-master-key", "--new-master-key", folder.appending("n").string]] {
                let ended = try await Programs.run(
                    Programs.daemon, command + ["--data", fixture.data.string, "--master-key", fixture.masterKey.string])
                #expect(ended.code == 1 && ended.errors.contains("is no data folder"), "\(ended)")
            }
        }
    }
}
