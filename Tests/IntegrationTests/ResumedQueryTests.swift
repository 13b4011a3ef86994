import Messages
import MessageExportClient
import Model
import RPC
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct ResumedQueryTests {
    @Test
    func `a query whose call is cut off goes on behind what came, and gives each record once and no more than was asked for`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let tries = Atomic(0)
            // Ten records there are; each call ends after three of them as with a daemon that stops.
            let method = Method(
                MethodName.queryRecords.described,
                .single { call, packed in
                    tries.add(1, ordering: .relaxed)
                    let request = try? RecordQuery.Request(packed: packed)
                    let first = (request?.afterSequence ?? 0) + 1
                    let wanted = UInt64(request?.limit ?? 0)
                    let last = min(10, first + wanted - 1)
                    for sequence in first...max(first, min(first + 2, last)) where sequence <= last {
                        guard let packed = try? Self.record(sequence).packed else { continue }
                        call.post(RecordChunk(content: packed, isLast: true).packed)
                    }
                    if last <= first + 2 { call.finish() } else { call.answer(.failure(.stopping)) }
                    return nil
                })
            let socket = folder.appending("s").string
            let server = try await Server.start([ListeningSocket(path: socket)], methods: [method])
            let client = try await MessageExportClient.connect(socket: socket)
            for (limit, expected) in [(nil, 10), (8, 8), (3, 3)] as [(Int?, UInt64)] {
                var seen: [UInt64] = []
                try await client.records(matching: RecordQuery(), limit: limit) { (record) throws(Status) in
                    seen.append(record.sequence)
                }
                #expect(seen == Array(1...expected))
            }
            #expect(tries.load(ordering: .relaxed) >= 7)
            await client.close()
            await server.stop()
        }
    }

    private static func record(_ sequence: UInt64) throws(Status) -> Record {
        let sms = Sms(senderNumbers: ["1"], recipientNumber: "2", text: "x")
        let now = WallClock.now
        let message = Message(id: try MessageID("m\(sequence)"), configuration: "c", content: .sms(sms))
        return Record(
            message: message, sequence: sequence, ingestedAt: now, expiresAt: now, sentAt: now, sandbox: "prod",
            configurationID: "c",
            configurationVersion: 1, contentSHA256: [1], submitter: 1)
    }
}
