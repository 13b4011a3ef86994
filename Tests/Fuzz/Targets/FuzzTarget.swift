import Messages
import Model
import NIOCore
import RPC

/// What is fed with garbage: each must take any bytes without a crash, a hang or growth, and keep what it promises.
package enum FuzzTarget: String, CaseIterable {
    /// Bytes to frames, however they are cut.
    case frames
    /// Bytes and time to calls, with handlers that end them or not.
    case connection
    /// A server's bytes to a client's calls.
    case client
    /// Bytes to each request, as the daemon decodes it, and to what it stores and answers.
    case requests
    /// Bytes to the messages of a schema known at run time.
    case dynamic
    /// Must fail: shows that a failure is seen.
    case canary

    /// Feeds it.
    package func run(_ bytes: [UInt8]) {
        switch self {
        case .frames: FrameTarget.run(bytes)
        case .connection: ConnectionTarget.run(bytes)
        case .client: ClientTarget.run(bytes)
        case .requests: RequestTarget.run(bytes)
        case .dynamic: DynamicTarget.run(bytes)
        case .canary: precondition(!bytes.starts(with: Array("FUZZ".utf8)), "the canary sang")
        }
    }
}

/// Takes an input apart.
struct FuzzInput {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func all() -> [UInt8] { bytes(rest.count) }
}

enum FrameTarget {
    /// The first byte says how the rest is cut.
    static func run(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        let piece = max(1, Int(input.byte()))
        let stream = input.all()
        let whole = events(stream, piece: max(1, stream.count))
        precondition(whole == events(stream, piece: piece), "frames depend on how their bytes are cut")
        var again = ByteBuffer()
        for case .frame(let frame) in whole { frame.write(into: &again) }
        let frames = whole.filter { if case .frame = $0 { true } else { false } }
        precondition(events(Array(again.readableBytesView), piece: 1000) == frames, "a frame is read as it is written")
    }

    static func events(_ stream: [UInt8], piece: Int) -> [FrameDecoder.Event] {
        var decoder = FrameDecoder()
        var events: [FrameDecoder.Event] = []
        for start in Swift.stride(from: 0, to: stream.count, by: piece) {
            var buffer = ByteBuffer(bytes: stream[start..<min(start + piece, stream.count)])
            decoder.receive(&buffer)
            while let event = decoder.next() {
                events.append(event)
            }
        }
        precondition(decoder.capacity <= stream.count * 2 + (128 << 10), "the decoder holds more than what came")
        return events
    }
}

enum ConnectionTarget {
    private static let methods = ServiceDescriptors.builtIn.methods

    /// Commands of one byte with what they need: bytes come in, a call is given back or ended, time passes.
    static func run(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var connection = ServerConnection(methods: methods, now: now)
        var calls: [CallID: (messages: Int, bytes: Int)] = [:]
        var order: [CallID] = []
        while !input.isEmpty {
            let command = input.byte()
            var actions: [ServerConnection.Action] = []
            switch command & 7 {
            case 0, 1, 2, 3:
                var buffer = ByteBuffer(bytes: input.bytes(Int(input.byte())))
                connection.receive(&buffer)
            case 4:
                guard !order.isEmpty else { continue }
                let call = order.remove(at: Int(input.byte()) % order.count)
                calls[call] = nil
                _ = connection.streams.end(call)
            case 5:
                guard !order.isEmpty else { continue }
                let call = order[Int(input.byte()) % order.count]
                if let held = calls[call] { connection.streams.release(call, messages: held.messages, bytes: held.bytes) }
                calls[call] = (0, 0)
            case 6:
                now = now + .milliseconds(Int64(input.byte()) * 100)
                actions = connection.wake(now: now)
            default:
                if command & 8 == 0 { connection.hold() } else { connection.noteUnread(command & 16 == 0, now: now) }
            }
            while let action = connection.next(now: now) { actions.append(action) }
            for action in actions {
                guard case .stream(let action) = action else { return }
                note(action, &calls, &order)
            }
        }
        for call in order { _ = connection.streams.end(call) }
        _ = connection.streams.drain()
        precondition(connection.streams.isDrained && connection.streams.bytesHeld == 0, "something is held when all has ended")
    }

    private static func note(
        _ action: ServerStreams.Action, _ calls: inout [CallID: (messages: Int, bytes: Int)], _ order: inout [CallID]
    ) {
        switch action {
        case .begin(let call, let beginning):
            precondition(calls[call] == nil, "a call begins twice")
            calls[call] = (beginning.message == nil ? 0 : 1, beginning.message?.count ?? 0)
            order.append(call)
        case .message(let call, let message, _):
            guard let held = calls[call] else { preconditionFailure("a message of a call that has ended") }
            calls[call] = (held.messages + 1, held.bytes + message.count)
        case .close(let call), .cancel(let call, _): precondition(calls[call] != nil, "news of a call that has ended")
        case .answer, .ignore: break
        }
    }
}

enum ClientTarget {
    private static let methods = ServiceDescriptors.builtIn.methods.values.sorted { "\($0.name)" < "\($1.name)" }

    static func run(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        var streams = ClientStreams()
        for _ in 0..<4 { _ = streams.begin(methods[Int(input.byte()) % methods.count]) }
        for event in FrameTarget.events(input.all(), piece: 4096) { _ = streams.receive(event) }
        precondition(streams.count <= 4, "calls come from nowhere")
    }
}

enum RequestTarget {
    private static let decoders: [@Sendable ([UInt8]) throws -> Void] = [
        { bytes in
            // What is taken can be read again: nothing is stored that cannot be exported.
            for message in try CheckedIngest(packed: bytes).messages {
                if let checked = try? message.get() { mustRead(checked) }
            }
        },
        { if let checked = try? CheckedStreamIngest(packed: $0).message.get() { mustRead(checked) } },
        { mustRead(try CheckedMessage(packed: $0)) },
        { try repack(IngestChunk.self, $0) }, { try repack(CreateConfigurationRequest.self, $0) },
        { try repack(EditConfigurationRequest.self, $0) }, { try repack(DuplicateConfigurationRequest.self, $0) },
        { try repack(NameRequest.self, $0) }, { try repack(SandboxRequest.self, $0) }, { try repack(GetRecordsRequest.self, $0) },
        { try repack(PreviewRecordsRequest.self, $0) }, { try repack(CreateDestinationRequest.self, $0) },
        { try repack(EditDestinationRequest.self, $0) }, { try repack(CreateDataflowRequest.self, $0) },
        { try repack(StartRunRequest.self, $0) }, { try repack(RunRequest.self, $0) }, { try repack(ListRunsRequest.self, $0) },
        { try repack(HealthCheckRequest.self, $0) }, { try repack(ReflectionRequest.self, $0) },
        { try repack(RequestEnvelope.self, $0) }, { try repack(ResponseEnvelope.self, $0) },
        { try repack(IngestResponse.self, $0) }, { try repack(IngestStreamResponse.self, $0) }, { try repack(Record.self, $0) },
        { try repack(StoredMessage.self, $0) }, { try repack(GrantRequest.self, $0) }, { try repack(ListGrantsRequest.self, $0) },
        { try repack(CreateSandboxRequest.self, $0) }, { try repack(EditSandboxRequest.self, $0) },
        { try repack(ConfirmedSandboxRequest.self, $0) }, { try repack(ListSandboxesRequest.self, $0) },
        { try repack(GetOrganizationRequest.self, $0) }, { try repack(EditOrganizationRequest.self, $0) },
        { try repack(GetTimeRequest.self, $0) },
        { try repack(ConfirmTimeRequest.self, $0) },
        { try repack(ListAuditEventsRequest.self, $0) }, { try repack(VerifyAuditRequest.self, $0) },
        { try repack(GrantList.self, $0) }, { try repack(SandboxList.self, $0) }, { try repack(Organization.self, $0) },
        { try repack(ConfigurationList.self, $0) }, { try repack(ConfigurationFlags.self, $0) },
        { try repack(AuditAnswer.self, $0) }, { try repack(AuditVerdict.self, $0) }, { try repack(DaemonStatus.self, $0) },
        { try repack(RecordQuery.Request.self, $0) }, { try repack(EraseRecordsRequest.self, $0) },
        { try repack(ErasureReceipt.self, $0) }, { try repack(DatasetVerification.self, $0) },
        { try repack(DatasetSummary.self, $0) }, { try repack(EditDataflowRequest.self, $0) },
        { try repack(ListAlertsRequest.self, $0) }, { try repack(CreateApprovalRequest.self, $0) },
        { try repack(DeleteApprovalRequest.self, $0) }, { try repack(DestinationList.self, $0) },
        { try repack(DestinationTest.self, $0) }, { try repack(ApprovalList.self, $0) },
        { try repack(GetMetricsRequest.self, $0) }, { try repack(MetricsPage.self, $0) },
    ]

    /// The first byte says which request the rest is.
    static func run(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        let decode = decoders[Int(input.byte()) % decoders.count]
        try? decode(input.all())
    }

    private static func mustRead(_ checked: CheckedMessage) {
        guard (try? Message(packed: checked.packed)) != nil else { preconditionFailure("what is stored cannot be read") }
    }

    /// What was read is written, and read again as the same.
    @Sendable private static func repack<Value: WireMessage & Equatable>(_ type: Value.Type, _ bytes: [UInt8]) throws {
        let value = try Value(packed: bytes)
        guard let again = try? Value(packed: value.packed) else { preconditionFailure("what was read cannot be read again") }
        precondition(again.packed == value.packed, "what was read is written in two ways")
    }
}

enum DynamicTarget {
    // Nothing changes it once it is made.
    private nonisolated(unsafe) static let schema = try? DynamicSchema(files: ServiceDescriptors.builtIn.files.map(\.packed))
    private nonisolated(unsafe) static let types = schema?.types.values.sorted { $0.name < $1.name } ?? []

    /// The first byte says of which type the rest is.
    static func run(_ bytes: [UInt8]) {
        var input = FuzzInput(bytes)
        let type = types[Int(input.byte()) % types.count]
        guard let message = try? DynamicMessage(packed: input.all(), type) else { return }
        guard let again = try? DynamicMessage(packed: message.packed, type) else { preconditionFailure("not read again") }
        precondition(again.packed == message.packed, "what was read is written in two ways")
    }
}
