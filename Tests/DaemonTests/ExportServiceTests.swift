import Catalog
import Dataset
import Formats
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Daemon

/// Runs as the daemon begins, tries again and ends them, on a manual clock.
@Suite struct ExportServiceTests {
    private static let hourly = Schedule(.every(minutes: 60))

    /// A daemon with an hourly dataflow `f`, and as many records.
    private func withFixture(
        records: Int = 3, _ schedule: Schedule = hourly, retention: Int = 3,
        _ body: (ExportFixture, ExportFixture.Running) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let fixture = ExportFixture(folder, retention: Retention(days: retention))
            let running = try await fixture.start()
            try await running.createDataflow("f", schedule, files: fixture.files)
            for number in 0..<records { _ = try await running.ingest("m-\(number)") }
            try await body(fixture, running)
            try await fixture.stop()
        }
    }

    private func runs(_ running: ExportFixture.Running, _ dataflow: String = "f") async throws -> [Run] {
        try await running.catalog.runs(sandboxID: running.sandboxID, dataflow: dataflow, limit: 100)
    }

    private func kinds(_ running: ExportFixture.Running, openOnly: Bool = false) async throws -> [Alert.Kind] {
        try await running.catalog.alerts(sandboxID: running.sandboxID, openOnly: openOnly, limit: 100).reversed().map(\.kind)
    }

    @Test func `a dataflow that is due runs once, and is due again at its next time, not for what it was late`() async throws {
        try await withFixture { (fixture, running) async throws in
            await running.passTime()
            #expect(try await runs(running).count == 1, "twelve o'clock is its time")
            await running.passTime()
            #expect(try await runs(running).count == 1)
            _ = try await running.ingest("later")
            fixture.time.advance(milliseconds: 59 * 60_000)
            await running.passTime()
            #expect(try await runs(running).count == 1)
            fixture.time.advance(milliseconds: 3 * 3_600_000)
            await running.passTime()
            #expect(try await runs(running).map(\.totals.exported) == [1, 3], "three times were missed: one run has it all")
            let next = try #require(try await running.dataflow("f").nextRunAt)
            #expect(next.milliseconds - fixture.time.now.milliseconds == 60_000)
        }
    }

    @Test func `where nothing waits nothing runs`() async throws {
        try await withFixture(records: 0) { (fixture, running) async throws in
            for _ in 0..<5 {
                fixture.time.advance(hours: 1)
                await running.passTime()
            }
            #expect(try await runs(running) == [])
            #expect(fixture.delivered("f") == [])
        }
    }

    @Test func `a run whose destination fails is tried again after growing pauses, told of once, and counts once`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            var waits: [Int64] = []
            for attempt in 1...8 {
                let run = try #require(try await runs(running).first)
                #expect((run.state, run.attempts) == (.processing, UInt32(attempt)), "\(run)")
                #expect(run.error?.contains("/out/f") == true)
                let next = try #require(run.nextAttemptAt)
                waits.append(next.milliseconds - fixture.time.now.milliseconds)
                fixture.time.set(Instant(milliseconds: next.milliseconds - 1))
                await running.passTime()
                #expect(try await runs(running).first?.attempts == run.attempts, "not before its time")
                fixture.time.set(next)
                if attempt == 8 { fixture.files.set("/out/f", isAway: false) }
                await running.passTime()
            }
            #expect(waits.allSatisfy { $0 <= Int64(Limits.retrySecondsAtMost) * 1200 })
            #expect(waits[3] > waits[0] * 4, "\(waits)")
            let all = try await runs(running)
            #expect(all.map(\.state) == [.success])
            #expect(all[0].totals.exported == 3 && all[0].error == nil)
            #expect(try fixture.manifests("f").count == 1)
            #expect(try await kinds(running) == [.runStarted, .runFailed, .runSucceeded])
            #expect(try await kinds(running, openOnly: true) == [])
        }
    }

    @Test func `what was stored while a run waited is in the next one, which follows at once`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            _ = try await running.ingest("meanwhile")
            fixture.time.advance(hours: 2)
            fixture.files.set("/out/f", isAway: false)
            await running.passTime()
            await running.passTime()
            #expect(try await runs(running).map(\.totals.exported) == [1, 3])
            #expect(try fixture.manifests("f").map(\.manifest.window.throughSequence) == [3, 4])
        }
    }

    @Test func `a dataflow has one run at a time, and says so`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            let error = await #expect(throws: CatalogError.self) {
                try await running.catalog.beginRun(
                    by: 1, sandboxID: running.sandboxID, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: 3))
            }
            #expect(error?.code == .failedPrecondition)
            fixture.time.advance(hours: 5)
            await running.passTime()
            #expect(try await runs(running).count == 1)
        }
    }

    @Test func `a run that is under way for too long is told of, once`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            fixture.time.advance(milliseconds: Int64(Limits.runDelayMinutes) * 60_000)
            await running.passTime()
            #expect(try await !kinds(running).contains(.runDelayed))
            for _ in 0..<3 {
                fixture.time.advance(hours: 1)
                await running.passTime()
            }
            #expect(try await kinds(running).filter { $0 == .runDelayed }.count == 1)
            fixture.files.set("/out/f", isAway: false)
            fixture.time.advance(hours: 1)
            await running.passTime()
            #expect(try await kinds(running, openOnly: true) == [], "it is over with the run")
        }
    }

    @Test func `a foreign file of the same name ends the run, and the next one has what it had`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            fixture.files.set("/out/f", isAway: false)
            let run = try #require(try await runs(running).first)
            let folder = FilePath("/out/f").appending(run.folder)
            try fixture.files.createFolder(folder)
            let foreign = folder.appending("part-00000-\(run.id).json")
            _ = try fixture.files.create(foreign)
            fixture.time.advance(milliseconds: 3_599_000)
            await running.passTime()
            #expect(try await runs(running).map(\.state) == [.failed])
            #expect(fixture.delivered("f") == [foreign])
            #expect(try await kinds(running, openOnly: true) == [.runFailed])
            fixture.time.advance(hours: 1)
            await running.passTime()
            #expect(try await runs(running).first?.totals.exported == 3)
            #expect(try fixture.manifests("f").map(\.manifest.records.exported) == [3])
            #expect(try await kinds(running, openOnly: true) == [])
        }
    }

    @Test func `what expires while a run waits is named in its manifest, and counted as never exported`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            fixture.time.advance(hours: 96)
            let (sequence, _) = try await running.ingest("new")
            await running.passTime()
            #expect(try await running.dataflow("f").expiredUnexported == 3)
            fixture.files.set("/out/f", isAway: false)
            fixture.time.advance(hours: 1)
            await running.passTime()
            await running.passTime()
            let manifests = try fixture.manifests("f").map(\.manifest)
            #expect(
                manifests.map(\.records) == [
                    .init(received: 3, exported: 0, skipped: 3), .init(received: 1, exported: 1, skipped: 0),
                ])
            #expect(manifests[0].absent == [.init(firstSequence: 1, lastSequence: 3, reason: "expired")])
            #expect(manifests[1].exportResults.map(\.lastSequence) == [sequence])
            await running.passTime()
            #expect(try await running.dataflow("f").expiredUnexported == 3, "counted once")
            #expect(try await kinds(running).filter { $0 == .expiredUnexported }.count == 1)
        }
    }

    @Test func `while the clock is doubted runs go on, and nothing is destroyed`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            fixture.doubtClock(true)
            fixture.time.advance(hours: 96)
            await running.passTime()
            #expect(running.entry.store.expired.count == 1, "nobody sees it, and it is there still")
            #expect(try await running.dataflow("f").expiredUnexported == 0)
            fixture.files.set("/out/f", isAway: false)
            let (sequence, _) = try await running.ingest("new")
            fixture.time.advance(hours: 1)
            await running.passTime()
            await running.passTime()
            #expect(try await running.dataflow("f").cursor == sequence)
            fixture.doubtClock(false)
            await running.passTime()
            #expect(running.entry.store.expired.isEmpty)
        }
    }

    @Test func `each dataflow of a sandbox has its own cursor`() async throws {
        try await withFixture { (fixture, running) async throws in
            try await running.createDataflow("g", Schedule(.daily(minute: 0)), format: .parquet, files: fixture.files)
            await running.passTime()
            #expect(try await running.dataflow("f").cursor == 3)
            #expect(try await running.dataflow("g").cursor == 0)
            fixture.time.advance(hours: 12)
            await running.passTime()
            #expect(try await running.dataflow("g").cursor == 3)
        }
    }

    @Test func `what runs once runs once, and a full export takes everything that is there`() async throws {
        try await withFixture { (fixture, running) async throws in
            await running.passTime()
            try await running.createDataflow("all", Schedule(.once), mode: .full, files: fixture.files)
            for _ in 0..<3 {
                await running.passTime()
                fixture.time.advance(hours: 1)
            }
            #expect(try await runs(running, "all").map(\.totals.exported) == [3])
            #expect(try await running.dataflow("all").nextRunAt == nil)
        }
    }

    @Test func `after its end a dataflow does not run, and before it that is told`() async throws {
        let end = Instant(milliseconds: ManualTime().now.milliseconds + 5 * Day.milliseconds)
        try await withFixture(records: 0, Schedule(.every(minutes: 720), end: end), retention: 30) {
            (fixture, running) async throws in
            await running.backlog.look()
            #expect(try await kinds(running) == [])
            fixture.time.advance(hours: 48)
            for _ in 0..<3 { await running.backlog.look() }
            #expect(try await kinds(running) == [.endsSoon])
            fixture.time.advance(hours: 71)
            await running.passTime()
            fixture.time.advance(hours: 1)
            _ = try await running.ingest("late")
            await running.passTime()
            #expect(try await runs(running) == [])
            #expect(try await running.dataflow("f").nextRunAt == nil)
        }
    }

    @Test func `what a destination is signed in to with is told of before it ends, until it is renewed`() async throws {
        let end = Instant(milliseconds: ManualTime().now.milliseconds + 9 * Day.milliseconds)
        try await withFixture(records: 0, retention: 30) { (fixture, running) async throws in
            func renew(_ end: Instant?) async throws {
                _ = try await running.catalog.editDestination(
                    by: nil, sandboxID: running.sandboxID, name: try ResourceName("f", field: "name"),
                    DestinationDraft(settings: .local(path: "/out/f"), expiresAt: end))
            }
            try await renew(end)
            await running.backlog.look()
            #expect(try await kinds(running) == [])
            fixture.time.advance(hours: 49)
            for _ in 0..<3 { await running.backlog.look() }
            #expect(try await kinds(running) == [.signInEnds])
            try await renew(Instant(milliseconds: end.milliseconds + 90 * Day.milliseconds))
            await running.backlog.look()
            #expect(try await kinds(running, openOnly: true) == [])
        }
    }

    @Test func `when a signature ends is read out of it`() {
        let end = Instant("2026-12-01T08:30:00Z")
        #expect(end != nil)
        for text in [
            "sv=2022-11-02&se=2026-12-01T08%3A30%3A00Z&sp=rwdl&sig=x", "?se=2026-12-01T08:30:00Z",
            "https://a.blob.core.windows.net/c?sp=r&se=2026-12-01T08%3A30Z&sig=se=",
        ] {
            #expect(SharedAccessSignature.end(of: text) == end, "\(text)")
        }
        #expect(SharedAccessSignature.end(of: "se=2026-12-01") == Instant("2026-12-01T00:00:00Z"))
        for text in ["", "sig=x", "se=", "se=soon", "https://h/se=2026-12-01"] {
            #expect(SharedAccessSignature.end(of: text) == nil, "\(text)")
        }
    }

    @Test func `records at half their life are told of, and no longer once they are exported`() async throws {
        try await withFixture { (fixture, running) async throws in
            fixture.files.set("/out/f", isAway: true)
            await running.passTime()
            await running.backlog.look()
            #expect(try await !kinds(running).contains(.atRisk))
            // Ingested at noon, they live 84 hours.
            fixture.time.advance(hours: 42)
            for _ in 0..<2 { await running.backlog.look() }
            #expect(try await kinds(running).filter { $0 == .atRisk }.count == 1)
            fixture.files.set("/out/f", isAway: false)
            await running.passTime()
            await running.backlog.look()
            #expect(try await kinds(running, openOnly: true) == [])
        }
    }

    @Test func `a disabled dataflow does not run by itself, and has all of it when it is enabled again`() async throws {
        try await withFixture { (fixture, running) async throws in
            let name = try ResourceName("f")
            _ = try await running.catalog.setDataflow(enabled: false, by: 1, sandboxID: running.sandboxID, name: name)
            fixture.time.advance(hours: 3)
            await running.passTime()
            #expect(try await runs(running) == [])
            _ = try await running.catalog.setDataflow(enabled: true, by: 1, sandboxID: running.sandboxID, name: name)
            fixture.time.advance(hours: 1)
            await running.passTime()
            #expect(try await runs(running).map(\.totals.exported) == [3])
        }
    }

    @Test func `a run that a stop of the daemon cut off goes on with the next one`() async throws {
        try await withFixture { (fixture, running) async throws in
            let order = try await running.catalog.beginRun(
                by: nil, sandboxID: running.sandboxID, dataflow: "f", of: DatasetExtent(epoch: 1, after: 0, through: 3),
                dueAt: fixture.time.now)
            try await fixture.stop()
            let again = try await fixture.start()
            await again.passTime()
            let all = try await runs(again)
            #expect(all.map(\.id) == [order.run.id])
            #expect(all[0].state == .success && all[0].attempts == 1)
        }
    }

    @Test func `a sandbox with many runs waits behind each other one's next`() {
        var queue = RunQueue()
        for number in 1...3 { queue.append("a\(number)", of: "a") }
        queue.append("b1", of: "b")
        queue.append("c1", of: "c")
        queue.append("b2", of: "b")
        #expect(queue.count == 6)
        var order: [String] = []
        while let next = queue.next() { order.append(next.runID) }
        #expect(order == ["a1", "b1", "c1", "a2", "b2", "a3"])
        #expect(queue.next() == nil)
    }
}
