import CMessages
package import Model

/// What `CreateDataflow` asks. Its fields are those of the `.proto`.
package struct CreateDataflowRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    /// Name of a destination of the sandbox.
    package var destination: String
    package var format: Format
    /// Nil: the format's default.
    package var compression: Compression?

    package init(sandbox: String, name: String, destination: String, format: Format, compression: Compression?) {
        self.sandbox = sandbox
        self.name = name
        self.destination = destination
        self.format = format
        self.compression = compression
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_dataflow_request__unpack) { (wire) throws(Status) in
            CreateDataflowRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                destination: try wire.destination.text("destination"), format: try known(wire.format, "format", \.wire),
                compression: wire.compression == MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_UNSPECIFIED
                    ? nil : try known(wire.compression, "compression", \.wire))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_dataflow_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.destination = draft.text(destination)
            wire.format = format.wire
            wire.compression = compression?.wire ?? MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_UNSPECIFIED
        }
    }
}

extension Dataflow: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__dataflow__unpack) { (wire) throws(Status) in
            Dataflow(
                id: try wire.id.text("id"), name: try wire.name.text("name"),
                destination: try wire.destination.text("destination"),
                format: try known(wire.format, "format", \.wire), compression: try known(wire.compression, "compression", \.wire),
                cursor: wire.cursor, createdAt: Instant(milliseconds: wire.created_at_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__dataflow__init) { draft, wire in
            wire.id = draft.text(id)
            wire.name = draft.text(name)
            wire.destination = draft.text(destination)
            wire.format = format.wire
            wire.compression = compression.wire
            wire.cursor = cursor
            wire.created_at_ms = createdAt.milliseconds
        }
    }
}

/// What `StartRun` asks. Its fields are those of the `.proto`.
package struct StartRunRequest: Hashable, WireMessage {
    package var sandbox: String
    /// Name of the dataflow.
    package var dataflow: String

    package init(sandbox: String, dataflow: String) {
        self.sandbox = sandbox
        self.dataflow = dataflow
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__start_run_request__unpack) { (wire) throws(Status) in
            StartRunRequest(sandbox: try wire.sandbox.text("sandbox"), dataflow: try wire.dataflow.text("dataflow"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__start_run_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.dataflow = draft.text(dataflow)
        }
    }
}

/// What `WaitRun` asks. Its fields are those of the `.proto`.
package struct WaitRunRequest: Hashable, WireMessage {
    package var sandbox: String
    package var runID: String

    package init(sandbox: String, runID: String) {
        self.sandbox = sandbox
        self.runID = runID
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__wait_run_request__unpack) { (wire) throws(Status) in
            WaitRunRequest(sandbox: try wire.sandbox.text("sandbox"), runID: try wire.run_id.text("run_id"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__wait_run_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.run_id = draft.text(runID)
        }
    }
}

extension Run: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__run__unpack) { (wire) throws(Status) in
            Run(
                id: try wire.id.text("id"), dataflow: try wire.dataflow.text("dataflow"),
                state: try known(wire.state, "state", \.wire), after: wire.after_sequence, through: wire.through_sequence,
                totals: Totals(
                    received: wire.records_received, exported: wire.records_exported, skipped: wire.records_skipped,
                    files: wire.files, bytes: wire.bytes),
                startedAt: Instant(milliseconds: wire.started_at_ms), endedAt: Instant(wire: wire.ended_at_ms),
                folder: try wire.folder.text("folder"), manifest: try wire.manifest.textIfAny("manifest"),
                error: try wire.error.textIfAny("error"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__run__init) { draft, wire in
            wire.id = draft.text(id)
            wire.dataflow = draft.text(dataflow)
            wire.state = state.wire
            wire.after_sequence = after
            wire.through_sequence = through
            wire.records_received = totals.received
            wire.records_exported = totals.exported
            wire.records_skipped = totals.skipped
            wire.files = totals.files
            wire.bytes = totals.bytes
            wire.started_at_ms = startedAt.milliseconds
            wire.ended_at_ms = endedAt?.milliseconds ?? 0
            wire.folder = draft.text(folder)
            wire.manifest = draft.text(manifest ?? "")
            wire.error = draft.text(error ?? "")
        }
    }
}
