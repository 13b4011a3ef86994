import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// A disk that is really full, under the built daemon.
@Suite struct FullDiskTests {
    private func mount(_ arguments: String...) async throws -> Bool {
        try await Programs.run("/bin/mount", arguments).code == 0
    }

    @Test
    func `on a full disk ingests are refused, what is there is read, audited and exported, and ingesting goes on by itself`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            try FileManager.default.createDirectory(atPath: fixture.data.string, withIntermediateDirectories: false)
            // Only root may mount; elsewhere the simulated disks have to do.
            guard try await mount("-t", "tmpfs", "-o", "size=40m", "tmpfs", fixture.data.string) else { return }
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let result: Result<Void, any Error>
            do {
                _ = try await fixture.withDaemon { daemon in
                    try await createFlow(daemon, to: archive)
                    let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
                    var stored: [String] = []
                    var refused = 0
                    for index in 0..<60 {
                        do throws(Status) {
                            #expect(try await client.ingest(try large(index)).outcome == .stored)
                            stored.append("m\(index)")
                        } catch {
                            #expect(error.code == .resourceExhausted, "\(error)")
                            refused += 1
                        }
                    }
                    #expect(stored.count > 5 && refused > 5, "\(stored.count) stored, \(refused) refused")
                    #expect(try await daemon.msgexport("health").code != 0, "it is not served")
                    #expect(try await daemon.msgexport("dataset", "get", stored[0], "-o", "json").code == 0, "read, and audited")
                    let run = try await daemon.msgexport("dataflow", "run", "daily", "--wait", "-o", "json").output
                    #expect(try number(run, "recordsExported") == stored.count, "exported: \(run)")
                    #expect(try await mount("-o", "remount,size=200m", fixture.data.string))
                    for index in 100..<103 { #expect(try await client.ingest(try large(index)).outcome == .stored) }
                    #expect(try await daemon.msgexport("health").code == 0, "by itself")
                    let found = try await client.newestRecords(100).map(\.message.id.value)
                    #expect(found.reversed() == stored + (100..<103).map { "m\($0)" }, "nothing half stored")
                    #expect(try await daemon.msgexport("audit", "verify").code == 0)
                    await client.close()
                }
                result = .success(())
            } catch {
                result = .failure(error)
            }
            #expect(try await Programs.run("/bin/umount", [fixture.data.string]).code == 0)
            try result.get()
        }
    }

    private func large(_ index: Int) throws(Status) -> Message {
        var generator = SeededGenerator(seed: UInt64(index))
        let text = generator.bytes(1 << 19).map { String($0, radix: 16) }.joined()
        return Message(
            id: try MessageID("m\(index)"), configuration: "sms",
            content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: text)))
    }
}
