import CMessages
package import Model

/// What `GetStatus` asks. Its fields are those of the `.proto`.
package struct GetStatusRequest: Hashable, WireMessage {
    package var sandbox: String

    package init(sandbox: String) {
        self.sandbox = sandbox
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__get_status_request__unpack) { (wire) throws(Status) in
            GetStatusRequest(sandbox: try wire.sandbox.text("sandbox"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__get_status_request__init) { draft, wire in wire.sandbox = draft.text(sandbox) }
    }
}

extension DaemonStatus: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__daemon_status__unpack) { (wire) throws(Status) in
            var reports: [String] = []
            for index in 0..<wire.n_recovery_reports {
                reports.append(try wire.recovery_reports[index].text("recovery_reports[\(index)]"))
            }
            return DaemonStatus(
                version: try wire.version.text("version"), organization: try wire.organization.text("organization"),
                messageExport: wire.message_export != 0, startedAt: Instant(milliseconds: wire.started_at_ms),
                sandbox: try wire.sandbox.text("sandbox"), configurations: wire.configurations,
                configurationsExporting: wire.configurations_exporting, destinations: wire.destinations,
                dataflows: wire.dataflows, records: wire.records, lastSequence: wire.last_sequence, segments: wire.segments,
                storedBytes: wire.stored_bytes, recoveryReports: reports)
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
        }
    }
}
