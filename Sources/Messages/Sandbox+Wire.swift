import CMessages
package import Model

/// What `CreateSandbox` asks. Its fields are those of the `.proto`.
package struct CreateSandboxRequest: Hashable, WireMessage {
    package var name: String
    /// Empty: the name.
    package var title: String
    package var kind: Sandbox.Kind
    /// Empty: UTC.
    package var timeZone: String
    /// Nil: what is usual.
    package var retentionDays: UInt32?

    package init(name: String, title: String, kind: Sandbox.Kind, timeZone: String, retentionDays: UInt32?) {
        self.name = name
        self.title = title
        self.kind = kind
        self.timeZone = timeZone
        self.retentionDays = retentionDays
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_sandbox_request__unpack) { (wire) throws(Status) in
            let hasRetention =
                wire.retention_days_presence_case
                == MESSAGEEXPORT__V1__CREATE_SANDBOX_REQUEST__RETENTION_DAYS_PRESENCE_RETENTION_DAYS
            let hasKind = wire.type != MESSAGEEXPORT__V1__SANDBOX_TYPE__SANDBOX_TYPE_UNSPECIFIED
            return CreateSandboxRequest(
                name: try wire.name.text("name"), title: try wire.title.text("title"),
                kind: hasKind ? try known(wire.type, "type", \.wire) : .development,
                timeZone: try wire.time_zone.text("time_zone"), retentionDays: hasRetention ? wire.retention_days : nil)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_sandbox_request__init) { draft, wire in
            wire.name = draft.text(name)
            wire.title = draft.text(title)
            wire.type = kind.wire
            wire.time_zone = draft.text(timeZone)
            if let retentionDays {
                wire.retention_days_presence_case =
                    MESSAGEEXPORT__V1__CREATE_SANDBOX_REQUEST__RETENTION_DAYS_PRESENCE_RETENTION_DAYS
                wire.retention_days = retentionDays
            }
        }
    }
}

/// What `EditSandbox` asks. Its fields are those of the `.proto`; nil: as it is.
package struct EditSandboxRequest: Hashable, WireMessage {
    package var sandbox: String
    package var title: String?
    package var timeZone: String?
    package var retentionDays: UInt32?
    package var quotaBytes: UInt64?
    package var quotaRecordsPerDay: UInt64?
    package var quotaRecordsPerSecond: UInt64?
    package var ifRevision: UInt64?

    package init(sandbox: String) {
        self.sandbox = sandbox
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_sandbox_request__unpack) { (wire) throws(Status) in
            var request = EditSandboxRequest(sandbox: try wire.sandbox.text("sandbox"))
            if wire.title_presence_case == MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__TITLE_PRESENCE_TITLE {
                request.title = try wire.title.text("title")
            }
            if wire.time_zone_presence_case == MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__TIME_ZONE_PRESENCE_TIME_ZONE {
                request.timeZone = try wire.time_zone.text("time_zone")
            }
            if wire.retention_days_presence_case
                == MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__RETENTION_DAYS_PRESENCE_RETENTION_DAYS
            {
                request.retentionDays = wire.retention_days
            }
            if wire.quota_bytes_presence_case == MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__QUOTA_BYTES_PRESENCE_QUOTA_BYTES {
                request.quotaBytes = wire.quota_bytes
            }
            if wire.quota_records_per_day_presence_case
                == MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__QUOTA_RECORDS_PER_DAY_PRESENCE_QUOTA_RECORDS_PER_DAY
            {
                request.quotaRecordsPerDay = wire.quota_records_per_day
            }
            if wire.quota_records_per_second_presence_case
                == MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__QUOTA_RECORDS_PER_SECOND_PRESENCE_QUOTA_RECORDS_PER_SECOND
            {
                request.quotaRecordsPerSecond = wire.quota_records_per_second
            }
            request.ifRevision = wire.if_revision == 0 ? nil : wire.if_revision
            return request
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_sandbox_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            if let title {
                wire.title_presence_case = MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__TITLE_PRESENCE_TITLE
                wire.title = draft.text(title)
            }
            if let timeZone {
                wire.time_zone_presence_case = MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__TIME_ZONE_PRESENCE_TIME_ZONE
                wire.time_zone = draft.text(timeZone)
            }
            if let retentionDays {
                wire.retention_days_presence_case =
                    MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__RETENTION_DAYS_PRESENCE_RETENTION_DAYS
                wire.retention_days = retentionDays
            }
            if let quotaBytes {
                wire.quota_bytes_presence_case = MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__QUOTA_BYTES_PRESENCE_QUOTA_BYTES
                wire.quota_bytes = quotaBytes
            }
            if let quotaRecordsPerDay {
                wire.quota_records_per_day_presence_case =
                    MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__QUOTA_RECORDS_PER_DAY_PRESENCE_QUOTA_RECORDS_PER_DAY
                wire.quota_records_per_day = quotaRecordsPerDay
            }
            if let quotaRecordsPerSecond {
                wire.quota_records_per_second_presence_case =
                    MESSAGEEXPORT__V1__EDIT_SANDBOX_REQUEST__QUOTA_RECORDS_PER_SECOND_PRESENCE_QUOTA_RECORDS_PER_SECOND
                wire.quota_records_per_second = quotaRecordsPerSecond
            }
            wire.if_revision = ifRevision ?? 0
        }
    }
}

/// What `ResetSandbox` and `DeleteSandbox` ask. Its fields are those of the `.proto`.
package struct ConfirmedSandboxRequest: Hashable, WireMessage {
    package var sandbox: String
    package var confirm: String

    package init(sandbox: String, confirm: String) {
        self.sandbox = sandbox
        self.confirm = confirm
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__confirmed_sandbox_request__unpack) { (wire) throws(Status) in
            ConfirmedSandboxRequest(
                sandbox: try wire.sandbox.text("sandbox"), confirm: try wire.confirm.text("confirm"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__confirmed_sandbox_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.confirm = draft.text(confirm)
        }
    }
}

/// What `ListSandboxes` asks: nothing.
package struct ListSandboxesRequest: Hashable, WireMessage {
    package init() {}

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__list_sandboxes_request__unpack) { (_) throws(Status) in
            ListSandboxesRequest()
        }
    }

    package var packed: [UInt8] { [] }
}

/// What `ListSandboxes` answers. Its fields are those of the `.proto`.
package struct SandboxList: Hashable, WireMessage {
    package var sandboxes: [Sandbox]

    package init(sandboxes: [Sandbox]) {
        self.sandboxes = sandboxes
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__sandbox_list__unpack) { (wire) throws(Status) in
            SandboxList(
                sandboxes: try map(wire.n_sandboxes, wire.sandboxes) { (_, sandbox) throws(Status) in try Sandbox(sandbox) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__sandbox_list__init) { draft, wire in
            (wire.n_sandboxes, wire.sandboxes) = draft.list(sandboxes, messageexport__v1__sandbox__init) {
                draft, wire, sandbox in draft.fill(&wire, sandbox)
            }
        }
    }
}

extension Sandbox: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__sandbox__unpack) { (wire) throws(Status) in try Sandbox(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__sandbox__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Sandbox) throws(Status) {
        func quota(_ value: UInt64) -> UInt64? { value == 0 ? nil : value }
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"), title: try wire.title.text("title"),
            kind: try known(wire.type, "type", \.wire), state: try known(wire.state, "state", \.wire), epoch: wire.epoch,
            timeZone: try wire.time_zone.text("time_zone"), retention: Retention(days: Int(wire.retention_days)),
            quotas: Quotas(
                bytes: quota(wire.quota_bytes), recordsPerDay: quota(wire.quota_records_per_day),
                recordsPerSecond: quota(wire.quota_records_per_second)),
            revision: wire.revision, createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Sandbox, _ sandbox: Sandbox) {
        wire.id = text(sandbox.id)
        wire.name = text(sandbox.name)
        wire.title = text(sandbox.title)
        wire.type = sandbox.kind.wire
        wire.state = sandbox.state.wire
        wire.epoch = sandbox.epoch
        wire.time_zone = text(sandbox.timeZone)
        wire.retention_days = UInt32(sandbox.retention.days)
        wire.quota_bytes = sandbox.quotas.bytes ?? 0
        wire.quota_records_per_day = sandbox.quotas.recordsPerDay ?? 0
        wire.quota_records_per_second = sandbox.quotas.recordsPerSecond ?? 0
        wire.revision = sandbox.revision
        wire.created_at_ms = sandbox.createdAt.milliseconds
    }
}
