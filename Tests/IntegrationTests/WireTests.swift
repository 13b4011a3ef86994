import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// The built daemon, spoken to by clients that nobody here wrote, and by those who speak it badly.
@Suite struct WireTests {
    private func python(_ arguments: String...) async throws -> Programs.Ended {
        let script = Programs.repository.appending("Tests/IntegrationTests/ttrpc.py").string
        return try await Programs.run("/usr/bin/env", ["python3", script] + arguments)
    }

    @Test func `a client written from PROTOCOL_md in plain Python makes calls of every kind`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let ended = try await python(daemon.socket)
                #expect(ended.code == 0, "\(ended.output)\(ended.errors)")
                #expect(ended.output.contains("all 11 scenes"))
            }
        }
    }

    @Test func `a Go client of Debian's ttrpc ingests and reads health`() async throws {
        try await withTemporaryFolder { folder in
            let sources = Programs.repository.appending("Tests/IntegrationTests/GoClient").string
            let built = try await Programs.run(
                "/bin/sh", ["\(sources)/build.sh", Programs.repository.appending("Protos").string, folder.string])
            try #require(built.code == 0, "\(built.output)\(built.errors)")
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let ended = try await Programs.run(folder.appending("client"), [daemon.socket])
                #expect(ended.code == 0, "\(ended.errors)")
                #expect(
                    ended.output == """
                        health SERVING
                        ingest STORED
                        ingest DUPLICATE
                        ingest NotFound
                        unknown method Unimplemented

                        """)
                let kept = try await daemon.msgexport("dataset", "get", "from-go", "-o", "json")
                #expect(kept.output.contains("See you at 9"))
            }
        }
    }

    @Test func `what a client sent by a stream is what it is told, and all of it is there`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                let count = 10_000
                let results = try await client.withIngestStream { (stream) throws(Status) -> [UInt64: Outcome] in
                    async let sent = send(count, on: stream)
                    var results: [UInt64: Outcome] = [:]
                    try await stream.forEachResults { (some) throws(Status) in
                        for (tag, result) in some { results[tag] = try result.get().outcome }
                    }
                    try await sent.get()
                    return results
                }
                #expect(results.count == count && results.values.allSatisfy { $0 == .stored })
                #expect(try await client.dataset().records == UInt64(count))
                await client.close()
            }
        }
    }

    private func send(_ count: Int, on stream: IngestStream) async -> Result<Void, Status> {
        do throws(Status) {
            for index in 0..<count {
                let sms = Sms(senderNumbers: ["1"], recipientNumber: "2", text: "text \(index)")
                try await stream.send(
                    Message(id: try MessageID("m\(index)"), configuration: "sms", content: .sms(sms)), tag: UInt64(index))
            }
            return .success(try await stream.finish())
        } catch {
            return .failure(error)
        }
    }

    @Test func `a message of just the limit goes in and comes out whole, one byte more is refused`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let client = try await MessageExportClient.connect(socket: daemon.socket, timeout: .seconds(300))
                func message(_ bytes: Int) throws -> Message {
                    let text =
                        String(repeating: "0123456789abcdef", count: bytes / 16) + String(repeating: "x", count: bytes % 16)
                    return Message(
                        id: try MessageID("large"), configuration: "sms",
                        content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: text)))
                }
                // What is beside the text: ids, numbers, lengths.
                let overhead = 28
                let over = await #expect(throws: Status.self) {
                    try await client.ingest(try message(Limits.messageBytes - overhead + 1))
                }
                #expect(over?.limit == UInt64(Limits.messageBytes), "\(String(describing: over))")
                let largest = try message(Limits.messageBytes - overhead)
                #expect(try await client.ingest(largest).outcome == .stored)
                #expect(try await client.ingest(largest).outcome == .duplicate)
                #expect(try await client.records(messageID: "large").first?.message.content == largest.content)
                #expect(try await client.newestRecords(5).count == 1)
                await client.close()
            }
        }
    }

    @Test func `every descriptor of the daemon closes on exec`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                #expect(try await client.health() == .serving)
                let script = """
                    for process in /proc/[0-9]*; do
                        tr '\\0' '\\n' <$process/cmdline 2>/dev/null | grep -qxF '\(daemon.socket)' || continue
                        [ "$(readlink $process/exe)" = '\(Programs.daemon)' ] || continue
                        for info in $process/fdinfo/*; do
                            [ "${info##*/}" -gt 2 ] || continue
                            flags=$(sed -n 's/^flags:[[:space:]]*//p' $info | head -1)
                            [ $((flags & 02000000)) -ne 0 ] && echo closes || echo "stays open: $(readlink ${info%info/*}/${info##*/})"
                        done
                    done
                    """
                let ended = try await Programs.run("/bin/bash", ["-c", script])
                let lines = ended.output.split(separator: "\n")
                #expect(lines.count > 5 && lines.allSatisfy { $0 == "closes" }, "\(ended.output)\(ended.errors)")
                await client.close()
            }
        }
    }

    @Test func `10,000 connections that stay silent keep nobody out for longer than they may, and are logged a few times`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let ended = try await DaemonFixture(folder).withDaemon { daemon in
                let script = """
                    import socket, sys
                    peers = []
                    for _ in range(10000):
                        peer = socket.socket(socket.AF_UNIX)
                        peer.connect(sys.argv[1])
                        peers.append(peer)
                        if len(peers) > 2000: peers.pop(0).close()
                    peers[0].settimeout(60)
                    # Whoever was taken is closed for its silence, whoever was not at once: both see an end.
                    for peer in peers:
                        peer.settimeout(60)
                        assert peer.recv(1) == b"", "it ended"
                    print("all ended")
                    """
                let silent = try await Programs.run("/usr/bin/env", ["python3", "-c", script, daemon.socket])
                #expect(silent.output == "all ended\n", "\(silent.errors)")
                #expect(try await daemon.msgexport("health").code == 0)
            }
            let reports = ended.log.matches(of: /a connection was closed/).count
            #expect((1...Limits.peerReportsPerMinute * 3).contains(reports), "\(reports) of 10,000")
        }
    }

    @Test func `PROTOCOL_md has the limits that the code has`() throws {
        let page = try String(
            contentsOfFile: Programs.repository.appending("Protos/PROTOCOL.md").string, encoding: .utf8)
        let limits: [(String, Int)] = [
            ("frameBytes", Limits.frameBytes), ("messageBytes", Limits.messageBytes),
            ("messageFrameBytes", Limits.messageFrameBytes), ("messagesPerIngest", Limits.messagesPerIngest),
            ("decodeBytes", Limits.decodeBytes), ("envelopeBytes", Limits.envelopeBytes),
            ("managementRequestBytes", Limits.managementRequestBytes), ("callsPerConnection", Limits.callsPerConnection),
            ("streamsPerConnection", Limits.streamsPerConnection),
            ("messagesInFlightPerConnection", Limits.messagesInFlightPerConnection), ("bytesInFlight", Limits.bytesInFlight),
            ("bytesAtARead", Limits.bytesAtARead),
            ("bytesInFlightPerConnection", Limits.bytesInFlightPerConnection),
            ("frameBytesReserved", Limits.frameBytesReserved), ("sealedBytes", Limits.sealedBytes),
            ("chunkedBytes", Limits.chunkedBytes),
            ("chunkedBytesPerConnection", Limits.chunkedBytesPerConnection), ("answerBytes", Limits.answerBytes),
            ("answerBytesPerConnection", Limits.answerBytesPerConnection), ("largeRecordBytes", Limits.largeRecordBytes),
            ("largeRecordBytesPerConnection", Limits.largeRecordBytesPerConnection),
            ("managementCallsQueued", Limits.managementCallsQueued),
            ("managementCallsQueuedPerConnection", Limits.managementCallsQueuedPerConnection),
            ("managementCallsAtOnce", Limits.managementCallsAtOnce),
            ("managementCallsAtOncePerConnection", Limits.managementCallsAtOncePerConnection),
            ("managementStreamsAtOnce", Limits.managementStreamsAtOnce),
            ("managementStreamsAtOncePerConnection", Limits.managementStreamsAtOncePerConnection),
            ("runWaitersAtOnce", Limits.runWaitersAtOnce),
            ("runWaitersAtOncePerConnection", Limits.runWaitersAtOncePerConnection), ("healthWatchers", Limits.healthWatchers),
            ("healthWatchersPerConnection", Limits.healthWatchersPerConnection), ("flagWatchers", Limits.flagWatchers),
            ("flagWatchersPerConnection", Limits.flagWatchersPerConnection),
            ("flagLeaseMilliseconds", Limits.flagLeaseMilliseconds), ("connections", Limits.connections),
            ("connectionsPerUser", Limits.connectionsPerUser), ("callsPerTurn", Limits.callsPerTurn),
            ("firstFrameSeconds", Limits.firstFrameSeconds), ("frameSeconds", Limits.frameSeconds),
            ("unreadSeconds", Limits.unreadSeconds), ("chunksSeconds", Limits.chunksSeconds),
            ("largeRecordSeconds", Limits.largeRecordSeconds), ("shutdownGraceSeconds", Limits.shutdownGraceSeconds),
        ]
        for (name, number) in limits {
            let digits = String(number)
            let grouped = String(
                digits.enumerated().flatMap { index, digit in
                    index > 0 && (digits.count - index) % 3 == 0 ? [",", digit] : [digit]
                })
            #expect(page.contains("| \(grouped) | `\(name)` |"), "\(name) is \(grouped)")
        }
        // The names of the page, of this list, and of what the code has for the wire are the same.
        let source = try String(
            contentsOfFile: Programs.repository.appending("Sources/Model/Limits.swift").string, encoding: .utf8)
        let wire = try #require(source.split(separator: "// MARK: ").first { $0.hasPrefix("The wire") })
        let inCode = Set(wire.matches(of: /static let (\w+)/).map { String($0.1) })
        #expect(Set(limits.map(\.0)) == inCode)
        #expect(Set(page.matches(of: /\| `(\w+)` \|/).map { String($0.1) }) == inCode)
    }
}
