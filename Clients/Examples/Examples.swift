import Logging
import MessageExportClient
import SystemPackage

// What the documents show, as a program: a test runs it, and checks that they show it as it is here.

@main
struct Examples {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3 else { return print("usage: SwiftExamples SOCKET SPOOL-FOLDER") }
        let (socket, folder) = (arguments[1], FilePath(arguments[2]))
        try await send(socket)
        try await sendMany(socket)
        try await waitForNobody(socket, folder)
        try await watch(socket)
    }

    static func send(_ socket: String) async throws {
        // example: send
        let client = try await MessageExportClient.connect(socket: socket)
        let sms = Sms(senderNumbers: ["24365"], recipientNumber: "+12025550123", text: "See you at 9 🦷")
        let message = Message(id: try MessageID("reminder-1"), configuration: "reminders", content: .sms(sms))
        let result = try await client.ingest(message)
        print(result.outcome.rawValue)  // STORED: on disk, encrypted
        await client.close()
        // end
    }

    static func sendMany(_ socket: String) async throws {
        // example: many
        try await MessageExportClient.withClient(socket: socket) { client in
            let messages = try (0..<100).map { number in
                Message(
                    id: try MessageID("many-\(number)"), configuration: "reminders",
                    content: .sms(Sms(senderNumbers: ["24365"], recipientNumber: "+12025550123", text: "Number \(number)")))
            }
            try await client.withIngestStream { (stream) throws(Status) in
                async let sent: Void = send(messages, on: stream)
                try await stream.forEachResults { results in
                    for (tag, result) in results {
                        if case .failure(let status) = result { print("message \(tag): \(status.message)") }
                    }
                }
                await sent
            }
        }
        // end
    }

    // example: many-sending
    static func send(_ messages: [Message], on stream: IngestStream) async {
        do {
            for (tag, message) in messages.enumerated() { try await stream.send(message, tag: UInt64(tag)) }
            try await stream.finish()
        } catch {}  // The call is over: its results tell why.
    }
    // end

    static func waitForNobody(_ socket: String, _ folder: FilePath) async throws {
        let sms = Sms(senderNumbers: ["24365"], recipientNumber: "+12025550123", text: "See you at 9 🦷")
        let message = Message(id: try MessageID("reminder-2"), configuration: "reminders", content: .sms(sms))
        // example: spool
        let spool = Spool(folder: folder, deadline: .seconds(2))
        try await SpoolingClient.withClient(socket: socket, spool: spool) { client in
            switch try await client.ingest(message) {
            case .answered(let result): print(result.outcome.rawValue)
            case .spooled: print("it waits")
            case .dropped: print("the spool is full")
            }
        }
        // end
    }

    static func watch(_ socket: String) async throws {
        // example: hooks
        let client = try await MessageExportClient.connect(
            socket: socket, logger: Logger(label: "mailer"),
            traceParent: { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" })
        print(try await client.status().sandbox)
        await client.close()
        // end
    }
}
