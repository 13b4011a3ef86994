import Foundation
import Messages
import Model
import SystemPackage
import TestSupport
import Testing

@Suite struct MessagesTests {
    static let email = Email(
        from: Address(email: "a@example.com", name: "Ada 🦷"),
        to: [Address(email: "b@example.com"), Address(email: "c@example.com", name: "C")],
        cc: [Address(email: "d@example.com")], bcc: [Address(email: "e@example.com")], replyTo: [Address(email: "f@example.com")],
        errorAddress: "bounce@example.com", subject: "", text: "line\u{0}after NUL", html: nil,
        headers: [Header(name: "X", value: "1"), Header(name: "X", value: "")],
        attachments: [
            Attachment(name: nil, type: "image/png", content: [0, 255, 0]), Attachment(name: "n", type: "t/x", content: []),
        ],
        raw: [0, 1, 2, 254])

    static func message(_ content: Message.Content = .email(email), id: String = "id") throws -> Message {
        Message(id: try MessageID(id), configuration: "c", sentAt: Instant(milliseconds: 5), content: content)
    }

    @Test(arguments: [0, 1, 127, 128, 16_383, 16_384, 70_000])
    func `a stored message in pieces is what it is in one, whatever its size`(_ size: Int) throws {
        let stored = StoredMessage(
            message: (0..<size).map { UInt8(truncatingIfNeeded: $0) }, configurationID: "c", configurationVersion: 3,
            sentAt: Instant(milliseconds: 5))
        #expect(Array(stored.pieces.joined()) == stored.packed)
        #expect(try StoredMessage(packed: Array(stored.pieces.joined())) == stored)
    }

    @Test func `what is said of methods is what the .proto files say: names, which side streams, what may be repeated`() throws {
        let folder = Programs.repository.appending("Protos").string
        var declared: [MethodName: (streams: [Bool], level: String)] = [:]
        for file in try FileManager.default.subpathsOfDirectory(atPath: folder) where file.hasSuffix(".proto") {
            let proto = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            guard let package = proto.firstMatch(of: /package ([\w.]+);/)?.1 else { continue }
            var service = ""
            var method = MethodName(service: "", method: "")
            for line in proto.split(separator: "\n") {
                if let match = line.firstMatch(of: /^service (\w+)/) { service = "\(package).\(match.1)" }
                if let match = line.firstMatch(of: /^ +rpc (\w+)\((stream )?[\w.]+\) returns \((stream )?/) {
                    method = MethodName(service: service, method: String(match.1))
                    declared[method] = ([match.2 != nil, match.3 != nil], "")
                }
                if let match = line.firstMatch(of: /idempotency_level = (\w+)/) { declared[method]?.level = String(match.1) }
            }
        }
        let described = ServiceDescriptors.builtIn.methods
        #expect(Set(described.keys) == Set(declared.keys))
        for (name, method) in described {
            #expect([method.clientStreams, method.serverStreams] == declared[name]?.streams, "\(name)")
            #expect(method.isRepeatable == ["NO_SIDE_EFFECTS", "IDEMPOTENT"].contains(declared[name]?.level), "\(name)")
            #expect(method.isReadOnly == (declared[name]?.level == "NO_SIDE_EFFECTS"), "\(name)")
        }
        #expect(described[.ingestStream]?.clientStreams == true && described[.readRecords]?.serverStreams == true)
    }

    @Test func `a message survives packing whole: absent is not empty, and a NUL cuts nothing`() throws {
        let sms = Message.Content.sms(Sms(senderNumbers: ["1", "2"], recipientNumber: "3", text: "a\u{0}b"))
        for message in [try Self.message(), try Self.message(sms)] {
            #expect(try Message(packed: message.packed) == message)
            #expect(try Message(packed: message.packed).packed == message.packed)
        }
    }

    @Test func `every request and response survives packing`() throws {
        func check<Value: WireMessage & Equatable>(_ value: Value) throws { #expect(try Value(packed: value.packed) == value) }
        let instant = Instant(milliseconds: 1_795_435_200_000)
        try check(RequestEnvelope(service: "s", method: "m", payload: [1], timeout: -1, metadata: [.init(key: "k", value: "v")]))
        try check(ResponseEnvelope.success([]))
        try check(ResponseEnvelope.success([1, 2]))
        try check(ResponseEnvelope.failure(Status(.dataLoss, "m", field: "f", hint: "h")))
        try check(
            IngestResponse(results: [
                .success(IngestResult(outcome: .stored, ingestedAt: instant, expiresAt: instant)),
                .success(IngestResult(outcome: .exportDisabled)), .failure(Status(.notFound, "m", field: "f")),
            ]))
        try check(
            CreateConfigurationRequest(
                sandbox: "s", name: "n", channel: .sms, settings: ConfigurationChange(messageExport: true), submit: true))
        try check(NameRequest(sandbox: "s", name: "n"))
        try check(
            ChannelConfiguration(
                id: "i", name: "n", channel: .email, state: .active, version: 2,
                settings: ConfigurationSettings(messageExport: true), createdAt: instant))
        try check(CreateDestinationRequest(sandbox: "s", name: "n", settings: .local(path: "/p")))
        try check(Destination(id: "i", name: "n", settings: .local(path: "/p"), createdAt: instant))
        try check(
            CreateDataflowRequest(
                sandbox: "s", name: "n", format: .json, mode: .incremental,
                settings: DataflowSettings(destination: "d", compression: .gzip, includeRaw: true)))
        try check(
            CreateDataflowRequest(
                sandbox: "s", name: "n", format: .parquet, mode: .full,
                settings: DataflowSettings(destination: "d", compression: .none, schedule: Schedule(.once))))
        try check(
            Dataflow(
                id: "i", name: "n", format: .json, settings: DataflowSettings(destination: "d", compression: .gzip), cursor: .max,
                createdAt: instant))
        try check(StartRunRequest(sandbox: "s", dataflow: "d"))
        try check(RunRequest(sandbox: "s", runID: "r"))
        for state in Run.State.allCases {
            try check(
                Run(
                    id: "i", dataflow: "d", destination: "e", state: state, after: 1, through: .max,
                    totals: .init(received: 1, exported: 2, skipped: 3, files: 4, bytes: 5), startedAt: instant, endedAt: instant,
                    folder: "f", manifest: "m", error: "e"))
        }
        try check(GetRecordsRequest(sandbox: "s", messageID: "m", view: .raw))
        let record = Record(
            message: try Self.message(), sequence: 1, ingestedAt: instant, expiresAt: instant, sentAt: instant, sandbox: "s",
            configurationID: "c", configurationVersion: 3, contentSHA256: [1], submitter: .max)
        try check(RecordList(records: [record, record]))
        try check(StoredMessage(message: [1], configurationID: "c", configurationVersion: 1, sentAt: instant))
        try check(SandboxRequest(sandbox: "s"))
        try check(
            DaemonStatus(
                version: "v", organization: "o", messageExport: true, startedAt: instant, sandbox: "s", configurations: 1,
                configurationsExporting: 2, destinations: 3, dataflows: 4, records: 5, lastSequence: 6, segments: 7,
                storedBytes: 8,
                recoveryReports: ["a", "b"], diskBytes: 9, diskFreeBytes: 10))
        let key = SpoolKey(publicKey: [1, 2], sandbox: "s", user: .max, renewAt: instant, keptUntil: instant)
        try check(key)
        try check(SpooledMessage(sandbox: "s", user: .max, spooledAt: instant, message: [0, 255]))
        try check(IngestChunk(sandbox: "s", messageBytes: 3, content: [1, 2, 3], spoolKey: [4]))
    }

    @Test func `an ingest is read message by message, each kept as it packs`() throws {
        let messages = [try Self.message(id: "1"), try Self.message(id: "2")]
        let ingest = try CheckedIngest(packed: IngestRequest(sandbox: "s", messages: messages).packed)
        #expect(ingest.sandbox == "s")
        #expect(try ingest.messages.map { try $0.get().packed } == messages.map(\.packed))
        #expect(try ingest.messages.map { try $0.get().channel } == [.email, .email])
    }

    @Test func `a message that breaks a rule is refused with its place, the others are not`() throws {
        let nothing = try Self.message(.email(Email()), id: "empty")
        let silent = try Self.message(.sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "")), id: "silent")
        let good = try Self.message(id: "good")
        let ingest = try CheckedIngest(packed: IngestRequest(sandbox: "", messages: [nothing, silent, good]).packed)
        func field(_ index: Int) -> String? {
            if case .failure(let status) = ingest.messages[index] { status.field } else { nil }
        }
        #expect(field(0) == "messages[0].email")
        #expect(field(1) == "messages[1].sms.text")
        #expect(field(2) == nil)
    }

    @Test func `text that is not UTF-8 is refused with its place`() throws {
        let marker = "MARKER"
        for (place, message) in [
            ("messages[0].email.html", try Self.message(.email(Email(html: marker)))),
            ("messages[0].email.headers[0].value", try Self.message(.email(Email(headers: [Header(name: "a", value: marker)])))),
            (
                "messages[0].email.to[0].name",
                try Self.message(.email(Email(to: [Address(email: "a", name: marker)], subject: "s")))
            ),
            ("messages[0].configuration", Message(id: try MessageID("i"), configuration: marker, content: .email(Self.email))),
            ("messages[0].message_id", try Self.message(id: marker)),
        ] {
            var bytes = IngestRequest(sandbox: "", messages: [message]).packed
            let found = try #require(bytes.indices.first { bytes[$0...].starts(with: marker.utf8) })
            bytes[found] = 0xFF
            let ingest = try CheckedIngest(packed: bytes)
            guard case .failure(let status) = ingest.messages[0] else { return #expect(Bool(false), "\(place) was taken") }
            #expect(status.code == .invalidArgument)
            #expect(status.field == place)
        }
    }

    @Test(arguments: [Int64.min, -62_135_596_800_001, 253_402_300_800_000, .max])
    func `a time that no format can write is refused`(milliseconds: Int64) throws {
        let sms = Message.Content.sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "t"))
        let message = Message(
            id: try MessageID("i"), configuration: "c", sentAt: Instant(milliseconds: milliseconds), content: sms)
        let ingest = try CheckedIngest(packed: IngestRequest(sandbox: "", messages: [message]).packed)
        guard case .failure(let status) = ingest.messages[0] else { return #expect(Bool(false), "it was taken") }
        #expect(status.field == "messages[0].sent_at_ms")
    }

    @Test func `the number of messages in a call has its limit`() throws {
        let message = try Self.message(.sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "t")))
        let full = Array(repeating: message, count: Limits.messagesPerIngest)
        #expect(
            try CheckedIngest(packed: IngestRequest(sandbox: "", messages: full).packed).messages.count
                == Limits.messagesPerIngest)
        #expect(throws: Status.self) { try CheckedIngest(packed: IngestRequest(sandbox: "", messages: full + [message]).packed) }
        #expect(throws: Status.self) { try CheckedIngest(packed: IngestRequest(sandbox: "", messages: []).packed) }
    }

    @Test func `a request that would take too much memory to decode is refused as such`() {
        // Two bytes each on the wire, 64 and more in memory: an empty header of an email of a message.
        let headers = [UInt8](repeating: 0, count: 2 * 400_000).enumerated().map { $0.offset % 2 == 0 ? UInt8(10 << 3 | 2) : 0 }
        func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
            var length = content.count
            var bytes = [number << 3 | 2]
            repeat {
                bytes.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
                length >>= 7
            } while length > 0
            return bytes + content
        }
        let request = field(2, field(4, headers))
        #expect(request.count < Limits.frameBytes)
        let error = #expect(throws: Status.self) { try CheckedIngest(packed: request) }
        #expect(error?.code == .invalidArgument && error?.limit == UInt64(Limits.decodeBytes))
    }

    @Test func `members of a oneof that come one after the other replace each other, in a type known at run time too`() throws {
        let schema = try DynamicSchema(files: ServiceDescriptors.builtIn.files.map(\.packed))
        let type = try #require(schema.types["grpc.reflection.v1.ServerReflectionRequest"])
        let name: [UInt8] = [0x1A, 2, 0x61, 0x62]
        let message = try DynamicMessage(packed: name + [0x2A, 2, 0x10, 7] + name, type)
        #expect(message.packed == name)
        #expect(message.values.count == 1)
        withExtendedLifetime(schema) {}
    }

    @Test func `garbage is refused and never crashes`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let good = IngestRequest(sandbox: "s", messages: [try Self.message(), try Self.message()]).packed
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &generator)) }
            do throws(Status) {
                for message in try CheckedIngest(packed: bytes).messages {
                    // What is taken can be read again: nothing is stored that cannot be exported.
                    if let checked = try? message.get() { _ = try Message(packed: checked.packed) }
                }
            } catch {
                #expect([.invalidArgument, .resourceExhausted].contains(error.code), "\(error), SEED=\(seed)")
            }
            _ = try? RequestEnvelope(packed: bytes)
            _ = try? ResponseEnvelope(packed: bytes)
            _ = try? StoredMessage(packed: bytes)
        }
    }

    @Test func `a field in a message that has none is unknown, whatever its number, in types known at run time too`() throws {
        let schema = try DynamicSchema(files: ServiceDescriptors.builtIn.files.map(\.packed))
        let empty = schema.types.values.filter { $0.fields.isEmpty }
        #expect(empty.count > 2)
        for type in empty {
            // Field 1, and the number 0 in a tag that is longer than it need be.
            #expect(try DynamicMessage(packed: [0x08, 0x05], type).packed == [], "what is not known is not shown")
            #expect(throws: Status.self) { try DynamicMessage(packed: [0x80, 0x00, 0x00], type) }
        }
    }
}
