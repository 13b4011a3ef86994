import Catalog
import Dataset
import Disk
import Exporter
import Logging
import Model
import ServiceLifecycle
import Synchronization

/// Does the runs of dataflows, some at the same time, each on a thread of its own.
final class ExportService: Service {
    private struct Order: Sendable {
        let export: Export
        let store: RecordStore
    }

    private let catalog: CatalogStore
    private let files: any Files
    private let time: any TimeSource
    private let logger: Logger
    private let stream: AsyncStream<Order>
    private let continuation: AsyncStream<Order>.Continuation
    private let isStopping = Atomic(false)
    /// Who waits for the end of each run under way.
    private let waiting: Mutex<[String: [UInt64: AsyncStream<Never>.Continuation]]> = Mutex([:])
    private let lastWaiter = Atomic<UInt64>(0)

    init(catalog: CatalogStore, files: any Files, time: any TimeSource, logger: Logger) {
        self.catalog = catalog
        self.files = files
        self.time = time
        self.logger = logger
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Limits.runsQueued))
    }

    /// Fixes a run over what is stored beyond the dataflow's cursor and queues it.
    func start(dataflow: String, in place: Place) async throws(Status) -> Run {
        let entry = place.entry
        let name = entry.sandbox.name
        let folder = Export.folder(dataset: "message-export-\(name)", startedAt: time.now)
        let order: RunOrder
        do {
            order = try await catalog.beginRun(
                by: place.user, sandboxID: entry.sandbox.id, dataflow: dataflow, through: entry.store.totals.lastSequence,
                folder: folder)
        } catch {
            throw Status(error)
        }
        let run = order.run
        // What recovery found lost is missing from the export, and so must show in its counts.
        let expected: UInt64
        do throws(DatasetError) {
            expected = try await DiskQueue("count").run { () throws(DatasetError) in
                try entry.store.count(after: run.after, through: run.through)
                    + entry.store.lost(after: run.after, through: run.through)
            }
        } catch {
            await end(failed(run, "\(error)"))
            throw Status(error)
        }
        let export = Export(
            run: run, dataflow: order.dataflow, destination: order.destination, sandbox: name, expected: expected)
        waiting.withLock { $0[run.id] = [:] }
        guard case .enqueued = continuation.yield(Order(export: export, store: entry.store)) else {
            await end(failed(run, "the daemon is stopping or has too many runs waiting"))
            throw Status(.resourceExhausted, "run \(run.id) could not be queued", hint: "try again later")
        }
        return run
    }

    /// Ends the runs that an earlier daemon left under way, by what they delivered. To be called before any is started.
    func settleInterruptedRuns(of entry: SandboxDirectory.Entry) async throws(CatalogError) {
        for order in try await catalog.runsUnderWay(sandboxID: entry.sandbox.id) {
            let export = Export(
                run: order.run, dataflow: order.dataflow, destination: order.destination, sandbox: entry.sandbox.name, expected: 0
            )
            await end(await DiskQueue("settle").run { [files] in export.settle(files: files) })
        }
    }

    /// Returns when the run has ended; at once when it is not under way, or when the task is cancelled.
    func waitForEnd(of runID: String) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Never.self)
        let number = lastWaiter.add(1, ordering: .relaxed).newValue
        let isUnderWay = waiting.withLock { waiting in
            waiting[runID]?[number] = continuation
            return waiting[runID] != nil
        }
        guard isUnderWay else { return }
        for await _ in stream {}
        waiting.withLock { waiting in _ = waiting[runID]?.removeValue(forKey: number) }
    }

    func run() async {
        await withGracefulShutdownHandler {
            await stream.forEach(atOnce: Limits.runsAtOnce, perform)
        } onGracefulShutdown: {
            // The runs under way end at their next batch; those that wait end before their first.
            self.isStopping.store(true, ordering: .relaxed)
            self.continuation.finish()
        }
    }

    @Sendable private func perform(_ order: Order) async {
        let export = order.export
        do {
            let done = try await DiskQueue("run.\(export.run.id)").run { [self] in
                try export.perform(
                    source: { after, through in
                        try order.store.nextBatch(after: after, through: through)?.map { try Record($0, sandbox: export.sandbox) }
                    }, files: files, isStopping: { isStopping.load(ordering: .relaxed) })
            }
            await end(done)
        } catch {
            await end(failed(export.run, "\(error)"))
        }
    }

    private func failed(_ run: Run, _ reason: String) -> Run {
        var failed = run
        failed.state = .failed
        failed.error = reason
        return failed
    }

    private func end(_ run: Run) async {
        do {
            var run = run
            run.endedAt = time.now
            try await catalog.endRun(run)
            logger.info(
                "run ended",
                metadata: [
                    "run": "\(run.id)", "dataflow": "\(run.dataflow)", "state": "\(run.state.rawValue)",
                    "records": "\(run.totals.exported)", "error": "\(run.error ?? "none")",
                ])
        } catch {
            // The run stays PROCESSING; the next start fails it, and its window is exported again.
            logger.error("the end of a run could not be recorded", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
        let waiters = waiting.withLock { $0.removeValue(forKey: run.id) ?? [:] }
        for waiter in waiters.values { waiter.finish() }
    }
}
