import CMessages
package import Model

/// What `GetOrganization` asks: nothing.
package struct GetOrganizationRequest: Hashable, WireMessage {
    package init() {}

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_organization_request__unpack) { (_) throws(Status) in
            GetOrganizationRequest()
        }
    }

    package var packed: [UInt8] { [] }
}

/// What `EditOrganization` asks. Its fields are those of the `.proto`; nil: as it is.
package struct EditOrganizationRequest: Hashable, WireMessage {
    package var name: String?
    package var messageExport: Bool?
    package var ifRevision: UInt64?

    package init(name: String? = nil, messageExport: Bool? = nil, ifRevision: UInt64? = nil) {
        self.name = name
        self.messageExport = messageExport
        self.ifRevision = ifRevision
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_organization_request__unpack) { (wire) throws(Status) in
            var request = EditOrganizationRequest(ifRevision: wire.if_revision == 0 ? nil : wire.if_revision)
            if wire.name_presence_case == MESSAGEEXPORT__V1__EDIT_ORGANIZATION_REQUEST__NAME_PRESENCE_NAME {
                request.name = try wire.name.text("name")
            }
            if wire.message_export_presence_case
                == MESSAGEEXPORT__V1__EDIT_ORGANIZATION_REQUEST__MESSAGE_EXPORT_PRESENCE_MESSAGE_EXPORT
            {
                request.messageExport = wire.message_export != 0
            }
            return request
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_organization_request__init) { draft, wire in
            if let name {
                wire.name_presence_case = MESSAGEEXPORT__V1__EDIT_ORGANIZATION_REQUEST__NAME_PRESENCE_NAME
                wire.name = draft.text(name)
            }
            if let messageExport {
                wire.message_export_presence_case =
                    MESSAGEEXPORT__V1__EDIT_ORGANIZATION_REQUEST__MESSAGE_EXPORT_PRESENCE_MESSAGE_EXPORT
                wire.message_export = messageExport ? 1 : 0
            }
            wire.if_revision = ifRevision ?? 0
        }
    }
}

extension Organization: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__organization__unpack) { (wire) throws(Status) in
            Organization(
                name: try wire.name.text("name"), messageExport: wire.message_export != 0, signingKey: wire.signing_key.array,
                revision: wire.revision, createdAt: Instant(milliseconds: wire.created_at_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__organization__init) { draft, wire in
            wire.name = draft.text(name)
            wire.message_export = messageExport ? 1 : 0
            wire.signing_key = draft.bytes(signingKey)
            wire.revision = revision
            wire.created_at_ms = createdAt.milliseconds
        }
    }
}

/// What `GetMetrics` asks: nothing.
package struct GetMetricsRequest: Hashable, WireMessage {
    package init() {}

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_metrics_request__unpack) { (_) throws(Status) in GetMetricsRequest() }
    }

    package var packed: [UInt8] { pack(messageexport__v1__get_metrics_request__init) { _, _ in } }
}

/// What `GetMetrics` answers.
package struct MetricsPage: Hashable, WireMessage {
    /// OpenMetrics.
    package var text: String

    package init(text: String) {
        self.text = text
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__metrics__unpack) { (wire) throws(Status) in
            MetricsPage(text: try wire.text.text("text"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__metrics__init) { draft, wire in wire.text = draft.text(text) }
    }
}

/// What `GetTime` asks: nothing.
package struct GetTimeRequest: Hashable, WireMessage {
    package init() {}

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_time_request__unpack) { (_) throws(Status) in GetTimeRequest() }
    }

    package var packed: [UInt8] { [] }
}

/// What `ConfirmTime` asks. Its fields are those of the `.proto`.
package struct ConfirmTimeRequest: Hashable, WireMessage {
    package var wall: Instant

    package init(wall: Instant) {
        self.wall = wall
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__confirm_time_request__unpack) { (wire) throws(Status) in
            guard Instant.representable.contains(Instant(milliseconds: wire.wall_ms)) else {
                throw Status(.invalidArgument, "that is no time of the years 1 to 9999", field: "wall_ms")
            }
            return ConfirmTimeRequest(wall: Instant(milliseconds: wire.wall_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__confirm_time_request__init) { _, wire in wire.wall_ms = wall.milliseconds }
    }
}

extension ClockReading: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__clock_reading__unpack) { (wire) throws(Status) in try ClockReading(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__clock_reading__init) { draft, wire in draft.fill(&wire, self) }
    }

    init(_ wire: Messageexport__V1__ClockReading) throws(Status) {
        let doubt = try wire.doubt.textIfAny("doubt")
        self.init(
            trusted: Instant(milliseconds: wire.trusted_ms), wall: Instant(milliseconds: wire.wall_ms),
            doubt: doubt.flatMap { TrustedClock.Doubt(rawValue: $0) })
    }
}

extension Draft {
    func fill(_ wire: inout Messageexport__V1__ClockReading, _ reading: ClockReading) {
        wire.trusted_ms = reading.trusted.milliseconds
        wire.wall_ms = reading.wall.milliseconds
        wire.doubt = text(reading.doubt?.rawValue ?? "")
    }
}
