import CMessages
package import Model

/// What `StartRun` asks. Its fields are those of the `.proto`.
package struct StartRunRequest: Hashable, WireMessage {
    package var sandbox: String
    /// Name of the dataflow.
    package var dataflow: String
    /// Records ingested from then on; nil: there is no such bound.
    package var since: Instant?
    /// Records ingested before; nil: there is no such bound.
    package var until: Instant?
    /// Nil: the dataflow's.
    package var destination: String?

    package init(sandbox: String, dataflow: String, since: Instant? = nil, until: Instant? = nil, destination: String? = nil) {
        self.sandbox = sandbox
        self.dataflow = dataflow
        self.since = since
        self.until = until
        self.destination = destination
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__start_run_request__unpack) { (wire) throws(Status) in
            StartRunRequest(
                sandbox: try wire.sandbox.text("sandbox"), dataflow: try wire.dataflow.text("dataflow"),
                since: try Instant(asked: wire.since_ms, "since_ms"), until: try Instant(asked: wire.until_ms, "until_ms"),
                destination: try wire.destination.textIfAny("destination"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__start_run_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.dataflow = draft.text(dataflow)
            wire.since_ms = since?.milliseconds ?? 0
            wire.until_ms = until?.milliseconds ?? 0
            wire.destination = draft.text(destination ?? "")
        }
    }
}

/// What calls about one run ask. Its fields are those of the `.proto`.
package struct RunRequest: Hashable, WireMessage {
    package var sandbox: String
    package var runID: String

    package init(sandbox: String, runID: String) {
        self.sandbox = sandbox
        self.runID = runID
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__run_request__unpack) { (wire) throws(Status) in
            RunRequest(sandbox: try wire.sandbox.text("sandbox"), runID: try wire.run_id.text("run_id"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__run_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.run_id = draft.text(runID)
        }
    }
}

/// What `ListRuns` asks. Its fields are those of the `.proto`.
package struct ListRunsRequest: Hashable, WireMessage {
    package var sandbox: String
    /// Empty: all of the sandbox.
    package var dataflow: String
    /// 0: the default.
    package var limit: UInt32

    package init(sandbox: String, dataflow: String, limit: UInt32) {
        self.sandbox = sandbox
        self.dataflow = dataflow
        self.limit = limit
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__list_runs_request__unpack) { (wire) throws(Status) in
            ListRunsRequest(
                sandbox: try wire.sandbox.text("sandbox"), dataflow: try wire.dataflow.text("dataflow"), limit: wire.limit)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__list_runs_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.dataflow = draft.text(dataflow)
            wire.limit = limit
        }
    }
}

/// What `ListRuns` answers. Its fields are those of the `.proto`.
package struct RunList: Hashable, WireMessage {
    package var runs: [Run]

    package init(runs: [Run]) {
        self.runs = runs
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__run_list__unpack) { (wire) throws(Status) in
            RunList(runs: try map(wire.n_runs, wire.runs) { (_, run) throws(Status) in try Run(run) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__run_list__init) { draft, wire in
            (wire.n_runs, wire.runs) = draft.list(runs, messageexport__v1__run__init) { draft, wire, run in
                draft.fill(&wire, run)
            }
        }
    }
}

extension Run: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__run__unpack) { (wire) throws(Status) in try Run(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__run__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Run) throws(Status) {
        self.init(
            id: try wire.id.text("id"), dataflow: try wire.dataflow.text("dataflow"),
            destination: try wire.destination.text("destination"), state: try known(wire.state, "state", \.wire),
            trigger: try known(wire.trigger, "trigger", \.wire), after: wire.after_sequence, through: wire.through_sequence,
            since: Instant(wire: wire.since_ms), until: Instant(wire: wire.until_ms), expected: wire.records_expected,
            totals: Totals(
                received: wire.records_received, exported: wire.records_exported, skipped: wire.records_skipped,
                files: wire.files, bytes: wire.bytes),
            attempts: wire.attempts, nextAttemptAt: Instant(wire: wire.next_attempt_at_ms),
            startedAt: Instant(milliseconds: wire.started_at_ms), endedAt: Instant(wire: wire.ended_at_ms),
            folder: try wire.folder.text("folder"), manifest: try wire.manifest.textIfAny("manifest"),
            error: try wire.error.textIfAny("error"))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Run, _ run: Run) {
        wire.id = text(run.id)
        wire.dataflow = text(run.dataflow)
        wire.state = run.state.wire
        wire.after_sequence = run.after
        wire.through_sequence = run.through
        wire.records_received = run.totals.received
        wire.records_exported = run.totals.exported
        wire.records_skipped = run.totals.skipped
        wire.files = run.totals.files
        wire.bytes = run.totals.bytes
        wire.started_at_ms = run.startedAt.milliseconds
        wire.ended_at_ms = run.endedAt?.milliseconds ?? 0
        wire.folder = text(run.folder)
        wire.manifest = text(run.manifest ?? "")
        wire.error = text(run.error ?? "")
        wire.destination = text(run.destination)
        wire.trigger = run.trigger.wire
        wire.attempts = run.attempts
        wire.next_attempt_at_ms = run.nextAttemptAt?.milliseconds ?? 0
        wire.records_expected = run.expected
        wire.since_ms = run.since?.milliseconds ?? 0
        wire.until_ms = run.until?.milliseconds ?? 0
    }
}
