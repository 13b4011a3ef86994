import Messages
public import Model
import RPC

extension MessageExportClient {
    // MARK: Dataflows

    /// Makes a dataflow to a destination, by the destination's name.
    ///
    /// Its schedule is part of `settings`: every hour unless another one is set there.
    public func createDataflow(
        name: String, format: Format, mode: ExportMode = .incremental, settings: DataflowSettings
    ) async throws(Status) -> Dataflow {
        try await call(
            .createDataflow,
            CreateDataflowRequest(sandbox: sandbox, name: name, format: format, mode: mode, settings: settings))
    }

    /// Changes what is given of a dataflow's settings. A run that waits to be tried again begins anew with them.
    ///
    /// - Parameter ifRevision: what it must be at now, or `aborted` is thrown; nil: whatever it is.
    /// - Throws: `failedPrecondition` while a run delivers, when what shapes files is to be changed.
    public func editDataflow(name: String, ifRevision: UInt32? = nil, change: DataflowChange) async throws(Status) -> Dataflow {
        try await call(
            .editDataflow, EditDataflowRequest(sandbox: sandbox, name: name, ifRevision: ifRevision, change: change))
    }

    /// Lets a dataflow run by itself, from the next time that its schedule has.
    public func enableDataflow(name: String) async throws(Status) -> Dataflow {
        try await call(.enableDataflow, NameRequest(sandbox: sandbox, name: name))
    }

    /// Lets a dataflow run only when somebody asks; a run under way goes on.
    public func disableDataflow(name: String) async throws(Status) -> Dataflow {
        try await call(.disableDataflow, NameRequest(sandbox: sandbox, name: name))
    }

    /// A dataflow by its name, with what waits to be exported.
    /// - Throws: `notFound` when there is none of that name.
    public func dataflow(name: String) async throws(Status) -> Dataflow {
        try await call(.getDataflow, NameRequest(sandbox: sandbox, name: name))
    }

    /// All of the sandbox, by name.
    public func dataflows() async throws(Status) -> [Dataflow] {
        let answer: DataflowList = try await call(.listDataflows, SandboxRequest(sandbox: sandbox))
        return answer.dataflows
    }

    /// Removes a dataflow, forgets its runs, and returns what it was; what was delivered stays.
    /// - Throws: `failedPrecondition` while a run of it delivers.
    @discardableResult
    public func deleteDataflow(name: String) async throws(Status) -> Dataflow {
        try await call(.deleteDataflow, NameRequest(sandbox: sandbox, name: name))
    }

    // MARK: Runs

    /// Starts a run. Without window and destination it goes on where the dataflow's last one ended; else it moves no cursor, and its manifest
    /// stands outside the chain.
    ///
    /// - Parameters:
    ///   - since: only records ingested from then on.
    ///   - until: only records ingested before.
    ///   - destination: another one than the dataflow's, by its name.
    /// - Throws: `failedPrecondition` while another run of it is under way.
    public func startRun(
        dataflow: String, since: Instant? = nil, until: Instant? = nil, destination: String? = nil
    ) async throws(Status) -> Run {
        try await call(
            .startRun,
            StartRunRequest(sandbox: sandbox, dataflow: dataflow, since: since, until: until, destination: destination))
    }

    /// Returns when the run has ended, whatever its end, or when it waits to be tried again; waits at most `timeout`.
    public func waitRun(id: String, timeout: Duration = .seconds(24 * 3600)) async throws(Status) -> Run {
        try await call(.waitRun, RunRequest(sandbox: sandbox, runID: id), timeout: timeout)
    }

    /// Hands the run to `body`: as it is, whenever it has moved on, and a last time when nobody is at it any more. Returns that last one.
    public func watchRun(id: String, _ body: (Run) -> Void) async throws(Status) -> Run {
        let request = RunRequest(sandbox: sandbox, runID: id).packed
        return try await client.stream(MethodName.watchRun.described, request, timeout: nil) { (stream) throws(Status) in
            var last: Run?
            try await stream.forEachMessage { (message) throws(Status) in
                let run = try Run(packed: message)
                body(run)
                last = run
            }
            guard let last else { throw Status(.internal, "the daemon did not say how the run is") }
            return last
        }
    }

    /// A run by its id.
    /// - Throws: `notFound` when there is none of that id.
    public func run(id: String) async throws(Status) -> Run {
        try await call(.getRun, RunRequest(sandbox: sandbox, runID: id))
    }

    /// The newest runs, the newest first, of one dataflow or of the whole sandbox; at most 500.
    public func runs(dataflow: String? = nil, limit: Int = Limits.runsListedDefault) async throws(Status) -> [Run] {
        let answer: RunList = try await call(
            .listRuns, ListRunsRequest(sandbox: sandbox, dataflow: dataflow ?? "", limit: UInt32(clamping: limit)))
        return answer.runs
    }

    /// Takes up a run again that failed or was cancelled, with its window and names; one that waits to be tried again is tried now.
    /// - Throws: `failedPrecondition` when what it was to export has been exported since.
    public func retryRun(id: String) async throws(Status) -> Run {
        try await call(.retryRun, RunRequest(sandbox: sandbox, runID: id))
    }

    /// Ends a run that is under way, and returns when it has ended; what it delivered is removed.
    /// - Throws: `failedPrecondition` when it has ended already.
    public func cancelRun(id: String) async throws(Status) -> Run {
        try await call(.cancelRun, RunRequest(sandbox: sandbox, runID: id), timeout: .seconds(3600))
    }

    /// What somebody may have to look at, the newest first; at most 500.
    ///
    /// - Parameter openOnly: only alerts that tell of what is so now.
    public func alerts(openOnly: Bool = false, limit: Int = Limits.runsListedDefault) async throws(Status) -> [Alert] {
        let answer: AlertList = try await call(
            .listAlerts, ListAlertsRequest(sandbox: sandbox, openOnly: openOnly, limit: UInt32(clamping: limit)))
        return answer.alerts
    }
}
