import Audit
import Catalog
import Model
import SystemPackage
import TestSupport
import Testing

/// What the catalog allows of runs, and what it counts.
@Suite struct RunTests {
    private struct Fixture {
        let catalog: CatalogStore
        let sandbox: Sandbox
        let time: ManualTime

        func begin(
            _ through: UInt64 = 10, epoch: UInt32 = 1, window: RunWindow? = nil, destination: String? = nil, dueAt: Instant? = nil
        ) async throws -> Run {
            try await catalog.beginRun(
                by: 1, sandboxID: sandbox.id, dataflow: "f", of: DatasetExtent(epoch: epoch, after: 0, through: through),
                window: window, destination: destination, dueAt: dueAt
            ).run
        }

        func end(_ run: Run, _ state: Run.State, absent: [ClosedRange<UInt64>] = []) async throws -> UInt64 {
            var run = run
            run.state = state
            return try await catalog.endRun(run, absent: absent)
        }

        var dataflow: Dataflow {
            get async throws { try await catalog.dataflow(sandboxID: sandbox.id, name: ResourceName("f")) }
        }

        func edit(_ schedule: Schedule? = nil, destination: String? = nil) async throws {
            let edited = try await catalog.editDataflow(
                by: 1, sandboxID: sandbox.id, name: ResourceName("f"), revision: nil
            ) { dataflow in
                var change = DataflowChange()
                (change.schedule, change.destination) = (schedule, destination)
                return change.applied(to: dataflow.settings)
            }
            _ = try edited.get()
        }

        /// Sequences that expire, of which each is a record.
        func expire(_ sequences: ClosedRange<UInt64>) async throws -> [UnexportedExpiry] {
            try await catalog.noteDestruction(
                of: Deed(user: nil, chain: sandbox.id, action: .recordExpire),
                ranges: [
                    ExpiringRange(sequences: sequences) { after in
                        after >= sequences.upperBound ? 0 : sequences.upperBound - max(after, sequences.lowerBound - 1)
                    }
                ], highestSequence: sequences.upperBound)
        }
    }

    /// A catalog with destinations `d` and `e`, and an hourly dataflow `f` to `d`.
    private func withFixture(_ body: (Fixture) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let time = ManualTime()
            let catalog = try CatalogStore(path: folder.appending("catalog.sqlite"), time: time, signingKey: .random())
            let sandbox = try #require(try await catalog.sandboxes().first)
            for name in ["d", "e"] {
                _ = try await catalog.createDestination(
                    by: 1, sandboxID: sandbox.id, name: ResourceName(name), DestinationDraft(settings: .local(path: "/\(name)")))
            }
            _ = try await catalog.createDataflow(
                by: 1, sandboxID: sandbox.id, name: ResourceName("f"), format: .json, mode: .incremental,
                settings: DataflowSettings(destination: "d", compression: .gzip, schedule: Schedule(.every(minutes: 60))))
            try await body(Fixture(catalog: catalog, sandbox: sandbox, time: time))
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> CatalogError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? CatalogError)?.code
        }
    }

    @Test func `a run that its schedule begins must be due, of a dataflow that is enabled, in the dataset that was looked at`()
        async throws
    {
        try await withFixture { (fixture) async throws in
            let due = try #require(try await fixture.dataflow.nextRunAt)
            let other = Instant(milliseconds: due.milliseconds + 1)
            #expect(await refusal { _ = try await fixture.begin(dueAt: other) } == .failedPrecondition)
            #expect(await refusal { _ = try await fixture.begin(epoch: 2, dueAt: due) } == .aborted)
            let name = try ResourceName("f")
            _ = try await fixture.catalog.setDataflow(enabled: false, by: 1, sandboxID: fixture.sandbox.id, name: name)
            #expect(await refusal { _ = try await fixture.begin(dueAt: due) } == .failedPrecondition)
            _ = try await fixture.catalog.setDataflow(enabled: true, by: 1, sandboxID: fixture.sandbox.id, name: name)
            #expect(try await fixture.begin(dueAt: due).trigger == .scheduled)
        }
    }

    @Test func `a run that somebody asks for takes no other's turn`() async throws {
        try await withFixture { (fixture) async throws in
            let due = try #require(try await fixture.dataflow.nextRunAt)
            fixture.time.advance(hours: 2)
            let window = try await fixture.begin(window: RunWindow(after: 1, through: 2, since: nil, until: nil))
            #expect(try await fixture.dataflow.nextRunAt == due)
            _ = try await fixture.end(window, .success)
            #expect(try await fixture.dataflow.cursor == 0)
            let asked = try await fixture.begin()
            _ = try await fixture.end(asked, .failed)
            #expect(try await fixture.dataflow.nextRunAt == due)
            let scheduled = try await fixture.begin(dueAt: due)
            #expect(try #require(try await fixture.dataflow.nextRunAt) > fixture.time.now)
            _ = try await fixture.end(scheduled, .success)
            #expect(try await fixture.dataflow.cursor == 10)
        }
    }

    @Test func `what would leave a run's files behind is refused until it has ended`() async throws {
        try await withFixture { (fixture) async throws in
            let sandboxID = fixture.sandbox.id
            func expectRefused(_ place: Comment) async throws {
                #expect(await refusal { try await fixture.edit(destination: "e") } == .failedPrecondition, place)
                for name in ["d"] {
                    #expect(
                        await refusal {
                            _ = try await fixture.catalog.editDestination(
                                by: 1, sandboxID: sandboxID, name: ResourceName(name),
                                DestinationDraft(settings: .local(path: "/x")))
                        } == .failedPrecondition, place)
                }
                #expect(
                    await refusal {
                        _ = try await fixture.catalog.deleteDataflow(by: 1, sandboxID: sandboxID, name: ResourceName("f"))
                    } == .failedPrecondition, place)
            }
            let run = try await fixture.begin()
            try await expectRefused("it is being done")
            _ = try await fixture.catalog.beginAttempt(of: run.id)
            _ = try await fixture.catalog.postpone(run.id, until: fixture.time.now, error: "x")
            try await fixture.edit(destination: "e")
            try await fixture.edit(destination: "d")
            try fixture.catalog.beginPart(0, named: "part", of: run.id)
            try await expectRefused("a file may be there")
            try await fixture.edit(Schedule(.every(minutes: 15)))
            try fixture.catalog.endPart(0, lastSequence: 5, document: [1], of: run.id)
            try await expectRefused("a file is there")
            try await fixture.edit(Schedule(.every(minutes: 60)))
            _ = try await fixture.end(run, .cancelled)
            try await fixture.edit(destination: "e")
        }
    }

    @Test func `a destination that a run was sent to stays until that has ended`() async throws {
        try await withFixture { (fixture) async throws in
            let run = try await fixture.begin(destination: "e")
            let (catalog, sandboxID) = (fixture.catalog, fixture.sandbox.id)
            func delete() async throws {
                _ = try await catalog.deleteDestination(by: 1, sandboxID: sandboxID, name: ResourceName("e"))
            }
            #expect(await refusal { try await delete() } == .failedPrecondition)
            _ = try await fixture.end(run, .failed)
            try await delete()
            #expect(
                await refusal { _ = try await catalog.retryRun(by: 1, sandboxID: sandboxID, id: run.id) } == .notFound,
                "there is nowhere to go")
            #expect(try await catalog.run(sandboxID: sandboxID, id: run.id).state == .failed)
        }
    }

    @Test func `what expires while a run is at it counts as lost as far as its files do not have it`() async throws {
        let cases: [(Run.State, absent: [ClosedRange<UInt64>], lost: UInt64)] = [
            (.success, [], 0), (.success, [1...5], 5), (.success, [2...3, 5...5, 8...9], 3), (.failed, [], 5),
            (.cancelled, [], 5),
        ]
        for (state, absent, lost) in cases {
            try await withFixture { (fixture) async throws in
                let run = try await fixture.begin(8)
                _ = try await fixture.catalog.beginAttempt(of: run.id)
                #expect(try await fixture.expire(1...5) == [])
                #expect(try await fixture.expire(1...5) == [], "noted once")
                #expect(try await fixture.end(run, state, absent: absent) == lost)
                #expect(try await fixture.dataflow.expiredUnexported == lost)
                #expect(try await fixture.expire(6...12).map(\.records) == [state == .success ? 4 : 7])
            }
        }
    }

    @Test func `what expires beyond a window, or of what an attempt did not deliver, is lost at once`() async throws {
        try await withFixture { (fixture) async throws in
            let run = try await fixture.begin(8)
            _ = try await fixture.catalog.beginAttempt(of: run.id)
            #expect(try await fixture.expire(7...12).map(\.records) == [4])
            try fixture.catalog.beginPart(0, named: "part", of: run.id)
            try fixture.catalog.endPart(0, lastSequence: 3, document: [1], of: run.id)
            #expect(try await fixture.catalog.postpone(run.id, until: fixture.time.now, error: "x") == 2, "7 and 8")
            #expect(try await fixture.expire(1...6).map(\.records) == [3], "it waits: 4 to 6")
            #expect(try await fixture.end(run, .cancelled) == 3, "the file is taken back")
            #expect(try await fixture.dataflow.expiredUnexported == 12)
        }
    }

    @Test func `what expires on both sides of a cursor counts beyond it, also while a run waits that has delivered nothing`()
        async throws
    {
        try await withFixture { (fixture) async throws in
            _ = try await fixture.end(try await fixture.begin(5), .success)
            let run = try await fixture.begin(10)
            _ = try await fixture.catalog.beginAttempt(of: run.id)
            _ = try await fixture.catalog.postpone(run.id, until: fixture.time.now, error: "x")
            #expect(try await fixture.expire(1...8).map(\.records) == [3])
            #expect(try await fixture.end(run, .failed) == 0)
            #expect(try await fixture.dataflow.expiredUnexported == 3)
        }
    }

    @Test func `a full export is not charged with what came later, and a schedule to run once runs once each time it is set`()
        async throws
    {
        try await withFixture { (fixture) async throws in
            let (catalog, sandboxID) = (fixture.catalog, fixture.sandbox.id)
            _ = try await catalog.createDataflow(
                by: 1, sandboxID: sandboxID, name: ResourceName("full"), format: .json, mode: .full,
                settings: DataflowSettings(destination: "d", compression: .gzip, schedule: Schedule(.once)))
            #expect(try await fixture.expire(1...5).map(\.dataflow) == ["f"])
            let first = try await fixture.begin(dueAt: try await fixture.dataflow.nextRunAt)
            _ = try await fixture.end(first, .success)
            for _ in 0..<2 {
                fixture.time.advance(hours: 1)
                try await fixture.edit(Schedule(.once))
                let due = try #require(try await fixture.dataflow.nextRunAt)
                let run = try await fixture.begin(dueAt: due)
                #expect(try await fixture.dataflow.nextRunAt == nil)
                _ = try await fixture.end(run, .success)
                try await fixture.edit(Schedule(.manual))
            }
        }
    }

    @Test func `what is due stays due when the clock is confirmed or the zone changes, and what ran once does not run again`()
        async throws
    {
        try await withFixture { (fixture) async throws in
            let due = try #require(try await fixture.dataflow.nextRunAt)
            fixture.time.advance(hours: 5)
            try await fixture.catalog.rescheduleDataflows(sandboxID: fixture.sandbox.id)
            #expect(try await fixture.dataflow.nextRunAt == due)
            let before = fixture.time.now
            fixture.time.advance(hours: 24 * 10)
            try await fixture.edit(Schedule(.once))
            fixture.time.set(before)
            try await fixture.catalog.rescheduleDataflows(sandboxID: fixture.sandbox.id)
            let run = try await fixture.begin(dueAt: try await fixture.dataflow.nextRunAt)
            #expect(try await fixture.dataflow.nextRunAt == nil)
            _ = try await fixture.end(run, .success)
            try await fixture.catalog.rescheduleDataflows(sandboxID: fixture.sandbox.id)
            #expect(try await fixture.dataflow.nextRunAt == nil)
        }
    }

    @Test func `a clock that is set back does not leave runs waiting for what it said before`() async throws {
        try await withFixture { (fixture) async throws in
            let before = fixture.time.now
            fixture.time.advance(hours: 24 * 20)
            try await fixture.edit(Schedule(.every(minutes: 15)))
            let run = try await fixture.begin()
            _ = try await fixture.catalog.beginAttempt(of: run.id)
            _ = try await fixture.catalog.postpone(run.id, until: fixture.time.now, error: "x")
            fixture.time.set(before)
            try await fixture.catalog.rescheduleDataflows(sandboxID: fixture.sandbox.id)
            let (next, attempt) = (
                try #require(try await fixture.dataflow.nextRunAt),
                try #require(try await fixture.catalog.run(sandboxID: fixture.sandbox.id, id: run.id).nextAttemptAt)
            )
            #expect(next.milliseconds - before.milliseconds <= 15 * 60_000)
            #expect(attempt <= before)
        }
    }
}
