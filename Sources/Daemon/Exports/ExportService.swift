import Catalog
import Dataset
import Destinations
import Disk
import Exporter
import Logging
import Metrics
import Model
import ServiceLifecycle
import Synchronization

/// Does the runs of dataflows, those that are due and those that are asked for: some at the same time, each on a thread of its own.
///
/// The catalog says what is to be done; what is only known here is who is at it. So a stop at any moment loses nothing.
final class ExportService: Service {
    let catalog: CatalogStore
    let directory: SandboxDirectory
    let storages: Storages
    let time: any TimeSource
    let alerts: AlertService
    let ledger: ExpiryLedger
    let meters: Meters
    let logger: Logger
    let board = RunBoard()
    private let queue = Mutex(RunQueue())
    private let atWork = Atomic(0)
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(
        catalog: CatalogStore, directory: SandboxDirectory, storages: Storages, time: any TimeSource, alerts: AlertService,
        ledger: ExpiryLedger, meters: Meters = Meters(), logger: Logger
    ) {
        self.meters = meters
        self.catalog = catalog
        self.directory = directory
        self.storages = storages
        self.time = time
        self.alerts = alerts
        self.ledger = ledger
        self.logger = logger
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: What is asked for

    /// Fixes a run and queues it.
    func start(_ request: RunWish, by user: UInt32, in entry: SandboxDirectory.Entry) async throws(Status) -> Run {
        try requireRoom()
        let window = try await window(request, of: entry)
        let order: RunOrder
        do {
            order = try await catalog.beginRun(
                by: user, sandboxID: entry.sandbox.id, dataflow: request.dataflow, of: entry.extent, window: window,
                destination: request.destination)
        } catch {
            throw Status(error)
        }
        enqueue(order.run.id, of: entry.sandbox.id)
        return order.run
    }

    /// Takes a run up again.
    func retry(_ runID: String, by user: UInt32, in sandbox: Sandbox) async throws(Status) -> Run {
        try requireRoom()
        do {
            let run = try await catalog.retryRun(by: user, sandboxID: sandbox.id, id: runID)
            enqueue(runID, of: sandbox.id)
            return run
        } catch {
            throw Status(error)
        }
    }

    /// Ends a run that is under way; returns when it has ended.
    func cancel(_ runID: String, by user: UInt32, in sandbox: Sandbox) async throws(Status) -> Run {
        do throws(CatalogError) {
            let run = try await catalog.run(sandboxID: sandbox.id, id: runID)
            guard !run.state.isFinal else {
                throw CatalogError(.failedPrecondition, "run \(runID) has ended: \(run.state.rawValue)", field: "run_id")
            }
            // Whoever is at it ends it; where nobody is, it is ended here.
            while !board.begin(runID) {
                let watch = board.watch(runID)
                board.cancel(runID, by: user)
                for await _ in watch {}
            }
            defer { board.end(runID) }
            let left = try await catalog.run(sandboxID: sandbox.id, id: runID)
            if !left.state.isFinal { try await endCancelled(left, by: user, in: sandbox) }
            return try await catalog.run(sandboxID: sandbox.id, id: runID)
        } catch {
            throw Status(error)
        }
    }

    private func endCancelled(_ run: Run, by user: UInt32?, in sandbox: Sandbox) async throws(CatalogError) {
        var (run, isWithdrawn) = try await withdraw(run, in: sandbox)
        run.state = .cancelled
        try await end(run, by: user, isWithdrawn: isWithdrawn, in: sandbox)
    }

    /// Removes what a run delivered.
    /// - Returns: the run without it; where something may be left, that is not withdrawn, and the run's error says so.
    private func withdraw(_ run: Run, in sandbox: Sandbox) async throws(CatalogError) -> (run: Run, isWithdrawn: Bool) {
        // As the ledger is now.
        guard let order = try await catalog.runOrder(run.id) else { return (run, false) }
        let export = Export(order, organization: "", publicKey: [], sandbox: sandbox)
        var run = order.run
        run.error = nil
        do {
            let access = try await storages.access(to: order)
            try await DiskQueue("withdraw").run { try export.withdraw(from: access.open { false }) }
            run.manifest = nil
            return (run, true)
        } catch {
            run.error = "what it delivered to \(run.folder) could not be removed: \(error)"
            return (run, false)
        }
    }

    /// Returns when nobody is at the run any more; at once when nobody is.
    func waitForEnd(of runID: String) async {
        for await _ in board.watch(runID) {}
    }

    /// The run with how far it is.
    func current(_ run: Run) -> Run {
        guard !run.state.isFinal, let totals = board.totals(of: run.id) else { return run }
        var run = run
        run.totals = totals
        return run
    }

    private func requireRoom() throws(Status) {
        guard queue.withLock({ $0.count }) < Limits.runsQueued else {
            throw Status(
                .resourceExhausted, "\(Limits.runsQueued) runs wait for their turn", hint: "try again later",
                limit: Limits.runsQueued)
        }
    }

    /// The sequences that a request's times of ingestion stand for; nil: it names none.
    private func window(_ request: RunWish, of entry: SandboxDirectory.Entry) async throws(Status) -> RunWindow? {
        guard request.since != nil || request.until != nil || request.destination != nil else { return nil }
        if let since = request.since, let until = request.until, since >= until {
            throw Status(.invalidArgument, "the window ends before it begins", field: "until_ms")
        }
        let last = entry.store.totals.lastSequence
        do throws(DatasetError) {
            return try await DiskQueue("window").run { () throws(DatasetError) in
                func before(_ instant: Instant) throws(DatasetError) -> UInt64 {
                    var search = RecordSearch(entry.store, terms: [], since: instant)
                    return try search.next()?.first.map { $0.sequence - 1 } ?? last
                }
                let after = try before(request.since ?? Instant(milliseconds: 0))
                let through = try request.until.map(before) ?? last
                return RunWindow(after: after, through: max(after, through), since: request.since, until: request.until)
            }
        } catch {
            throw Status(error)
        }
    }

    // MARK: What is due

    func run() async {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.tick() }
                // Attempts are not cancelled: each ends at its next batch, and is recorded.
                await self.attempt()
                group.cancelAll()
            }
        } onGracefulShutdown: {
            // The runs under way end at their next batch; those that wait go on with the next daemon.
            self.board.stopAll()
            self.wake.finish()
        }
        for next in sequence(state: (), next: { _ in self.queue.withLock { $0.next() } }) { board.end(next.runID) }
    }

    /// Attempts what is queued, some at a time, until the stop.
    private func attempt() async {
        await withDiscardingTaskGroup { group in
            for await _ in wakes {
                await takeUpWhatIsDue()
                while atWork.load(ordering: .relaxed) < Limits.runsAtOnce, let next = queue.withLock({ $0.next() }) {
                    atWork.add(1, ordering: .relaxed)
                    group.addTask {
                        await self.attempt(next.runID, of: next.sandboxID)
                        self.atWork.subtract(1, ordering: .relaxed)
                        self.wake.yield()
                    }
                }
            }
        }
    }

    private func tick() async {
        while !Task.isCancelled {
            wake.yield()
            try? await Task.sleep(for: .seconds(Limits.scheduleSeconds))
        }
    }

    /// Queues runs whose time has come: by a schedule, by a pause after a failure, or as an earlier daemon left them.
    func takeUpWhatIsDue() async {
        let now = time.now
        for entry in directory.snapshot.entries.values.sorted(by: { $0.sandbox.name < $1.sandbox.name }) {
            let sandbox = entry.sandbox
            do throws(CatalogError) {
                for run in try await catalog.runsUnderWay(sandboxID: sandbox.id) {
                    if now.milliseconds - run.startedAt.milliseconds > Int64(Limits.runDelayMinutes) * 60_000 {
                        await raise(.runDelayed, of: run, "it has taken more than \(Limits.runDelayMinutes) minutes", in: sandbox)
                    }
                    if run.nextAttemptAt ?? now <= now { enqueue(run.id, of: sandbox.id) }
                }
                for dataflow in try await catalog.dueDataflows(sandboxID: sandbox.id, at: now) {
                    try await begin(dataflow, of: entry)
                }
            } catch {
                logger.error("it is not known what is due", metadata: ["sandbox": "\(sandbox.name)", "error": "\(error)"])
            }
        }
    }

    private func begin(_ dataflow: Dataflow, of entry: SandboxDirectory.Entry) async throws(CatalogError) {
        let extent = entry.extent
        let comesAgain = dataflow.settings.schedule.longestGap != nil
        guard extent.through > dataflow.cursor || !comesAgain else {
            return try await catalog.skipRun(of: dataflow.id, sandboxID: entry.sandbox.id)
        }
        let order: RunOrder
        do throws(CatalogError) {
            order = try await catalog.beginRun(
                by: nil, sandboxID: entry.sandbox.id, dataflow: dataflow.name, of: extent, dueAt: dataflow.nextRunAt)
        } catch  where [.failedPrecondition, .notFound, .aborted].contains(error.code) {
            // One is under way, and this one follows when it has ended; or something was changed meanwhile.
            return
        }
        await raise(
            .runStarted, of: order.run, "sequences after \(order.run.after), through \(order.run.through)", in: entry.sandbox)
        enqueue(order.run.id, of: entry.sandbox.id)
    }

    private func enqueue(_ runID: String, of sandboxID: String) {
        guard board.begin(runID) else { return }
        queue.withLock { $0.append(runID, of: sandboxID) }
        wake.yield()
    }

    // MARK: Attempts

    /// Does what is queued, until nothing is. For whoever has no time to pass.
    func doWhatIsQueued() async {
        while let next = queue.withLock({ $0.next() }) { await attempt(next.runID, of: next.sandboxID) }
    }

    private func attempt(_ runID: String, of sandboxID: String) async {
        defer { board.end(runID) }
        guard board.stop(of: runID) != .daemon else { return }
        guard let entry = directory.snapshot.entries.values.first(where: { $0.sandbox.id == sandboxID }) else { return }
        do {
            guard let order = try await catalog.beginAttempt(of: runID) else { return }
            let organization = try await catalog.organization()
            let export = Export(
                order, organization: organization.name, publicKey: organization.signingKey, sandbox: entry.sandbox)
            let host = DatasetRunHost(run: order.run, sandbox: entry.sandbox, store: entry.store, catalog: catalog, board: board)
            let done: Export.Outcome
            do {
                let access = try await storages.access(to: order)
                done = try await DiskQueue("run.\(runID)").run { [self] in
                    let run = order.run
                    let isStopped = { @Sendable [board] in board.stop(of: runID) != nil }
                    let expected = try entry.store.count(after: run.after, through: run.through)
                    try catalog.note(expected: expected, of: run.id)
                    let storage: any Storage
                    do { storage = try access.open(isStopped) } catch let error as DestinationError {
                        if let stop = host.stop { throw Export.Failure.stopped(stop) }
                        throw error
                    }
                    return try export.perform(host, to: storage, encryption: access.encryption(isStopped))
                }
            } catch {
                return try await fail(order.run, error, of: entry)
            }
            // What its manifest tells of as expired is noted while it is the run's to settle.
            let expired = entry.store.expired
            if !expired.isEmpty { try await ledger.note(expired, of: entry) }
            try await end(done.run, manifest: done.manifest, absent: done.absent, in: entry.sandbox)
        } catch {
            // The run stays under way, and is taken up again.
            logger.error("what became of a run could not be recorded", metadata: ["run": "\(runID)", "error": "\(error)"])
        }
    }

    private func end(
        _ run: Run, by user: UInt32? = nil, manifest: [UInt8]? = nil, absent: [ClosedRange<UInt64>] = [],
        isWithdrawn: Bool = false, in sandbox: Sandbox
    ) async throws(CatalogError) {
        var run = run
        run.endedAt = time.now
        let lost = try await catalog.endRun(
            run, by: user, manifest: manifest, absent: absent, isWithdrawn: isWithdrawn)
        logger.info(
            "run ended",
            metadata: [
                "run": "\(run.id)", "dataflow": "\(run.dataflow)", "state": "\(run.state.rawValue)",
                "records": "\(run.totals.exported)", "error": "\(run.error ?? "none")",
            ])
        meters.meter(of: sandbox.name).count(run)
        await tell(ofLost: lost, by: run, in: sandbox)
        await alerts.clear([.runDelayed], of: run.dataflow, in: sandbox)
        if run.state == .success {
            await alerts.clear([.runFailed, .atRisk], of: run.dataflow, in: sandbox)
            await raise(.runSucceeded, of: run, "\(run.totals.exported) records in \(run.totals.files) files", in: sandbox)
        }
    }

    /// What is tried again waits; the rest has failed, or was stopped.
    private func fail(_ run: Run, _ error: any Error, of entry: SandboxDirectory.Entry) async throws(CatalogError) {
        if case Export.Failure.stopped(let stop) = error {
            logger.info("run stopped", metadata: ["run": "\(run.id)", "reason": "\(stop)"])
            // It goes on with the next daemon, or not at all.
            if stop == .cancelled { try await endCancelled(run, by: board.cancelledBy(run.id), in: entry.sandbox) }
            return
        }
        // A destination that cannot be reached at all failed as one that fails in the middle.
        let error = (error as? DestinationError).map(Export.Failure.destination) ?? error
        let isWorthRetrying = (error as? Export.Failure)?.isWorthRetrying ?? true
        let now = time.now
        if run.trigger == .scheduled, isWorthRetrying {
            let pause = Run.backoff(afterAttempt: run.attempts, jitter: Double.random(in: 0...1))
            let next = Instant(milliseconds: now.milliseconds + pause)
            entry.meter.attemptsFailed.add()
            let lost = try await catalog.postpone(run.id, until: next, error: "\(error)")
            logger.warning(
                "run is tried again",
                metadata: ["run": "\(run.id)", "attempt": "\(run.attempts)", "at": "\(next)", "error": "\(error)"])
            await raise(.runFailed, of: run, "attempt \(run.attempts): \(error)", in: entry.sandbox)
            await tell(ofLost: lost, by: run, in: entry.sandbox)
            return
        }
        var (failed, isWithdrawn) = try await withdraw(run, in: entry.sandbox)
        failed.state = .failed
        failed.error = ["\(error)", failed.error].compactMap(\.self).joined(separator: "; ")
        try await end(failed, isWithdrawn: isWithdrawn, in: entry.sandbox)
        await raise(.runFailed, of: run, "\(error)", in: entry.sandbox)
    }

    private func tell(ofLost records: UInt64, by run: Run, in sandbox: Sandbox) async {
        guard records > 0 else { return }
        meters.meter(of: sandbox.name).expiredUnexported.add(records)
        await raise(
            .expiredUnexported, of: run, "\(records) records expired while it was under way, and it did not export them",
            in: sandbox)
    }

    private func raise(_ kind: Alert.Kind, of run: Run, _ detail: String, in sandbox: Sandbox) async {
        await alerts.raise(
            Alert(kind: kind, dataflow: run.dataflow, run: run.id, time: time.now, detail: detail), in: sandbox)
    }
}

extension SandboxDirectory.Entry {
    /// What of its dataset is there now.
    var extent: DatasetExtent {
        let (after, through) = store.retained
        return DatasetExtent(epoch: store.epoch, after: after, through: through)
    }
}

/// A run that somebody asks for.
struct RunWish: Sendable {
    /// Name of the dataflow.
    let dataflow: String
    /// Of its records, those ingested from then on.
    let since: Instant?
    /// Of its records, those ingested before.
    let until: Instant?
    /// Another destination than the dataflow's.
    let destination: String?
}
