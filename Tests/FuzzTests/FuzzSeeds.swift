import FuzzTargets
import Messages
import Model
import NIOCore
import RPC
import TestSupport

/// What fuzzing begins with: good inputs of every kind.
enum FuzzSeeds {
    static func all() throws -> [FuzzTarget: [(name: String, bytes: [UInt8])]] {
        let frames = try frames()
        var seeds: [FuzzTarget: [(name: String, bytes: [UInt8])]] = [:]
        func add(_ target: FuzzTarget, _ name: String, _ bytes: [UInt8]) { seeds[target, default: []].append((name, bytes)) }
        for (index, frame) in frames.enumerated() {
            add(.frames, "seed-\(index)", [UInt8(index)] + bytes([frame]))
            add(.connection, "seed-\(index)", commands([frame]) + [4, 0, 6, 255])
        }
        add(.frames, "seed-all", [7] + bytes(frames))
        add(.connection, "seed-all", commands(frames) + [5, 0, 6, 20, 4, 1, 7, 15])
        for index: UInt8 in 0..<12 {
            let methods = (0..<4).map { index * 3 + $0 }
            add(.client, "seed-\(index)", methods + answers())
        }
        for (index, request) in try requests().enumerated() { add(.requests, "seed-\(index)", request) }
        for index: UInt8 in 0..<40 {
            add(.dynamic, "seed-\(index)", [index, 0x0A, 1, 0x61, 0x12, 2, 0x62, 0x63, 0x18, 5])
        }
        return seeds
    }

    private static func bytes(_ frames: [Frame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames { frame.write(into: &buffer) }
        return Array(buffer.readableBytesView)
    }

    /// Bytes that come in, in the connection target's pieces.
    private static func commands(_ frames: [Frame]) -> [UInt8] {
        var rest = bytes(frames)[...]
        var commands: [UInt8] = []
        while !rest.isEmpty {
            let piece = rest.prefix(255)
            commands += [0, UInt8(piece.count)] + piece
            rest = rest.dropFirst(piece.count)
        }
        return commands
    }

    private static func message() throws -> Message {
        Message(
            id: try MessageID("id"), configuration: "c", sentAt: Instant(milliseconds: 5),
            content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "text")))
    }

    private static func frames() throws -> [Frame] {
        let ingest = IngestRequest(sandbox: "prod", messages: [try message()]).packed
        func request(_ id: UInt32, _ name: MethodName, _ payload: [UInt8], _ flags: Frame.Flags = []) -> Frame {
            Frame(
                streamID: id, kind: .request, flags: flags,
                data: RequestEnvelope(
                    service: name.service, method: name.method, payload: payload, timeout: 1_000_000_000,
                    metadata: [.init(key: "traceparent", value: "00")]
                ).packed)
        }
        return [
            request(1, .ingest, ingest), request(3, .ingestStream, [], .remoteOpen),
            Frame(
                streamID: 3, kind: .data,
                data: IngestStreamRequest(sandbox: "", tag: 7, message: try message()).packed), .end(3),
            request(5, .ingestChunks, IngestChunk(sandbox: "", messageBytes: 3, content: [1, 2, 3]).packed, .remoteClosed),
            request(7, .watchHealth, [], .remoteClosed), request(9, .checkHealth, HealthCheckRequest(service: "x").packed),
            request(11, .reflect, [], [.remoteOpen, .noData]),
            Frame(streamID: 11, kind: .data, data: ReflectionRequest(question: .services("")).packed),
            Frame(streamID: 13, kind: .response, data: []), Frame(streamID: 2, kind: .request, data: [1]),
        ]
    }

    private static func answers() -> [UInt8] {
        bytes([
            Frame(streamID: 1, kind: .response, data: ResponseEnvelope.success([1]).packed),
            Frame(
                streamID: 3, kind: .response,
                data: ResponseEnvelope.failure(Status(.notFound, "m", field: "f", hint: "h", limit: 3)).packed),
            Frame(streamID: 5, kind: .data, data: [1, 2]), .end(5), Frame(streamID: 7, kind: .response, data: [0x0A, 0]),
        ])
    }

    private static var governance: [[UInt8]] {
        let instant = Instant(milliseconds: 1_795_435_200_000)
        let grant = Grant(role: .auditor, subject: .group(7), sandbox: "s", createdAt: instant)
        let sandbox = Sandbox(
            id: "i", name: "n", title: "t", kind: .production, state: .active, epoch: 2, timeZone: "UTC",
            retention: Retention(days: 3), quotas: .init(bytes: 1), createdAt: instant)
        let event = AuditEvent(
            chain: "c", number: 1, time: instant, user: 0, action: .runEnd, object: "o", outcome: .done, hash: [1])
        let head = AuditHead(
            chain: "c", firstNumber: 1, firstPrevious: [0], number: 2, hash: [3], time: instant, signature: [4])
        var edit = EditSandboxRequest(sandbox: "s")
        (edit.title, edit.retentionDays, edit.quotaBytes) = ("t", 7, 0)
        var query = ListAuditEventsRequest(sandbox: "s", organization: true)
        (query.user, query.action, query.outcome) = (0, .grantCreate, .refused)
        var configuration = ChannelConfiguration(
            id: "i", name: "n", channel: .sms, state: .active, version: 1, settings: ConfigurationSettings(messageExport: true),
            failures: ["f"], enabledSince: instant, createdAt: instant)
        configuration.pending = .init(version: 2, settings: ConfigurationSettings(), failures: [])
        return [
            GrantRequest(role: .sender, subject: .user(1), sandbox: "s").packed, ListGrantsRequest(sandbox: "s").packed,
            CreateSandboxRequest(name: "n", title: "t", kind: .development, timeZone: "UTC", retentionDays: 3).packed,
            edit.packed,
            ConfirmedSandboxRequest(sandbox: "s", confirm: "s").packed, ListSandboxesRequest().packed,
            GetOrganizationRequest().packed, EditOrganizationRequest(name: "n", messageExport: true, ifRevision: 1).packed,
            GetTimeRequest().packed,
            ConfirmTimeRequest(wall: instant).packed, query.packed,
            VerifyAuditRequest(sandbox: "s").packed, GrantList(grants: [grant]).packed, SandboxList(sandboxes: [sandbox]).packed,
            Organization(name: "n", messageExport: true, signingKey: [1], revision: 1, createdAt: instant).packed,
            ConfigurationList(configurations: [configuration]).packed,
            ConfigurationFlags(generation: 1, flags: [.init(name: "n", isDisabled: true)], leaseUntil: 5).packed,
            AuditAnswer(events: [event], head: head).packed,
            AuditVerdict(events: 1, failure: "f", firstBroken: 2, head: head).packed,
        ]
    }

    /// One for each decoder, behind its number.
    private static func requests() throws -> [[UInt8]] {
        let email = try Message.emailWithEveryField()
        let bodies: [[UInt8]] =
            [
                IngestRequest(sandbox: "s", messages: [email, try Message.smsWithEveryField()]).packed,
                IngestStreamRequest(sandbox: "s", tag: 3, message: email).packed, email.packed,
                IngestChunk(sandbox: "s", messageBytes: 5, content: [1, 2]).packed,
                CreateConfigurationRequest(
                    sandbox: "s", name: "n", channel: .sms, settings: ConfigurationChange(messageExport: true), submit: true
                ).packed,
                EditConfigurationRequest(
                    sandbox: "s", name: "n", settings: ConfigurationChange(messageExport: false), submit: true, ifVersion: 1
                ).packed,
                DuplicateConfigurationRequest(sandbox: "s", name: "n", newName: "m").packed,
                NameRequest(sandbox: "s", name: "n").packed, SandboxRequest(sandbox: "s").packed,
                GetRecordsRequest(sandbox: "s", messageID: "m", view: .raw).packed,
                PreviewRecordsRequest(sandbox: "s", beforeSequence: 9, limit: 3).packed,
                CreateDestinationRequest(sandbox: "s", name: "n", settings: .local(path: "/p")).packed,
                EditDestinationRequest(
                    sandbox: "s", name: "n", settings: ["path": "/p"], secrets: ["password": Secret("p")], skipTest: true
                ).packed,
                CreateDataflowRequest(
                    sandbox: "s", name: "n", format: .json, mode: .incremental,
                    settings: DataflowSettings(destination: "d", compression: .gzip, includeRaw: true)
                ).packed,
                StartRunRequest(sandbox: "s", dataflow: "d").packed, RunRequest(sandbox: "s", runID: "r").packed,
                ListRunsRequest(sandbox: "s", dataflow: "d", limit: 5).packed, HealthCheckRequest(service: "s").packed,
                ReflectionRequest(host: "h", question: .fileContainingExtension(of: "t", number: 3)).packed,
                RequestEnvelope(service: "s", method: "m", payload: [1], timeout: 5, metadata: [.init(key: "k", value: "v")])
                    .packed,
                ResponseEnvelope.failure(Status(.notFound, "m", field: "f")).packed,
                IngestResponse(results: [.success(IngestResult(outcome: .stored)), .failure(Status(.notFound, "m"))]).packed,
                IngestStreamResponse(results: [.init(tag: 1, result: .success(IngestResult(outcome: .exportDisabled)))]).packed,
                [0x0A, 0] + email.packed,
                StoredMessage(message: [1], configurationID: "c", configurationVersion: 2, sentAt: Instant(milliseconds: 1))
                    .packed,
            ] + governance + exports
        return bodies.enumerated().map { [UInt8($0.offset)] + $0.element }
    }

    private static var exports: [[UInt8]] {
        var change = DataflowChange()
        change.schedule = Schedule(.daily(minute: 150))
        return [
            EditDataflowRequest(sandbox: "s", name: "n", ifRevision: 2, change: change).packed,
            ListAlertsRequest(sandbox: "s", openOnly: true, limit: 3).packed,
            CreateApprovalRequest(kind: .openPGP, value: "v", publicKey: [1]).packed,
            DeleteApprovalRequest(kind: .host, value: "v").packed,
            DestinationList(destinations: [
                Destination(
                    id: "i", name: "n", settings: .local(path: "/p"), secrets: ["s": Instant(milliseconds: 1)],
                    createdAt: Instant(milliseconds: 2))
            ]).packed,
            DestinationTest(checks: [DestinationCheck(step: .read, error: "e", hint: "h")]).packed,
            ApprovalList(approvals: [Approval(kind: .host, value: "v", createdAt: Instant(milliseconds: 1))]).packed,
            GetMetricsRequest().packed, MetricsPage(text: "a 1\n").packed,
        ]
    }
}
