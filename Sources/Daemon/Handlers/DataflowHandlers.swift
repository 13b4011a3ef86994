import Catalog
import Dataset
import Disk
import Messages
import Model
import RPC

extension ManagementHandlers {
    func createDataflow(_ request: CreateDataflowRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        try request.settings.check(request.format, request.mode, keeping: place.sandbox.retention)
        try requireRun(request.settings.schedule, place.sandbox)
        var settings = request.settings
        settings.encryptTo = try await approvedKeys(settings.encryptTo)
        let made = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createDataflow(
                by: place.user, sandboxID: place.sandbox.id, name: name, format: request.format, mode: request.mode,
                settings: settings, after: place.entry.store.retained.after)
        }
        return try await withBacklog(made, in: place)
    }

    func editDataflow(_ request: EditDataflowRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        guard request.change != DataflowChange() else {
            throw Status(
                .invalidArgument, "nothing is to be changed", hint: "set the destination, the schedule or another setting")
        }
        let sandbox = place.sandbox
        var wish = request.change
        if let keys = wish.encryptTo { wish.encryptTo = try await approvedKeys(keys) }
        let change = wish
        let edited = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.editDataflow(
                by: place.user, sandboxID: place.sandbox.id, name: name, revision: request.ifRevision
            ) { (dataflow) throws(Status) in
                let settings = change.applied(to: dataflow.settings)
                try settings.check(dataflow.format, dataflow.mode, keeping: sandbox.retention)
                if settings.schedule != dataflow.settings.schedule { try requireRun(settings.schedule, sandbox) }
                return settings
            }
        }
        return try await withBacklog(try edited.get(), in: place)
    }

    /// Fingerprints as they are kept.
    /// - Throws: `notFound` when one is not approved.
    private func approvedKeys(_ fingerprints: [String]) async throws(Status) -> [String] {
        var canonical: [String] = []
        for fingerprint in fingerprints {
            do throws(Status) { canonical.append(try Approval.canonical(.openPGP, fingerprint)) } catch {
                throw Status(
                    .invalidArgument, error.message, field: "encrypt_to", hint: "the whole one, as gpg --fingerprint shows it")
            }
        }
        let keys = canonical
        _ = try await unlessCatalogFails { () async throws(CatalogError) in try await catalog.publicKeys(keys) }
        return keys
    }

    /// Makes sure that a schedule by which runs come lets at least one come.
    private func requireRun(_ schedule: Schedule, _ sandbox: Sandbox) throws(Status) {
        let zone = try Zone(sandbox.timeZone)
        guard schedule.recurrence == .manual || schedule.next(from: time.now, in: zone) != nil else {
            throw Status(
                .invalidArgument, "no run would be due before its end", field: "schedule.end_ms",
                hint: "give it a later end, or none")
        }
    }

    func enableDataflow(_ request: NameRequest, in place: Place) async throws(Status) -> Dataflow {
        try await setDataflow(request, enabled: true, in: place)
    }

    func disableDataflow(_ request: NameRequest, in place: Place) async throws(Status) -> Dataflow {
        try await setDataflow(request, enabled: false, in: place)
    }

    private func setDataflow(_ request: NameRequest, enabled: Bool, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        let set = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.setDataflow(enabled: enabled, by: place.user, sandboxID: place.sandbox.id, name: name)
        }
        return try await withBacklog(set, in: place)
    }

    func getDataflow(_ request: NameRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        let dataflow = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.dataflow(sandboxID: place.sandbox.id, name: name)
        }
        return try await withBacklog(dataflow, in: place)
    }

    private func withBacklog(_ dataflow: Dataflow, in place: Place) async throws(Status) -> Dataflow {
        var dataflow = dataflow
        let (store, cursor) = (place.entry.store, dataflow.cursor)
        do throws(DatasetError) {
            dataflow.backlog = try await reads.run { () throws(DatasetError) in try store.backlog(after: cursor) }
        } catch {
            throw Status(error)
        }
        return dataflow
    }

    func listDataflows(_ request: SandboxRequest, in place: Place) async throws(Status) -> DataflowList {
        var dataflows = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.dataflows(sandboxID: place.sandbox.id)
        }
        for index in dataflows.indices { dataflows[index] = try await withBacklog(dataflows[index], in: place) }
        return DataflowList(dataflows: dataflows)
    }

    func deleteDataflow(_ request: NameRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteDataflow(by: place.user, sandboxID: place.sandbox.id, name: name)
        }
    }

    // MARK: Runs

    func startRun(_ request: StartRunRequest, in place: Place) async throws(Status) -> Run {
        try await exports.start(
            RunWish(
                dataflow: request.dataflow, since: request.since, until: request.until, destination: request.destination),
            by: place.user, in: place.entry)
    }

    func retryRun(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        try await exports.retry(request.runID, by: place.user, in: place.sandbox)
    }

    func cancelRun(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        try await exports.cancel(request.runID, by: place.user, in: place.sandbox)
    }

    func waitRun(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        // A run that does not exist is refused before it is waited for.
        let run = try await getRun(request, in: place)
        await exports.waitForEnd(of: run.id)
        return try await ended(request, in: place)
    }

    /// The run after nobody is at it any more.
    /// - Throws: `unavailable` where that is because the daemon stops.
    private func ended(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        let run = try await getRun(request, in: place)
        guard run.state.isFinal || run.nextAttemptAt != nil || !exports.board.isStopping else {
            throw Status(
                .unavailable, "the daemon is stopping: run \(run.id) goes on when it is back",
                hint: "msgexport run watch \(run.id)")
        }
        return run
    }

    func watchRun(_ request: RunRequest, in place: Place) async throws(Status) {
        let moves = exports.board.watch(request.runID)
        try await place.call.send(try await getRun(request, in: place).packed)
        for await _ in moves { try await place.call.send(try await getRun(request, in: place).packed) }
        try await place.call.send(try await ended(request, in: place).packed)
    }

    func getRun(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        let run = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.run(sandboxID: place.sandbox.id, id: request.runID)
        }
        return exports.current(run)
    }

    func listRuns(_ request: ListRunsRequest, in place: Place) async throws(Status) -> RunList {
        let limit = try limit(request.limit, otherwise: Limits.runsListedDefault, atMost: Limits.runsListed)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let dataflow = request.dataflow.isEmpty ? nil : request.dataflow
            let runs = try await catalog.runs(sandboxID: place.sandbox.id, dataflow: dataflow, limit: limit)
            return RunList(runs: runs.map(exports.current))
        }
    }

    func listAlerts(_ request: ListAlertsRequest, in place: Place) async throws(Status) -> AlertList {
        let limit = try limit(request.limit, otherwise: Limits.runsListedDefault, atMost: Limits.runsListed)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            AlertList(alerts: try await catalog.alerts(sandboxID: place.sandbox.id, openOnly: request.openOnly, limit: limit))
        }
    }
}
