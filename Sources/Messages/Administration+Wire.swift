import CMessages
package import Model

extension DaemonStatus: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__daemon_status__unpack) { (wire) throws(Status) in
            DaemonStatus(
                version: try wire.version.text("version"), organization: try wire.organization.text("organization"),
                messageExport: wire.message_export != 0, startedAt: Instant(milliseconds: wire.started_at_ms),
                sandbox: try wire.sandbox.text("sandbox"), configurations: wire.configurations,
                configurationsExporting: wire.configurations_exporting, destinations: wire.destinations,
                dataflows: wire.dataflows, records: wire.records, lastSequence: wire.last_sequence, segments: wire.segments,
                storedBytes: wire.stored_bytes,
                recoveryReports: try texts(wire.n_recovery_reports, wire.recovery_reports, "recovery_reports"),
                time: try wire.time.map { (time) throws(Status) in try ClockReading(time.pointee) },
                diskBytes: wire.disk_bytes, diskFreeBytes: wire.disk_free_bytes)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__daemon_status__init) { draft, wire in
            wire.version = draft.text(version)
            wire.organization = draft.text(organization)
            wire.message_export = messageExport ? 1 : 0
            wire.started_at_ms = startedAt.milliseconds
            wire.sandbox = draft.text(sandbox)
            wire.configurations = configurations
            wire.configurations_exporting = configurationsExporting
            wire.destinations = destinations
            wire.dataflows = dataflows
            wire.records = records
            wire.last_sequence = lastSequence
            wire.segments = segments
            wire.stored_bytes = storedBytes
            (wire.n_recovery_reports, wire.recovery_reports) = draft.texts(recoveryReports)
            wire.disk_bytes = diskBytes
            wire.disk_free_bytes = diskFreeBytes
            wire.time = time.map { time in
                draft.make(messageexport__v1__clock_reading__init) { draft, wire in draft.fill(&wire, time) }
            }
        }
    }
}

/// What `Check` of the health service asks. Its fields are those of the `.proto`.
package struct HealthCheckRequest: Hashable, WireMessage {
    /// Full name of a service; empty: the daemon as a whole.
    package var service: String

    package init(service: String) {
        self.service = service
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, grpc__health__v1__health_check_request__unpack) { (wire) throws(Status) in
            HealthCheckRequest(service: try wire.service.text("service"))
        }
    }

    package var packed: [UInt8] {
        pack(grpc__health__v1__health_check_request__init) { draft, wire in wire.service = draft.text(service) }
    }
}

extension Health: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, grpc__health__v1__health_check_response__unpack) { (wire) throws(Status) in
            try known(wire.status, "status", \.wire)
        }
    }

    package var packed: [UInt8] {
        pack(grpc__health__v1__health_check_response__init) { draft, wire in wire.status = self.wire }
    }

    var wire: Grpc__Health__V1__HealthCheckResponse__ServingStatus {
        switch self {
        case .serving: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
        case .notServing: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
        case .serviceUnknown: GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN
        }
    }
}
