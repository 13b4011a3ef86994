import CMessages
package import Model

/// What `CreateDataflow` asks. Its fields are those of the `.proto`.
package struct CreateDataflowRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var format: Format
    package var mode: ExportMode
    /// What is left out is the usual.
    package var settings: DataflowSettings

    package init(sandbox: String, name: String, format: Format, mode: ExportMode, settings: DataflowSettings) {
        self.sandbox = sandbox
        self.name = name
        self.format = format
        self.mode = mode
        self.settings = settings
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_dataflow_request__unpack) { (wire) throws(Status) in
            let format = try known(wire.format, "format", \Format.wire)
            let mode =
                wire.mode == MESSAGEEXPORT__V1__EXPORT_MODE__EXPORT_MODE_UNSPECIFIED
                ? .incremental : try known(wire.mode, "mode", \ExportMode.wire)
            return CreateDataflowRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"), format: format, mode: mode,
                settings: DataflowSettings(
                    destination: try wire.destination.text("destination"),
                    compression: try Compression(ifAny: wire.compression) ?? format.defaultCompression,
                    includeRaw: wire.include_raw != 0,
                    schedule: try wire.schedule.map { (schedule) throws(Status) in try Schedule(schedule.pointee) }
                        ?? mode.defaultSchedule,
                    folder: try FolderTemplate(ifAny: wire.folder_template) ?? .standard,
                    fileSizeLimit: wire.file_size_limit == 0 ? Limits.fileSizeDefault : wire.file_size_limit,
                    encryptTo: try texts(wire.n_encrypt_to, wire.encrypt_to, "encrypt_to")))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_dataflow_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.destination = draft.text(settings.destination)
            wire.format = format.wire
            wire.compression = settings.compression.wire
            wire.include_raw = settings.includeRaw ? 1 : 0
            wire.mode = mode.wire
            wire.schedule = draft.make(messageexport__v1__schedule__init) { $0.fill(&$1, settings.schedule) }
            wire.folder_template = draft.text(settings.folder.text)
            wire.file_size_limit = settings.fileSizeLimit
            (wire.n_encrypt_to, wire.encrypt_to) = draft.texts(settings.encryptTo)
        }
    }
}

/// What `EditDataflow` asks; nil: as it is. Its fields are those of the `.proto`.
package struct EditDataflowRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    /// Nil: whatever it is.
    package var ifRevision: UInt32?
    package var change: DataflowChange

    package init(sandbox: String, name: String, ifRevision: UInt32?, change: DataflowChange) {
        self.sandbox = sandbox
        self.name = name
        self.ifRevision = ifRevision
        self.change = change
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_dataflow_request__unpack) { (wire) throws(Status) in
            var change = DataflowChange()
            change.destination = try wire.destination.textIfAny("destination")
            change.compression = try Compression(ifAny: wire.compression)
            if wire.include_raw_presence_case == MESSAGEEXPORT__V1__EDIT_DATAFLOW_REQUEST__INCLUDE_RAW_PRESENCE_INCLUDE_RAW {
                change.includeRaw = wire.include_raw != 0
            }
            change.schedule = try wire.schedule.map { (schedule) throws(Status) in try Schedule(schedule.pointee) }
            change.folder = try FolderTemplate(ifAny: wire.folder_template)
            change.fileSizeLimit = wire.file_size_limit == 0 ? nil : wire.file_size_limit
            change.encryptTo = try wire.encrypt_to.map { (keys) throws(Status) in
                try texts(keys.pointee.n_fingerprints, keys.pointee.fingerprints, "encrypt_to.fingerprints")
            }
            return EditDataflowRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                ifRevision: wire.if_revision == 0 ? nil : wire.if_revision, change: change)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_dataflow_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.if_revision = ifRevision ?? 0
            wire.destination = draft.text(change.destination ?? "")
            wire.compression = change.compression?.wire ?? MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_UNSPECIFIED
            if let includeRaw = change.includeRaw {
                wire.include_raw_presence_case = MESSAGEEXPORT__V1__EDIT_DATAFLOW_REQUEST__INCLUDE_RAW_PRESENCE_INCLUDE_RAW
                wire.include_raw = includeRaw ? 1 : 0
            }
            if let schedule = change.schedule {
                wire.schedule = draft.make(messageexport__v1__schedule__init) { $0.fill(&$1, schedule) }
            }
            wire.folder_template = draft.text(change.folder?.text ?? "")
            wire.file_size_limit = change.fileSizeLimit ?? 0
            if let keys = change.encryptTo {
                wire.encrypt_to = draft.make(messageexport__v1__encrypt_to__init) { draft, wire in
                    (wire.n_fingerprints, wire.fingerprints) = draft.texts(keys)
                }
            }
        }
    }
}

/// What `ListDataflows` answers. Its fields are those of the `.proto`.
package struct DataflowList: Hashable, WireMessage {
    package var dataflows: [Dataflow]

    package init(dataflows: [Dataflow]) {
        self.dataflows = dataflows
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__dataflow_list__unpack) { (wire) throws(Status) in
            DataflowList(
                dataflows: try map(wire.n_dataflows, wire.dataflows) { (_, dataflow) throws(Status) in try Dataflow(dataflow) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__dataflow_list__init) { draft, wire in
            (wire.n_dataflows, wire.dataflows) = draft.list(dataflows, messageexport__v1__dataflow__init) {
                draft, wire, dataflow in draft.fill(&wire, dataflow)
            }
        }
    }
}

extension Dataflow: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__dataflow__unpack) { (wire) throws(Status) in try Dataflow(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__dataflow__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Dataflow) throws(Status) {
        let format = try known(wire.format, "format", \Format.wire)
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"), format: format,
            mode: try known(wire.mode, "mode", \.wire),
            settings: DataflowSettings(
                destination: try wire.destination.text("destination"),
                compression: try known(wire.compression, "compression", \.wire), includeRaw: wire.include_raw != 0,
                schedule: try wire.schedule.map { (schedule) throws(Status) in try Schedule(schedule.pointee) }
                    ?? Schedule(.manual),
                folder: try FolderTemplate(ifAny: wire.folder_template) ?? .standard, fileSizeLimit: wire.file_size_limit,
                encryptTo: try texts(wire.n_encrypt_to, wire.encrypt_to, "encrypt_to")),
            isEnabled: wire.enabled != 0, nextRunAt: Instant(wire: wire.next_run_at_ms), cursor: wire.cursor,
            expiredUnexported: wire.expired_unexported, revision: wire.revision,
            createdAt: Instant(milliseconds: wire.created_at_ms),
            backlog: wire.backlog.map { backlog in
                Backlog(
                    records: backlog.pointee.records, oldestIngestedAt: Instant(wire: backlog.pointee.oldest_ingested_at_ms),
                    oldestExpiresAt: Instant(wire: backlog.pointee.oldest_expires_at_ms))
            })
    }
}

extension ExportMode {
    /// When it runs where nothing is said.
    package var defaultSchedule: Schedule { self == .full ? Schedule(.once) : Schedule(.every(minutes: 60)) }
}

extension Compression {
    /// Nil where none is named.
    fileprivate init?(ifAny wire: Messageexport__V1__Compression) throws(Status) {
        guard wire != MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_UNSPECIFIED else { return nil }
        self = try known(wire, "compression", \.wire)
    }
}

extension FolderTemplate {
    /// Nil where none is given.
    fileprivate init?(ifAny wire: ProtobufCBinaryData) throws(Status) {
        guard let text = try wire.textIfAny("folder_template") else { return nil }
        self = try FolderTemplate(text)
    }
}

extension Schedule {
    fileprivate init(_ wire: Messageexport__V1__Schedule) throws(Status) {
        let recurrence: Recurrence
        switch wire.recurrence {
        case MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_MANUAL: recurrence = .manual
        case MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_ONCE: recurrence = .once
        case MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_EVERY: recurrence = .every(minutes: Int(wire.interval_minutes))
        case MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_DAILY: recurrence = .daily(minute: Int(wire.minute_of_day))
        default:
            throw Status(
                .invalidArgument, "unknown value \(wire.recurrence.rawValue)", field: "schedule.recurrence",
                hint: "see its enum in the .proto files", reason: .unknown)
        }
        self.init(
            recurrence, start: try Instant(asked: wire.start_ms, "schedule.start_ms"),
            end: try Instant(asked: wire.end_ms, "schedule.end_ms"))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Schedule, _ schedule: Schedule) {
        switch schedule.recurrence {
        case .manual: wire.recurrence = MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_MANUAL
        case .once: wire.recurrence = MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_ONCE
        case .every(let minutes):
            wire.recurrence = MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_EVERY
            wire.interval_minutes = UInt32(clamping: minutes)
        case .daily(let minute):
            wire.recurrence = MESSAGEEXPORT__V1__RECURRENCE__RECURRENCE_DAILY
            wire.minute_of_day = UInt32(clamping: minute)
        }
        wire.start_ms = schedule.start?.milliseconds ?? 0
        wire.end_ms = schedule.end?.milliseconds ?? 0
    }

    fileprivate func fill(_ wire: inout Messageexport__V1__Dataflow, _ dataflow: Dataflow) {
        wire.id = text(dataflow.id)
        wire.name = text(dataflow.name)
        wire.destination = text(dataflow.settings.destination)
        wire.format = dataflow.format.wire
        wire.compression = dataflow.settings.compression.wire
        wire.include_raw = dataflow.settings.includeRaw ? 1 : 0
        wire.cursor = dataflow.cursor
        wire.created_at_ms = dataflow.createdAt.milliseconds
        wire.mode = dataflow.mode.wire
        wire.schedule = make(messageexport__v1__schedule__init) { $0.fill(&$1, dataflow.settings.schedule) }
        wire.folder_template = text(dataflow.settings.folder.text)
        wire.file_size_limit = dataflow.settings.fileSizeLimit
        (wire.n_encrypt_to, wire.encrypt_to) = texts(dataflow.settings.encryptTo)
        wire.enabled = dataflow.isEnabled ? 1 : 0
        wire.next_run_at_ms = dataflow.nextRunAt?.milliseconds ?? 0
        wire.revision = dataflow.revision
        wire.expired_unexported = dataflow.expiredUnexported
        guard let backlog = dataflow.backlog else { return }
        wire.backlog = make(messageexport__v1__backlog__init) { _, wire in
            wire.records = backlog.records
            wire.oldest_ingested_at_ms = backlog.oldestIngestedAt?.milliseconds ?? 0
            wire.oldest_expires_at_ms = backlog.oldestExpiresAt?.milliseconds ?? 0
        }
    }
}
