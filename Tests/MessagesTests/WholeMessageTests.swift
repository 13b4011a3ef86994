import Messages
import Model
import TestSupport
import Testing

/// What stands beside the content of a message, and its size.
@Suite struct WholeMessageTests {
    private func packed(_ message: Message) -> [UInt8] {
        IngestRequest(sandbox: "", messages: [message]).packed
    }

    /// What is wrong with the first message of a request; nil: nothing.
    private func refusal(_ packed: [UInt8]) throws -> Status? {
        if case .failure(let status) = try CheckedIngest(packed: packed).messages[0] { status } else { nil }
    }

    @Test func `a message with every field set survives packing whole`() throws {
        for message in [try Message.emailWithEveryField(), try Message.smsWithEveryField()] {
            #expect(try Message(packed: message.packed) == message)
            #expect(try CheckedIngest(packed: packed(message)).messages[0].get().packed == message.packed)
        }
    }

    @Test func `an attachment whose bytes are elsewhere survives packing, and has a whole SHA-256`() throws {
        let sha256 = [UInt8](repeating: 7, count: 32)
        var email = Email(
            subject: "s", attachments: [Attachment(name: "a", type: "t/x", body: .digest(size: .max, sha256: sha256))])
        var message = try Message.emailWithEveryField()
        message.content = .email(email)
        #expect(try Message(packed: message.packed) == message)
        #expect(try refusal(packed(message)) == nil)
        email.attachments = [Attachment(name: "a", type: "t/x", body: .digest(size: 1, sha256: [7]))]
        message.content = .email(email)
        #expect(try refusal(packed(message))?.field == "messages[0].email.attachments[0].sha256")
    }

    @Test func `the same metadata in another order is the same message, and a key comes once`() throws {
        var message = try Message.smsWithEveryField()
        message.execution.metadata = ["a": "1", "b": "2"]
        let ordered = packed(message)
        // The entries as protobuf writes them: their tag and length, then key and value of one letter each.
        let (a, b): ([UInt8], [UInt8]) = ([10, 1, 97, 18, 1, 49], [10, 1, 98, 18, 1, 50])
        let place = try #require(ordered.indices.first { ordered[$0...].starts(with: a + [0x82, 1, 6] + b) })
        func with(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
            var bytes = ordered
            bytes.replaceSubrange(place..<place + 15, with: first + [0x82, 1, 6] + second)
            return bytes
        }
        #expect(with(b, a) != ordered)
        #expect(try CheckedIngest(packed: with(b, a)).messages[0].get().packed == message.packed)
        #expect(try refusal(with(a, a))?.field == "messages[0].execution.metadata")
        message.execution.metadata = ["\u{E9}": "1", "xx": "2"]
        var spellings = packed(message)
        let other = try #require(spellings.indices.first { spellings[$0...].starts(with: "xx".utf8) })
        // The same letter in another normal form: one byte longer, so both keys have three.
        spellings.replaceSubrange(other..<other + 2, with: [0xC3, 0xA9])
        #expect(try refusal(spellings)?.field == "messages[0].execution.metadata")
    }

    @Test func `text beside the content that is not UTF-8 is refused with its place`() throws {
        let marker = "MARKER"
        func message(_ change: (inout Message) -> Void) throws -> Message {
            var message = try Message.smsWithEveryField()
            change(&message)
            return message
        }
        for (place, message) in [
            ("execution.wave_id", try message { $0.execution.waveID = marker }),
            ("execution.audience.type", try message { $0.execution.audience.type = marker }),
            ("execution.parent_source_meta.source_id", try message { $0.execution.parentSource.sourceID = marker }),
            ("execution.metadata.value", try message { $0.execution.metadata = ["k": marker] }),
            ("execution.fragment_publication_ids[0]", try message { $0.execution.fragmentPublicationIDs = [marker] }),
            ("profile.variant", try message { $0.profile.variant = marker }),
            ("profile.channel.mode", try message { $0.profile.channel.mode = marker }),
            ("profile.channel.content_types[1]", try message { $0.profile.channel.contentTypes = ["fine", marker] }),
            ("identities[0].id", try message { $0.identities = [Identity(namespace: "n", id: marker)] }),
            ("produced_by", try message { $0.producedBy = marker }), ("event_type", try message { $0.eventType = marker }),
            (
                "sms.title",
                try message { $0.content = .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "t", title: marker)) }
            ),
        ] {
            var bytes = packed(message)
            let found = try #require(bytes.indices.first { bytes[$0...].starts(with: marker.utf8) })
            bytes[found] = 0xFF
            #expect(try refusal(bytes)?.field == "messages[0].\(place)")
        }
    }

    @Test func `an identity has a namespace and an id`() throws {
        for identity in [Identity(namespace: "", id: "x"), Identity(namespace: "x", id: "")] {
            var message = try Message.smsWithEveryField()
            message.identities = [Identity(namespace: "n", id: "i"), identity]
            #expect(try refusal(packed(message))?.field == "messages[0].identities[1]")
        }
    }

    @Test func `an SMS without text has media`() throws {
        for (media, field) in [("https://example.com/m.png", nil), (nil, "messages[0].sms.text")] {
            var message = try Message.smsWithEveryField()
            message.content = .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "", media: media))
            #expect(try refusal(packed(message))?.field == field)
        }
    }

    @Test func `a message that would not fit the frame of an answer is refused by its size`() throws {
        func message(of size: Int) throws -> Message {
            var message = try Message.emailWithEveryField()
            message.content = .email(Email(text: String(repeating: "x", count: 1 << 20)))
            let overhead = message.packed.count - (1 << 20)
            // Lengths of one to four MiB take a byte more each, in the text and in the email around it.
            message.content = .email(Email(text: String(repeating: "x", count: size - overhead - 2)))
            return message
        }
        let largest = try message(of: Limits.messageBytes)
        #expect(largest.packed.count == Limits.messageBytes)
        #expect(try refusal(packed(largest)) == nil)
        let status = try refusal(packed(try message(of: Limits.messageBytes + 1)))
        #expect(status?.code == .invalidArgument)
        #expect(status?.message.contains("\(Limits.messageBytes + 1) bytes") == true)
    }

    @Test func `every request and answer about exports survives packing`() throws {
        func check<Value: WireMessage & Equatable>(_ value: Value) throws { #expect(try Value(packed: value.packed) == value) }
        let instant = Instant(milliseconds: 1_795_435_200_000)
        for recurrence in [Schedule.Recurrence.manual, .once, .every(minutes: 15), .daily(minute: 150)] {
            let dataflow = Dataflow(
                id: "i", name: "n", format: .parquet, mode: .full,
                settings: DataflowSettings(
                    destination: "d", compression: .snappy, includeRaw: true,
                    schedule: Schedule(recurrence, start: instant, end: Instant(milliseconds: instant.milliseconds + 1)),
                    folder: try FolderTemplate("%SANDBOX_NAME%/x"), fileSizeLimit: 1 << 20, encryptTo: ["A", "B"]),
                isEnabled: false, nextRunAt: instant, cursor: 1, expiredUnexported: 2, revision: 3, createdAt: instant,
                backlog: Backlog(records: 4, oldestIngestedAt: instant, oldestExpiresAt: instant))
            try check(DataflowList(dataflows: [dataflow, dataflow]))
        }
        var change = DataflowChange()
        try check(EditDataflowRequest(sandbox: "s", name: "n", ifRevision: nil, change: change))
        (change.destination, change.compression, change.includeRaw) = ("d", .zstd, false)
        (change.schedule, change.folder, change.fileSizeLimit) = (Schedule(.once), .standard, 1 << 30)
        try check(EditDataflowRequest(sandbox: "s", name: "n", ifRevision: 7, change: change))
        for keys in [["A", "B"], []] {
            change.encryptTo = keys
            try check(EditDataflowRequest(sandbox: "s", name: "n", ifRevision: 7, change: change))
        }
        try check(StartRunRequest(sandbox: "s", dataflow: "d", since: instant, until: instant, destination: "e"))
        try check(ListAlertsRequest(sandbox: "s", openOnly: true, limit: 3))
        try check(
            AlertList(
                alerts: Alert.Kind.allCases.map { Alert(kind: $0, dataflow: "d", run: "r", time: instant, detail: "x") }))
        try check(ListRunsRequest(sandbox: "s", dataflow: "d", limit: 7))
        for trigger in Run.Trigger.allCases {
            let run = Run(
                id: "i", dataflow: "d", destination: "e", state: .failed, trigger: trigger, after: 1, through: 2, since: instant,
                until: instant, expected: 9, attempts: 3, nextAttemptAt: instant, startedAt: instant, folder: "f")
            try check(RunList(runs: [run, run]))
        }
    }

    @Test func `every management request and answer survives packing`() throws {
        func check<Value: WireMessage & Equatable>(_ value: Value) throws { #expect(try Value(packed: value.packed) == value) }
        let instant = Instant(milliseconds: 1_795_435_200_000)
        let whole = ConfigurationChange(settingsWithEverything)
        for change in [ConfigurationChange(), ConfigurationChange(messageExport: false), whole] {
            try check(
                EditConfigurationRequest(
                    sandbox: "s", name: "n", settings: change, submit: change == whole, ifVersion: change.isEmpty ? nil : 7))
            try check(
                CreateConfigurationRequest(sandbox: "s", name: "n", channel: .email, settings: change, submit: change == whole))
        }
        var configuration = ChannelConfiguration(
            id: "i", name: "n", channel: .sms, state: .failed, version: 1, settings: settingsWithEverything,
            failures: ["one", "two"], enabledSince: instant, createdAt: instant)
        try check(configuration)
        configuration.pending = .init(version: 2, settings: ConfigurationSettings(), failures: ["three"])
        try check(ConfigurationList(configurations: [configuration, configuration]))
        try check(DuplicateConfigurationRequest(sandbox: "s", name: "n", newName: "m"))
        try check(HealthCheckRequest(service: "s"))
        for health in Health.allCases { try check(health) }
        let secrets = ["password": Secret("p"), "private_key": Secret("k")]
        try check(
            CreateDestinationRequest(
                sandbox: "s", name: "n", settings: .local(path: "/p"), secrets: secrets, skipTest: true))
        try check(
            EditDestinationRequest(
                sandbox: "s", name: "n", settings: ["path": "/p", "host": ""], secrets: secrets, skipTest: true))
        let destination = Destination(
            id: "i", name: "n", settings: Destination.Settings(type: .sftp, values: ["host": "h", "port": "2"]),
            secrets: ["password": instant, "private_key": instant], expiresAt: instant, createdAt: instant)
        try check(DestinationList(destinations: [destination, destination]))
        try check(
            DestinationTest(checks: DestinationCheck.Step.allCases.map { DestinationCheck(step: $0, error: "e", hint: "h") }))
        for kind in Approval.Kind.allCases {
            let approval = Approval(kind: kind, value: "v", label: "l", createdAt: instant)
            try check(ApprovalList(approvals: [approval, approval]))
            try check(CreateApprovalRequest(kind: kind, value: "v", publicKey: [1, 2]))
            try check(DeleteApprovalRequest(kind: kind, value: "v"))
        }
        for view in RecordView.allCases { try check(GetRecordsRequest(sandbox: "s", messageID: "m", view: view)) }
        try check(PreviewRecordsRequest(sandbox: "s", beforeSequence: .max, limit: 3))
        var query = RecordQuery()
        try check(RecordQuery.Request(sandbox: "s", query: query))
        (query.recipient, query.configuration, query.campaignID, query.journeyVersionID) = ("a@b.example", "c", "k", "j")
        (query.since, query.until) = (instant, instant)
        try check(RecordQuery.Request(sandbox: "s", query: query, afterSequence: 9, limit: 3, view: .full))
        try check(EraseRecordsRequest(sandbox: "s", recipient: "r", confirm: "c"))
        try check(ErasureReceipt(statement: "{}", signature: [1, 2], records: 3, segments: 4, throughSequence: 5))
        try check(CompactReport(segments: 1, bytesBefore: 2, bytesAfter: 3))
        try check(
            DatasetVerification(
                bytes: 1, bytesToRead: 2, isLast: true, segments: 3, batches: 4, records: 5, problems: ["one", "two"]))
        let day = DatasetSummary.StoredDay(
            day: "2026-11-23", records: 1, segments: 2, storedBytes: 3, expiresAt: instant,
            configurations: [.init(configuration: "c", records: 1)])
        try check(
            DatasetSummary(
                sandbox: "s", epoch: 1, timeZone: "UTC", retentionDays: 3, records: 4, firstSequence: 5, lastSequence: 6,
                days: [day, day]))
    }

    private var settingsWithEverything: ConfigurationSettings {
        var settings = ConfigurationSettings(messageExport: true)
        settings.description = "what it is for"
        settings.tags = ["a", "b"]
        settings.purpose = .transactional
        settings.subdomain = "mail.example.com"
        settings.fromName = "From"
        settings.fromAddress = "from@mail.example.com"
        settings.replyToName = "Reply"
        settings.replyToAddress = "reply@example.com"
        settings.errorAddress = "bounces@example.com"
        settings.bccAddress = "archive@example.com"
        settings.senderNumbers = ["+12025550123"]
        return settings
    }

    @Test func `every request and answer about sandboxes, grants, the organization and the audit survives packing`() throws {
        func check<Value: WireMessage & Equatable>(_ value: Value) throws { #expect(try Value(packed: value.packed) == value) }
        let instant = Instant(milliseconds: 1_795_435_200_000)
        try check(EditOrganizationRequest())
        try check(EditOrganizationRequest(name: "n", messageExport: false, ifRevision: 3))
        try check(Organization(name: "n", messageExport: true, signingKey: [1, 2], revision: 3, createdAt: instant))
        for days in [nil, 0, 30] as [UInt32?] {
            try check(CreateSandboxRequest(name: "n", title: "t", kind: .production, timeZone: "z", retentionDays: days))
        }
        try check(EditSandboxRequest(sandbox: "s"))
        var edit = EditSandboxRequest(sandbox: "s")
        (edit.title, edit.timeZone, edit.retentionDays, edit.ifRevision) = ("", "z", 0, 9)
        (edit.quotaBytes, edit.quotaRecordsPerDay, edit.quotaRecordsPerSecond) = (0, 1, .max)
        try check(edit)
        try check(ConfirmedSandboxRequest(sandbox: "s", confirm: "c"))
        for state in Sandbox.State.allCases {
            let sandbox = Sandbox(
                id: "i", name: "n", title: "t", kind: .development, state: state, epoch: 2, timeZone: "z",
                retention: Retention(days: 4), quotas: .init(bytes: 1, recordsPerDay: nil, recordsPerSecond: 2), revision: 5,
                createdAt: instant)
            try check(SandboxList(sandboxes: [sandbox, sandbox]))
        }
        for role in Role.allCases {
            for subject in [Subject.user(0), .group(.max)] {
                try check(GrantRequest(role: role, subject: subject, sandbox: "s"))
                let grant = Grant(role: role, subject: subject, sandbox: nil, createdAt: instant)
                try check(GrantList(grants: [grant, Grant(role: role, subject: subject, sandbox: "s", createdAt: instant)]))
            }
        }
        try check(ListGrantsRequest(sandbox: "s"))
        for doubt in [nil] + TrustedClock.Doubt.allCases {
            try check(ClockReading(trusted: instant, wall: Instant(milliseconds: 0), doubt: doubt))
        }
        try check(ConfirmTimeRequest(wall: instant))
        #expect(throws: Status.self) {
            try ConfirmTimeRequest(packed: ConfirmTimeRequest(wall: Instant(milliseconds: .max)).packed)
        }
        try check(ConfigurationFlags(generation: 1, flags: nil, leaseUntil: 2))
        try check(ConfigurationFlags(generation: 1, flags: [], leaseUntil: 2))
        try check(
            ConfigurationFlags(
                generation: 1, flags: [.init(name: "a", isDisabled: true), .init(name: "b", isDisabled: false)], leaseUntil: 2))
        var query = ListAuditEventsRequest(sandbox: "s", organization: true)
        try check(query)
        (query.user, query.action, query.outcome, query.since, query.until) = (0, .runEnd, .refused, instant, instant)
        query.limit = 3
        try check(query)
        let event = AuditEvent(
            chain: "c", number: 1, time: instant, user: 0, action: .grantCreate, object: "o", outcome: .done, count: 2,
            detail: "d",
            hash: [1])
        var byDaemon = event
        byDaemon.user = nil
        let head = AuditHead(
            chain: "c", firstNumber: 1, firstPrevious: [0], number: 2, hash: [3], time: instant, signature: [4])
        try check(AuditAnswer(events: [event, byDaemon], head: head))
        try check(VerifyAuditRequest(sandbox: "s", organization: true))
        try check(AuditVerdict(events: 1, failure: "f", firstBroken: 2, head: head))
        try check(AuditVerdict(events: 1, failure: nil, firstBroken: 0, head: nil))
    }
}
