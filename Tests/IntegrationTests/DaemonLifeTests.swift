import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// How the daemon starts, stops, and refuses to start.
@Suite struct DaemonLifeTests {
    @Test(arguments: [false, true])
    func `SIGTERM and SIGINT end it with code 0 and remove its socket`(interrupts: Bool) async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let ended = try await fixture.withDaemon { daemon in
                let mode = try FileManager.default.attributesOfItem(atPath: daemon.socket)[.posixPermissions] as? Int
                #expect(mode == 0o660)
                if interrupts { try daemon.interrupt() } else { try daemon.terminate() }
            }
            #expect(ended.code == 0)
            #expect(!FileManager.default.fileExists(atPath: fixture.socket))
        }
    }

    @Test func `what is under way when it is told to stop is answered`() async throws {
        try await withTemporaryFolder { folder in
            let ended = try await DaemonFixture(folder).withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
                _ = try await client.createConfiguration(
                    name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
                // Each call that is not answered with a result is refused by name, or was never read: none hangs.
                let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for index in 0..<200 {
                        group.addTask {
                            do {
                                let sms = Sms(senderNumbers: ["1"], recipientNumber: "2", text: "\(index)")
                                let message = Message(id: try MessageID("m\(index)"), configuration: "sms", content: .sms(sms))
                                _ = try await client.ingest(message)
                                return true
                            } catch let status as Status {
                                #expect(status.code == .unavailable)
                                return false
                            }
                        }
                    }
                    var answers: [Bool] = []
                    for try await answer in group {
                        if answers.isEmpty { try daemon.terminate() }
                        answers.append(answer)
                    }
                    return answers
                }
                #expect(answers.count == 200)
                #expect(answers.contains(true))
            }
            #expect(ended.code == 0)
            #expect(ended.log.contains("stopped serving"))
        }
    }

    @Test func `a data folder that another daemon has open is refused`() async throws {
        try await withTemporaryFolder { folder in
            let first = DaemonFixture(folder)
            _ = try await first.withDaemon { _ in
                let ended = try await Programs.run(
                    Programs.daemon,
                    ["--data", first.data.string, "--socket", first.socket + "2", "--master-key", first.masterKey.string])
                #expect(ended.code == 1)
                #expect(ended.errors.contains("in use by another daemon"))
            }
        }
    }

    @Test func `a socket that another daemon serves is refused and left alone`() async throws {
        try await withTemporaryFolder { folder in
            let first = DaemonFixture(folder)
            _ = try await first.withDaemon { daemon in
                let other = folder.appending("other").string
                let ended = try await Programs.run(
                    Programs.daemon, ["--data", other, "--socket", first.socket, "--master-key", first.masterKey.string])
                #expect(ended.code == 1)
                #expect(ended.errors.contains("is served by another daemon"))
                #expect(try await daemon.msgexport("status").code == 0)
            }
        }
    }

    @Test func `the folders that lead to the data are made, and a socket in one of them is served`() async throws {
        try await withTemporaryFolder { folder in
            let ended = try await DaemonFixture(folder.appending("state/message-export")).withDaemon {
                try await $0.msgexport("health").code
            }
            #expect(ended.value == 0)
        }
    }

    @Test func `a socket left by a killed daemon is replaced`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let killed = try await fixture.withDaemon { try $0.kill() }
            #expect(killed.code == 128 + 9)
            #expect(FileManager.default.fileExists(atPath: fixture.socket))
            let again = try await fixture.withDaemon { try await $0.msgexport("status").code }
            #expect(again.value == 0)
        }
    }

    @Test func `a file that is no socket is never replaced`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            try "precious".write(toFile: fixture.socket, atomically: true, encoding: .utf8)
            let error = await #expect(throws: NotServing.self) { try await fixture.withDaemon { _ in } }
            #expect(error?.log.contains("is not a socket") == true)
            #expect(try String(contentsOfFile: fixture.socket, encoding: .utf8) == "precious")
        }
    }

    @Test func `the master key is made at the first start, private, and its loss or exchange is told by name`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                #expect(try await ingestSms(daemon, "x").code == 0)
            }
            let path = fixture.masterKey.string
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            let key = try String(contentsOfFile: path, encoding: .utf8)

            func refusal(_ change: () throws -> Void) async throws -> String {
                try change()
                let error = await #expect(throws: NotServing.self) { try await fixture.withDaemon { _ in } }
                return error?.log ?? ""
            }
            func write(_ content: String, mode: Int) throws {
                try content.write(toFile: path, atomically: false, encoding: .utf8)
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
            }
            #expect(try await refusal { try FileManager.default.removeItem(atPath: path) }.contains("there is no master key"))
            #expect(!FileManager.default.fileExists(atPath: path), "a new key is never made beside old data")
            let other = String(key.reversed().drop(while: \.isNewline)) + "\n"
            #expect(try await refusal { try write(other, mode: 0o600) }.contains("is not the master key"))
            #expect(try await refusal { try write("short\n", mode: 0o600) }.contains("is no master key"))
            #expect(try await refusal { try write(key, mode: 0o644) }.contains("others than its owner may use"))
            try write(key, mode: 0o600)
            let found = try await fixture.withDaemon { try await $0.msgexport("status", "-o", "json").output }
            #expect(try number(found.value, "records") == 1)
        }
    }

    @Test func `a flipped byte on disk is reported by status, and everything else is served`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                for index in 1...3 { #expect(try await ingestSms(daemon, "\(index)", id: "m\(index)").code == 0) }
            }
            let segment = try #require(try delivered(in: fixture.data).first { $0.hasSuffix(".segment") })
            var bytes = try Data(contentsOf: URL(filePath: segment))
            bytes[4096 + 150] ^= 1
            try bytes.write(to: URL(filePath: segment))
            let ended = try await fixture.withDaemon { daemon in
                #expect(try await daemon.msgexport("dataset", "get", "m1").code == 0)
                #expect(try await daemon.msgexport("dataset", "get", "m2").code == 11)
                #expect(try await daemon.msgexport("dataset", "get", "m3").code == 0)
                let archive = folder.appending("archive")
                try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
                for command in [
                    ["destination", "create", "d", "--type", "local", "--path", archive.string],
                    ["dataflow", "create", "f", "--destination", "d", "--format", "json"],
                ] {
                    #expect(try await Programs.run(Programs.client, command + ["--socket", daemon.socket]).code == 0)
                }
                let run = try await daemon.msgexport("dataflow", "run", "f", "--wait", "-o", "json").output
                #expect(try number(run, "recordsExported") == 2)
                #expect(try number(run, "recordsSkipped") == 1, "what is lost shows in the export's counts")
                return try await daemon.msgexport("status").output
            }
            #expect(ended.value.contains("the batch at byte 4096 is damaged"))
            #expect(ended.log.contains("the batch at byte 4096 is damaged"))
        }
    }

    @Test func `no file of the data folder holds what a message says`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            var generator = SeededGenerator(seed: testSeed())
            let marker = generator.bytes(32).map { String(UnicodeScalar(UInt8(ascii: "A") + $0 % 26)) }.joined()
            _ = try await fixture.withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                #expect(try await ingestSms(daemon, "before \(marker) after", id: "m1").code == 0)
                #expect(try await daemon.msgexport("dataset", "get", "m1").output.contains(marker))
                let files = try delivered(in: fixture.data)
                #expect(files.contains { $0.hasSuffix(".segment") } && files.contains { $0.hasSuffix(".sqlite") })
                for file in files {
                    #expect(try Data(contentsOf: URL(filePath: file)).range(of: Data(marker.utf8)) == nil, "\(file)")
                }
            }
        }
    }
}
