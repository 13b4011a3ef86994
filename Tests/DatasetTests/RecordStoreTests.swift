import Dataset
import Disk
import Dispatch
import Model
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct RecordStoreTests {
    let fixture = StoreFixture()
    let files = SimulatedFiles()

    @Test func `what was stored is found by its id, and after a restart too`() async throws {
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        let found = try store.find(try MessageID("a"))
        #expect(found.map(\.payload) == [try StoreFixture.submission("a").payload])
        await store.close()
        #expect(try fixture.open(files).find(try MessageID("a")) == found)
    }

    @Test func `an answer tells the ingestion time and the end of the third day after it`() async throws {
        let store = try fixture.open(files)
        let answer = await store.append(try StoreFixture.submission("a"))
        let expiry = Day(number: Day(containing: fixture.time.now).number + 4).start
        #expect(try answer.get() == .stored(ingestedAt: fixture.time.now, expiresAt: expiry))
        #expect(expiry.description == "2026-11-27T00:00:00.000Z")
    }

    @Test func `the same message again is a duplicate of the first, other content under its id a conflict`() async throws {
        let store = try fixture.open(files)
        let first = await store.append(try StoreFixture.submission("a"))
        fixture.time.advance(hours: 1)
        let again = await store.append(try StoreFixture.submission("a"))
        guard case .success(.stored(let ingestedAt, let expiresAt)) = first else { return #expect(Bool(false), "\(first)") }
        #expect(try again.get() == .duplicate(ingestedAt: ingestedAt, expiresAt: expiresAt))
        #expect(await store.append(try StoreFixture.submission("a", content: "other")).failure == .conflict)
        #expect(try store.all().count == 1)
    }

    @Test func `a duplicate is known after a restart`() async throws {
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        await store.close()
        #expect(await (try fixture.open(files)).append(try StoreFixture.submission("a")).isDuplicate)
    }

    @Test func `ids are each submitter's own`() async throws {
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a", submitter: 1)).isStored)
        #expect(await store.append(try StoreFixture.submission("a", content: "other", submitter: 2)).isStored)
        #expect(try store.find(try MessageID("a")).map(\.submitter) == [1, 2])
    }

    @Test func `what is not to be kept is not kept, unless it is there already`() async throws {
        let store = try fixture.open(files)
        #expect(try await store.append(try StoreFixture.submission("a"), keep: false).get() == .notKept)
        #expect(try store.all().isEmpty)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        #expect(await store.append(try StoreFixture.submission("a"), keep: false).isDuplicate)
    }

    @Test func `many waiting submissions share syncs and each gets one record`() async throws {
        let store = try fixture.open(files)
        let before = files.operations
        let answers = await withTaskGroup(of: Bool.self) { group in
            for index in 0..<500 {
                group.addTask {
                    guard let submission = try? StoreFixture.submission("m\(index % 400)") else { return false }
                    let answer = await store.append(submission)
                    return answer.isStored || answer.isDuplicate
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answers == 500)
        let records = try store.all()
        #expect(Set(records.map(\.id.value)).count == 400)
        #expect(records.count == 400)
        #expect(records.map(\.sequence) == Array(1...400))
        // A batch is a write and a sync; every record on its own would be 800 operations.
        #expect(files.operations - before < 600, "\(files.operations - before) operations")
    }

    @Test func `a new day begins a new segment, and an expired one shows nothing`() async throws {
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        fixture.time.advance(hours: 24)
        #expect(await store.append(try StoreFixture.submission("b")).isStored)
        #expect(store.totals.segments == 2)

        fixture.time.set(Instant(milliseconds: Day(number: Day(containing: fixture.time.now).number + 3).start.milliseconds - 1))
        #expect(try store.all().count == 2)
        fixture.time.advance(milliseconds: 1)
        #expect(try store.all().map(\.id.value) == ["b"])
        #expect(try store.find(try MessageID("a")).isEmpty)
        #expect(store.totals.records == 1)
        #expect(await store.append(try StoreFixture.submission("a")).isStored, "an expired id is free again")
    }

    @Test func `sequences go on above the floor they are given`() async throws {
        let store = try fixture.open(files, floor: 41)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        #expect(try store.all().map(\.sequence) == [42])
    }

    @Test func `a window is read whole and nothing beside it`() async throws {
        let store = try fixture.open(files)
        for index in 1...9 { #expect(await store.append(try StoreFixture.submission("m\(index)")).isStored) }
        var window: [UInt64] = []
        while let next = try store.nextBatch(after: window.last ?? 3, through: 7) { window += next.map(\.sequence) }
        #expect(window == [4, 5, 6, 7])
        #expect(store.count(after: 3, through: 7) == 4)
    }

    @Test(arguments: [false, true])
    func `a repeat of what is being written waits for it and shares its end, be it a failure`(fails: Bool) async throws {
        let entered = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        let isHeld = Atomic(false)
        let answers = Mutex<[String]>([])
        let probe = SimulatedFiles()
        #expect(await (try fixture.open(probe)).append(try StoreFixture.submission("x")).isStored)
        // The last operation of a first record is its batch's sync.
        let files = SimulatedFiles(faults: fails ? [probe.operations - 1: .fail(.ioError)] : [:]) {
            guard isHeld.load(ordering: .relaxed) else { return }
            entered.signal()
            release.wait()
        }
        let store = try fixture.open(files)
        let submission = try StoreFixture.submission("a")
        isHeld.store(true, ordering: .relaxed)
        for name in ["first", "repeat"] {
            store.append(submission) { result in
                answers.withLock { $0.append("\(name) \(result.isStored ? "stored" : result.isDuplicate ? "duplicate" : "failed")") }
            }
            // The writer now waits in the key file's sync.
            if name == "first" { entered.wait() }
        }
        #expect(answers.withLock { $0 } == [], "nothing is answered before it is durable")
        isHeld.store(false, ordering: .relaxed)
        release.signal()
        await store.close()
        #expect(answers.withLock { $0 } == (fails ? ["first failed", "repeat failed"] : ["first stored", "repeat duplicate"]))
    }

    @Test func `a closed dataset refuses`() async throws {
        let store = try fixture.open(files)
        await store.close()
        #expect(await store.append(try StoreFixture.submission("a")).failure == .closed)
    }

    @Test(arguments: [Errno.ioError, .noSpace])
    func `a failed write or sync is answered, and the next record goes to a new segment`(errno: Errno) async throws {
        for operation in 0..<40 {
            let files = SimulatedFiles(faults: [operation: .fail(errno)])
            guard let store = try? fixture.open(files) else { continue }
            var stored: Set<String> = []
            for id in ["a", "b", "c"] {
                let answer = await store.append(try StoreFixture.submission(id))
                if answer.isStored { stored.insert(id) } else { #expect(answer.failure == (errno == .noSpace ? .full : .io)) }
            }
            // The retry settles what an error left open.
            for id in ["a", "b", "c"] where !stored.contains(id) {
                #expect(await store.append(try StoreFixture.submission(id)).isStored, "operation \(operation)")
            }
            #expect(try store.all().map(\.id.value).sorted() == ["a", "b", "c"])
            await store.close()
            let reopened = try fixture.open(files.afterPowerCut(.everything))
            #expect(try reopened.all().map(\.id.value).sorted() == ["a", "b", "c"], "operation \(operation)")
            #expect(reopened.totals.records == 3)
        }
    }
}
