import Foundation
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
        #expect(found.map(\.payload) == (try StoreFixture.submission("a").body.payload))
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

    @Test func `what is handed over together is decided one after the other, each by what came before it`() async throws {
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("old")).isStored)
        let answers = Mutex<[String: Result<RecordStore.Appended, DatasetError>]>([:])
        func entry(
            _ name: String, _ submission: Submission, keep: Bool = true
        ) -> RecordStore.Entry {
            RecordStore.Entry(submission, keep: keep) { result in answers.withLock { $0[name] = result } }
        }
        store.append([
            entry("new", try StoreFixture.submission("a")), entry("again", try StoreFixture.submission("a")),
            entry("other", try StoreFixture.submission("a", content: "other")),
            entry("not kept", try StoreFixture.submission("b"), keep: false), entry("old", try StoreFixture.submission("old")),
            entry("old, other", try StoreFixture.submission("old", content: "other")),
        ])
        await store.close()
        let found = answers.withLock { $0 }
        #expect(found.count == 6)
        #expect(found["new"]?.isStored == true && found["again"]?.isDuplicate == true && found["old"]?.isDuplicate == true)
        #expect(found["other"]?.failure == .conflict && found["old, other"]?.failure == .conflict)
        #expect(try found["not kept"]?.get() == .notKept)
        #expect(try store.all().map(\.id.value) == ["old", "a"])
    }

    @Test func `many waiting submissions share one sync and each gets one record`() async throws {
        let entered = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        let isHeld = Atomic(true)
        let files = SimulatedFiles {
            guard isHeld.load(ordering: .relaxed) else { return }
            entered.signal()
            release.wait()
        }
        isHeld.store(false, ordering: .relaxed)
        let store = try fixture.open(files)
        isHeld.store(true, ordering: .relaxed)
        let answers = Mutex((stored: 0, duplicate: 0))
        for index in 0..<500 {
            store.append(try StoreFixture.submission("m\(index % 400)")) { result in
                answers.withLock {
                    if result.isStored { $0.stored += 1 }
                    if result.isDuplicate { $0.duplicate += 1 }
                }
            }
            // The first is on its way to disk, in the sync of its segment's key, when the others come.
            if index == 0 { entered.wait() }
        }
        isHeld.store(false, ordering: .relaxed)
        let before = files.operations
        release.signal()
        await store.close()
        #expect(answers.withLock { $0 } == (400, 100))
        let records = try store.all()
        #expect(Set(records.map(\.id.value)).count == 400)
        #expect(records.map(\.sequence) == Array(1...400))
        // The rest of making the segment, and a write and a sync for the first record and for all others; five for the index at the end.
        #expect(files.operations - before <= 11, "\(files.operations - before) operations")
    }

    @Test func `what a failed write left on disk never comes back once a later record counts`() async throws {
        let probe = SimulatedFiles()
        let first = try fixture.open(probe)
        #expect(await first.append(try StoreFixture.submission("a")).isStored)
        // The sync of the second batch fails: it is on disk whole, and was refused.
        let files = SimulatedFiles(faults: [probe.operations + 1: .fail(.ioError)])
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        #expect(await store.append(try StoreFixture.submission("b")).failure == .io)
        #expect(await store.append(try StoreFixture.submission("c")).isStored)
        await store.close()
        let reopened = try fixture.open(files.afterPowerCut(.everything))
        #expect(try reopened.all().map(\.id.value) == ["a", "c"], "a cursor may be past b's sequence already")
        #expect(await reopened.append(try StoreFixture.submission("b")).isStored)
        #expect(try reopened.all().map(\.sequence) == [1, 3, 4])
    }

    @Test func `what a failed write left torn is no damage once a later record counts`() async throws {
        let probe = SimulatedFiles()
        #expect(await (try fixture.open(probe)).append(try StoreFixture.submission("a")).isStored)
        // The second batch's write fails half way.
        let files = SimulatedFiles(faults: [probe.operations: .fail(.ioError)])
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        let large = try StoreFixture.submission("b", content: String(repeating: "b", count: 20_000))
        #expect(await store.append(large).failure == .io)
        #expect(await store.append(try StoreFixture.submission("c")).isStored)
        await store.close()
        let reopened = try fixture.open(files.afterPowerCut(.everything))
        #expect(reopened.recoveryReports == [], "it was refused, not possibly acknowledged")
        #expect(reopened.lost(after: 0, through: .max) == 0)
        #expect(try reopened.all().map(\.id.value) == ["a", "c"])
    }

    @Test func `repeats of what is being written are taken in without end in sight, up to the limit of what may wait`()
        async throws
    {
        let entered = DispatchSemaphore(value: 0)
        let release = DispatchSemaphore(value: 0)
        let isHeld = Atomic(false)
        let files = SimulatedFiles {
            guard isHeld.load(ordering: .relaxed) else { return }
            entered.signal()
            release.wait()
        }
        let store = try fixture.open(files)
        let submission = try StoreFixture.submission("a")
        let counts = Mutex((stored: 0, duplicate: 0, full: 0))
        let count: @Sendable (Result<RecordStore.Appended, DatasetError>) -> Void = { result in
            counts.withLock {
                if result.isStored { $0.stored += 1 }
                if result.isDuplicate { $0.duplicate += 1 }
                if result.failure == .full { $0.full += 1 }
            }
        }
        isHeld.store(true, ordering: .relaxed)
        store.append(submission, completion: count)
        entered.wait()
        // Each is counted with what is beside its payload and its id.
        let most = Limits.pendingBytes / (72 + "a".utf8.count + submission.body.payload.joined().count)
        for _ in 0..<most + 10 { store.append(submission, completion: count) }
        #expect(counts.withLock { $0.full } == 10)
        isHeld.store(false, ordering: .relaxed)
        release.signal()
        await store.close()
        #expect(counts.withLock { $0.stored } == 1)
        #expect(counts.withLock { $0.duplicate } == most)
    }

    @Test func `a disk that stays full is not filled with segments that hold nothing`() async throws {
        let files = SimulatedFiles(
            faults: Dictionary(uniqueKeysWithValues: stride(from: 6, to: 400, by: 3).map { ($0, .fail(.noSpace)) }))
        let store = try fixture.open(files)
        for index in 0..<30 { _ = await store.append(try StoreFixture.submission("m\(index)")) }
        await store.close()
        let segments = files.paths.count { $0.extension == "segment" }
        let used = store.totals.segments
        #expect(segments <= Int(used) + 10, "\(segments) data files for \(used) segments")
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
        while let next = try store.nextRecords(after: window.last ?? 3, through: 7) { window += next.map(\.sequence) }
        #expect(window == [4, 5, 6, 7])
        #expect(try store.count(after: 3, through: 7) == 4)
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
                answers.withLock {
                    $0.append("\(name) \(result.isStored ? "stored" : result.isDuplicate ? "duplicate" : "failed")")
                }
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

    @Test(arguments: [Errno.ioError, .noSpace, .readOnlyFileSystem, .tooManyOpenFiles])
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

    @Test
    func `without descriptors reading and doubtful ids fail, nothing is decided wrongly, and all goes on when there are some`()
        async throws
    {
        var store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        await store.close()
        store = try fixture.open(files)
        files.failOpening(.tooManyOpenFiles)
        #expect(throws: DatasetError.self) { try store.all() }
        let repeated = await store.append(try StoreFixture.submission("a"))
        #expect(repeated.failure == .io, "neither a duplicate nor a new record: \(repeated)")
        #expect(await store.append(try StoreFixture.submission("new"), keep: false).failure == .io, "nobody can tell")
        files.failOpening(nil)
        #expect(await store.append(try StoreFixture.submission("a")).isDuplicate)
        #expect(await store.append(try StoreFixture.submission("b")).isStored)
        #expect(try store.all().map(\.id.value) == ["a", "b"])
        #expect(store.recoveryReports == [])
        await store.close()
    }

    @Test func `days are those of the zone, and later settings change later days`() async throws {
        let (files, fixture) = (SimulatedFiles(), StoreFixture())
        func at(_ text: String) throws -> Instant {
            Instant(milliseconds: Int64(try Date.ISO8601FormatStyle().parse(text).timeIntervalSince1970) * 1000)
        }
        let berlin = RetentionPolicy(zone: try Zone("Europe/Berlin"), retention: Retention(days: 3))
        fixture.time.set(try at("2026-11-23T23:30:00Z"))
        var store = try fixture.open(files, policy: berlin)
        func expiry(_ id: String) async throws -> Instant? {
            guard case .success(.stored(_, let expiresAt)) = await store.append(try StoreFixture.submission(id)) else {
                return nil
            }
            return expiresAt
        }
        // It is the 24th in Berlin.
        #expect(try await expiry("a") == at("2026-11-27T23:00:00Z"))
        let week = RetentionPolicy(zone: .utc, retention: Retention(days: 7))
        store.setPolicy(week)
        fixture.time.set(try at("2026-11-24T22:59:59Z"))
        #expect(try await expiry("b") == at("2026-11-27T23:00:00Z"), "the day has begun under the old settings")
        await store.close()
        store = try fixture.open(files, policy: week)
        #expect(try await expiry("c") == at("2026-11-27T23:00:00Z"), "and goes on under them after a restart")
        fixture.time.set(try at("2026-11-24T23:00:00Z"))
        #expect(try await expiry("d") == at("2026-12-02T00:00:00Z"))
        #expect(store.contents.days.keys.map { "\($0)" }.sorted() == ["2026-11-24"], "the day of both zones")
        await store.close()
    }

    @Test func `what has expired is destroyed with its keys, and nothing else; its sequences never come again`() async throws {
        let (files, fixture) = (SimulatedFiles(), StoreFixture())
        let store = try fixture.open(files)
        func kept() throws -> [String] {
            let all = try ["/data/keys/s/1", "/data/datasets/s/1"].flatMap { try files.list(FilePath($0)) }
            return all.filter { $0.hasSuffix(".key") || $0.hasSuffix(".segment") }
        }
        for id in ["a", "b"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        fixture.time.advance(hours: 24)
        #expect(await store.append(try StoreFixture.submission("c")).isStored)
        #expect(store.expired.isEmpty)
        #expect(try kept().count == 4)
        fixture.time.advance(hours: 72)
        #expect(store.knownIDs.count == 3)
        let expired = store.expired
        #expect(store.knownIDs.count == 1, "nothing is kept in memory of what nobody sees")
        #expect(expired.map(\.records) == [2] && expired.map { "\($0.day)" } == ["2026-11-23"])
        #expect(try kept().count == 4, "it is hidden, and not destroyed before that is noted elsewhere")
        try await store.destroy(expired)
        #expect(try kept().count == 2)
        #expect(files.paths.allSatisfy { $0.string.contains("2026-11-24") }, "their index is gone too")
        #expect(store.expired.isEmpty && store.highestSequence == 3)
        fixture.time.advance(hours: 24)
        try await store.destroy(store.expired)
        #expect(try kept().isEmpty)
        let floor = store.highestSequence
        await store.close()
        let again = try fixture.open(files, floor: floor)
        #expect(await again.append(try StoreFixture.submission("a")).isStored)
        #expect(try again.all().map(\.sequence) == [4])
        await again.close()
    }

    @Test(arguments: 0..<6)
    func `destroying that fails is told, and done when it is asked for again`(step: Int) async throws {
        let (files, fixture) = (SimulatedFiles(), StoreFixture())
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        fixture.time.advance(hours: 24 * 5)
        let expired = store.expired
        files.fail(at: files.operations + step, .fail(.ioError))
        await #expect(throws: DatasetError.self) { try await store.destroy(expired) }
        #expect(store.expired == expired)
        try await store.destroy(expired)
        #expect(store.expired.isEmpty)
        #expect(try files.list(FilePath("/data/keys/s/1")).isEmpty && files.list(FilePath("/data/datasets/s/1")).isEmpty)
        await store.close()
    }
}
