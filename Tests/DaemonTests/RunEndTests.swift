import Catalog
import Dataset
import Destinations
import Exporter
import Formats
import Model
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Daemon

/// What is left of runs that are cancelled, that fail, or that end while their records expire.
@Suite struct RunEndTests {
    /// A daemon with an hourly dataflow `f` whose run makes several files, of records of half a MiB.
    private func withFixture(records: Int = 6, _ body: (ExportFixture, ExportFixture.Running) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let fixture = ExportFixture(folder)
            let running = try await fixture.start()
            try await running.createDataflow(
                "f", Schedule(.every(minutes: 60)), fileSizeLimit: Limits.fileSizesAllowed.lowerBound, files: fixture.files)
            for number in 0..<records {
                _ = try await running.ingest("m-\(number)", text: String(repeating: "x", count: 600 << 10))
            }
            try await body(fixture, running)
            try await fixture.stop()
        }
    }

    private func runs(_ running: ExportFixture.Running) async throws -> [Run] {
        try await running.catalog.runs(sandboxID: running.sandboxID, dataflow: "f", limit: 100)
    }

    /// Takes the destination away in the middle of a run: two files are there by then.
    private func takeAway(atThirdFileOf files: OutageFiles) {
        let count = FileCount()
        files.beforeEachFile { path in
            if path.string.hasPrefix("/out/f/"), count.next() == 2 { files.set("/out/f", isAway: true) }
        }
    }

    private final class FileCount: Sendable {
        private let count = Atomic(0)

        /// The number of this one, from 0.
        func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
    }

    /// The next run has all that the ended one had, and nothing of that is left.
    private func expectNothingLeft(_ fixture: ExportFixture, _ running: ExportFixture.Running, records: UInt64 = 6) async throws {
        #expect(fixture.delivered("f") == [])
        fixture.files.beforeEachFile(nil)
        fixture.time.advance(hours: 1)
        await running.passTime()
        #expect(try await runs(running).first?.totals.exported == records)
        let manifests = try fixture.manifests("f")
        #expect(manifests.count == 1)
        #expect(fixture.delivered("f").count == 1 + (try #require(manifests.first)).manifest.exportResults.count)
    }

    @Test func `a run that is cancelled at any of its files leaves nothing behind`() async throws {
        for number in 0..<4 {
            try await withFixture { (fixture, running) async throws in
                let count = Atomic(0)
                let (exports, catalog, sandboxID) = (running.exports, running.catalog, running.sandboxID)
                let order = try await catalog.beginRun(
                    by: nil, sandboxID: sandboxID, dataflow: "f", of: running.entry.extent,
                    dueAt: try await running.dataflow("f").nextRunAt)
                fixture.files.beforeEachFile { path in
                    guard path.string.hasPrefix("/out"), count.add(1, ordering: .relaxed).oldValue == number else { return }
                    exports.board.cancel(order.run.id, by: 7)
                }
                await running.passTime()
                let run = try #require(try await runs(running).first)
                // The manifest is not held up any more.
                guard run.state == .cancelled else { return #expect(run.state == .success && number == 3, "file \(number)") }
                #expect(run.error == nil && run.manifest == nil)
                try await expectNothingLeft(fixture, running)
            }
        }
    }

    @Test func `a run that waits is cancelled, and one that has ended is not`() async throws {
        try await withFixture { (fixture, running) async throws in
            let files = fixture.files
            takeAway(atThirdFileOf: files)
            await running.passTime()
            #expect(fixture.delivered("f").count == 2)
            let run = try #require(try await runs(running).first)
            #expect(run.nextAttemptAt != nil)
            let unreachable = try await running.exports.cancel(run.id, by: 7, in: running.entry.sandbox)
            #expect(unreachable.state == .cancelled)
            #expect(unreachable.error?.contains("could not be removed") == true, "it says so")
            let again = await #expect(throws: Status.self) {
                try await running.exports.cancel(run.id, by: 7, in: running.entry.sandbox)
            }
            #expect(again?.code == .failedPrecondition)
            fixture.files.set("/out/f", isAway: false)
            fixture.files.beforeEachFile(nil)
            _ = try await running.exports.retry(run.id, by: 7, in: running.entry.sandbox)
            await running.exports.doWhatIsQueued()
            #expect(try await runs(running).map(\.state) == [.success])
            #expect(try await runs(running).first?.totals.exported == 6)
            #expect(fixture.delivered("f").count == 4, "nothing twice")
        }
    }

    @Test func `a run that fails for good at its third file takes the first two back`() async throws {
        try await withFixture { (fixture, running) async throws in
            let count = Atomic(0)
            let disk = fixture.disk
            fixture.files.beforeEachFile { path in
                guard path.string.hasPrefix("/out"), count.add(1, ordering: .relaxed).oldValue == 1 else { return }
                // It comes as `.part-00001-….unfinished`.
                let name = path.lastComponent?.string.dropFirst().replacing("part-00001", with: "part-00002") ?? ""
                _ = try? disk.create(path.removingLastComponent().appending(String(name.dropLast(".unfinished".count))))
            }
            await running.passTime()
            let run = try #require(try await runs(running).first)
            #expect(run.state == .failed)
            let foreign = try #require(fixture.delivered("f").first)
            #expect(fixture.delivered("f").count == 1)
            try fixture.files.remove(foreign)
            try await expectNothingLeft(fixture, running)
        }
    }

    /// An attempt that delivers everything, and is cut off before that can be recorded.
    private func deliverUnrecorded(_ running: ExportFixture.Running, _ fixture: ExportFixture) async throws -> Run {
        _ = try await running.catalog.beginRun(
            by: nil, sandboxID: running.sandboxID, dataflow: "f", of: running.entry.extent,
            dueAt: try await running.dataflow("f").nextRunAt)
        let begun = try #require(try await runs(running).first)
        let order = try #require(try await running.catalog.beginAttempt(of: begun.id))
        let host = DatasetRunHost(
            run: order.run, sandbox: running.entry.sandbox, store: running.entry.store, catalog: running.catalog,
            board: running.exports.board)
        _ = try Export(order, organization: "", publicKey: [], sandbox: running.entry.sandbox).perform(
            host, to: LocalFolder(path: "/out/f", files: fixture.files))
        return order.run
    }

    @Test func `a run that was delivered and not recorded is recorded by its next attempt, with the same manifest`() async throws
    {
        try await withFixture { (fixture, running) async throws in
            _ = try await deliverUnrecorded(running, fixture)
            let before = fixture.delivered("f").map { fixture.disk.content($0) }
            await running.passTime()
            #expect(try await runs(running).map(\.state) == [.success])
            #expect(fixture.delivered("f").map { fixture.disk.content($0) } == before)
        }
    }

    @Test func `a run that was delivered and not recorded is cancelled with its manifest, and may be tried again`() async throws {
        try await withFixture { (fixture, running) async throws in
            let run = try await deliverUnrecorded(running, fixture)
            let cancelled = try await running.exports.cancel(run.id, by: 7, in: running.entry.sandbox)
            #expect(cancelled.state == .cancelled && cancelled.manifest == nil)
            #expect(fixture.delivered("f") == [])
            _ = try await running.exports.retry(run.id, by: 7, in: running.entry.sandbox)
            await running.exports.doWhatIsQueued()
            #expect(try await runs(running).map(\.state) == [.success])
            #expect(try fixture.manifests("f").map(\.manifest.records.exported) == [6])
        }
    }

    @Test func `what was delivered before it expired is exported; where the run is cancelled it is counted as lost`() async throws
    {
        for isCancelled in [false, true] {
            try await withFixture { (fixture, running) async throws in
                let files = fixture.files
                takeAway(atThirdFileOf: files)
                await running.passTime()
                files.beforeEachFile(nil)
                fixture.time.advance(hours: 96)
                await running.passTime()
                // Two files of two records each are there; the others are lost, whatever becomes of the run.
                #expect(try await running.dataflow("f").expiredUnexported == 2)
                files.set("/out/f", isAway: false)
                if isCancelled {
                    let run = try #require(try await runs(running).first)
                    _ = try await running.exports.cancel(run.id, by: 7, in: running.entry.sandbox)
                } else {
                    fixture.time.advance(hours: 1)
                    await running.passTime()
                    #expect(try fixture.manifests("f").map(\.manifest.records) == [.init(received: 6, exported: 4, skipped: 2)])
                }
                #expect(try await running.dataflow("f").expiredUnexported == (isCancelled ? 6 : 2))
                let alerts = try await running.catalog.alerts(sandboxID: running.sandboxID, openOnly: false, limit: 100)
                #expect(alerts.filter { $0.kind == .expiredUnexported }.count == (isCancelled ? 2 : 1))
                let audited = try await running.catalog.auditEvents(running.sandboxID, limit: 1000)
                    .filter { $0.action == .recordExpireUnexported }
                #expect(audited.reduce(0) { $0 + $1.count } == (isCancelled ? 6 : 2))
            }
        }
    }

    @Test func `what a run passes that has expired is counted, though nobody had come to destroy it`() async throws {
        for isDoubtful in [false, true] {
            try await withFixture { (fixture, running) async throws in
                fixture.files.set("/out/f", isAway: true)
                await running.passTime()
                fixture.doubtClock(isDoubtful)
                fixture.time.advance(hours: 96)
                fixture.files.set("/out/f", isAway: false)
                await running.exports.takeUpWhatIsDue()
                await running.exports.doWhatIsQueued()
                #expect(try fixture.manifests("f").map(\.manifest.records) == [.init(received: 6, exported: 0, skipped: 6)])
                #expect(try await running.dataflow("f").expiredUnexported == 6)
                fixture.doubtClock(false)
                await running.expiry.expireWhatIsOver()
                #expect(try await running.dataflow("f").expiredUnexported == 6, "and once")
                #expect(running.entry.store.expired.isEmpty)
            }
        }
    }

    @Test func `a run that could not take back what it delivered keeps to its destination, whatever becomes of the dataflow`()
        async throws
    {
        try await withFixture { (fixture, running) async throws in
            let files = fixture.files
            takeAway(atThirdFileOf: files)
            await running.passTime()
            let run = try #require(try await runs(running).first)
            _ = try await running.exports.cancel(run.id, by: 7, in: running.entry.sandbox)
            try await running.createDataflow("g", Schedule(.manual), files: files)
            let edited = try await running.catalog.editDataflow(
                by: 1, sandboxID: running.sandboxID, name: ResourceName("f"), revision: nil
            ) { dataflow in
                var change = DataflowChange()
                change.destination = "g"
                return change.applied(to: dataflow.settings)
            }
            _ = try edited.get()
            files.beforeEachFile(nil)
            files.set("/out/f", isAway: false)
            _ = try await running.exports.retry(run.id, by: 7, in: running.entry.sandbox)
            await running.exports.doWhatIsQueued()
            #expect(try await runs(running).map(\.state) == [.success])
            #expect(fixture.delivered("f").count == 4 && fixture.delivered("g").isEmpty)
        }
    }

    @Test func `each time that records expire unexported is told of`() async throws {
        try await withFixture(records: 1) { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            for round in 1...3 {
                fixture.time.advance(hours: 96)
                await running.passTime()
                let alerts = try await running.catalog.alerts(sandboxID: running.sandboxID, openOnly: false, limit: 100)
                #expect(alerts.filter { $0.kind == .expiredUnexported }.count == round)
                _ = try await running.ingest("more-\(round)")
            }
        }
    }

    @Test func `a dataflow that is made later begins with what is retained`() async throws {
        try await withFixture(records: 3) { (fixture, running) async throws in
            fixture.time.advance(hours: 96)
            await running.expiry.expireWhatIsOver()
            for number in 0..<2 { _ = try await running.ingest("new-\(number)") }
            let extent = running.entry.extent
            #expect((extent.after, extent.through) == (3, 5))
            let settings = DataflowSettings(destination: "f", compression: .none, schedule: Schedule(.once))
            for mode in ExportMode.allCases {
                _ = try await running.catalog.createDataflow(
                    by: 1, sandboxID: running.sandboxID, name: ResourceName(mode.rawValue), format: .json, mode: mode,
                    settings: settings, after: extent.after)
            }
            await running.passTime()
            for mode in ExportMode.allCases {
                let run = try #require(
                    try await running.catalog.runs(sandboxID: running.sandboxID, dataflow: mode.rawValue, limit: 1).first)
                #expect((run.after, run.through) == (3, 5))
                #expect(run.totals.received == 2 && run.totals.skipped == 0)
            }
        }
    }
}
