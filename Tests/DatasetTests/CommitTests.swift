import Dataset
import Disk
import Dispatch
import Foundation
import Model
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Which thread commits, and what a commit leaves in the file.
@Suite struct CommitTests {
    let fixture = StoreFixture()

    /// What is to be done when a turn ends.
    private final class Turn: Sendable {
        private let works = Mutex<[@Sendable (Bool) -> Void]>([])

        func add(_ work: @escaping @Sendable (Bool) -> Void) { works.withLock { $0.append(work) } }

        var count: Int { works.withLock { $0.count } }

        func end(isAlone: Bool = true) {
            let all = works.withLock { works in
                defer { works = [] }
                return works
            }
            for work in all { work(isAlone) }
        }
    }

    /// Hands over records in a turn, ends it, and tells which were stored when that returned, and by whom each was answered.
    private func end(
        _ submissions: [Submission], into store: RecordStore, isAlone: Bool = true
    ) async -> (storedAtOnce: Int, stored: Int, isOwnThread: Bool) {
        let turn = Turn()
        let own = pthread_self()
        let answers = Mutex((stored: 0, isOwnThread: true))
        let answered = DispatchGroup()
        for submission in submissions {
            answered.enter()
            store.append(
                [
                    RecordStore.Entry(submission) { result in
                        answers.withLock { state in
                            if result.isStored { state.stored += 1 }
                            if pthread_equal(pthread_self(), own) == 0 { state.isOwnThread = false }
                        }
                        answered.leave()
                    }
                ], turnEnd: turn.add)
        }
        #expect(turn.count <= 1, "a turn ends once for all that it brought")
        #expect(answers.withLock { $0.stored } == 0, "nothing is stored before the turn ends")
        turn.end(isAlone: isAlone)
        let atOnce = answers.withLock { $0.stored }
        await withCheckedContinuation { continuation in
            answered.notify(queue: .global()) { continuation.resume() }
        }
        let found = answers.withLock { $0 }
        return (atOnce, found.stored, found.isOwnThread)
    }

    /// The same until one is committed at once: the machine may be slow at times, and then another thread commits.
    private func endQuickly(
        _ name: String, _ count: Int, content: String = "", into store: RecordStore
    ) async throws -> (storedAtOnce: Int, stored: Int, isOwnThread: Bool) {
        for attempt in 0..<100 {
            let found = await end(try submissions("\(name)\(attempt)-", count, content: content), into: store)
            if found.isOwnThread { return found }
        }
        return (0, 0, false)
    }

    private func submissions(_ name: String, _ count: Int, content: String = "") throws -> [Submission] {
        try (0..<count).map { try StoreFixture.submission("\(name)\($0)", content: content) }
    }

    @Test func `what is little and alone is committed at the end of the turn, by who handed it over, with one sync`() async throws
    {
        let syncs = Atomic(0)
        let files = SimulatedFiles { syncs.add(1, ordering: .relaxed) }
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("first")).isStored)
        #expect(try await endQuickly("warm", 1, into: store).isOwnThread)
        let before = syncs.load(ordering: .relaxed)
        let found = await end(try submissions("m", 20), into: store)
        #expect(found.stored == 20 && (found.storedAtOnce == 20 || !found.isOwnThread))
        let made = syncs.load(ordering: .relaxed) - before
        #expect(made == 1)
        let atOnce = try await endQuickly("n", 20, into: store)
        #expect(atOnce == (20, 20, true))
        await store.close()
    }

    @Test func `another thread commits where something else waits for the turn's end, or there is much, or no segment yet`()
        async throws
    {
        let store = try fixture.open(SimulatedFiles())
        #expect(await end(try submissions("none", 1), into: store).isOwnThread == false, "a segment is made first")
        #expect(await end(try submissions("a", 2), into: store, isAlone: false).isOwnThread == false)
        let large = String(repeating: "x", count: Limits.quickBytes / 2)
        #expect(await end(try submissions("b", 2, content: large), into: store).isOwnThread == false)
        #expect(await end(try submissions("after", 1), into: store).isOwnThread == false, "what follows much is a part of it")
        #expect(try await endQuickly("c", 1, content: large, into: store).isOwnThread)
        fixture.time.advance(hours: 24)
        #expect(await end(try submissions("tomorrow", 1), into: store).isOwnThread == false, "so it is for the next day")
        #expect(try await endQuickly("d", 1, into: store).isOwnThread)
        await store.close()
    }

    @Test func `a disk that was slow is waited for by another thread, until it is fast again`() async throws {
        let isSlow = Atomic(false)
        // Its time is what this is about.
        let files = SimulatedFiles {
            if isSlow.load(ordering: .relaxed) { DiskQueue.pause(.nanoseconds(2 * Limits.quickSyncNanoseconds)) }
        }
        let store = try fixture.open(files)
        isSlow.store(true, ordering: .relaxed)
        #expect(await store.append(try StoreFixture.submission("first")).isStored)
        #expect(await end(try submissions("a", 1), into: store).isOwnThread == false)
        isSlow.store(false, ordering: .relaxed)
        #expect(await end(try submissions("b", 1), into: store).isOwnThread == false, "the last was slow still")
        #expect(try await endQuickly("c", 1, into: store).isOwnThread)
        await store.close()
    }

    @Test(.timeLimit(.minutes(1)))
    func `what comes while a thread commits at the end of its turn is committed after it`() async throws {
        let store = try fixture.open(SimulatedFiles())
        #expect(await store.append(try StoreFixture.submission("first")).isStored)
        for attempt in 0..<20 {
            let next = try StoreFixture.submission("next\(attempt)")
            let turn = Turn()
            let answer = await withCheckedContinuation { continuation in
                guard let submission = try? StoreFixture.submission("m\(attempt)") else { return }
                store.append(
                    [
                        RecordStore.Entry(submission) { _ in
                            store.append(next) { continuation.resume(returning: $0) }
                        }
                    ], turnEnd: turn.add)
                turn.end()
            }
            #expect(answer.isStored)
        }
        await store.close()
    }

    @Test func `a failed commit at the end of a turn is told, and the next one is another thread's`() async throws {
        let probe = SimulatedFiles()
        #expect(await (try fixture.open(probe)).append(try StoreFixture.submission("first")).isStored)
        let files = SimulatedFiles(faults: [probe.operations + 1: .fail(.ioError)])
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("first")).isStored)
        #expect(await end(try submissions("a", 1), into: store).stored == 0)
        #expect(!store.isHealthy)
        let next = await end(try submissions("b", 1), into: store)
        #expect(next.stored == 1 && !next.isOwnThread)
        #expect(store.isHealthy)
        await store.close()
        #expect(try fixture.open(files.afterPowerCut(.nothing)).all().map(\.id.value) == ["first", "b0"])
    }

    @Test func `what waits for the end of a turn when the dataset is closed is stored`() async throws {
        let files = SimulatedFiles()
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("first")).isStored)
        let turn = Turn()
        let isStored = Mutex(false)
        store.append(
            [RecordStore.Entry(try StoreFixture.submission("a")) { result in isStored.withLock { $0 = result.isStored } }],
            turnEnd: turn.add)
        await store.close()
        #expect(isStored.withLock { $0 })
        turn.end()
        #expect(try fixture.open(files).all().map(\.id.value) == ["first", "a"])
    }

    @Test func `a repeat under way of a message that is not to be kept is decided about by itself`() async throws {
        let files = SimulatedFiles()
        let first = try fixture.open(files)
        #expect(await first.append(try StoreFixture.submission("old")).isStored)
        await first.close()
        // Its ids are not in memory yet: each is looked for.
        let store = try fixture.open(files)
        let answers = Mutex<[String]>([])
        func entry(_ name: String, _ id: String, content: String = "", keep: Bool) throws -> RecordStore.Entry {
            RecordStore.Entry(try StoreFixture.submission(id, content: content), keep: keep) { result in
                let what =
                    switch result {
                    case .success(.stored): "stored"
                    case .success(.duplicate): "duplicate"
                    case .success(.notKept): "not kept"
                    case .failure(let error): error.code.rawValue
                    }
                answers.withLock { $0.append("\(name) \(what)") }
            }
        }
        store.append([
            try entry("off", "a", keep: false), try entry("on", "a", keep: true), try entry("on again", "a", keep: true),
            try entry("other", "a", content: "x", keep: true), try entry("old", "old", keep: true),
            try entry("old again", "old", keep: false), try entry("old, other", "old", content: "x", keep: true),
        ])
        await store.close()
        #expect(
            answers.withLock { Set($0) } == [
                "off not kept", "on stored", "on again duplicate", "other conflict", "old duplicate", "old again duplicate",
                "old, other conflict",
            ])
    }

    @Test func `records are read many batches at a time, up to a limit of bytes`() async throws {
        let files = SimulatedFiles()
        let store = try fixture.open(files)
        for index in 0..<10 { #expect(await store.append(try StoreFixture.submission("m\(index)")).isStored) }
        let large = String(repeating: "x", count: Limits.batchBytes * 3 / 5)
        for index in 0..<3 { #expect(await store.append(try StoreFixture.submission("l\(index)", content: large)).isStored) }
        func counts(_ store: RecordStore) throws -> [Int] {
            var (counts, last): ([Int], UInt64) = ([], 0)
            while let records = try store.nextRecords(after: last, through: 12) {
                counts.append(records.count)
                last = records.last?.sequence ?? .max
            }
            return counts
        }
        #expect(try counts(store) == [11, 1], "of an index in memory")
        await store.close()
        #expect(try counts(try fixture.open(files)) == [11, 1], "of one in a file")
    }

    @Test func `zeros are written ahead of small batches: at most as many as there are batches, and up to a limit`() async throws
    {
        let files = SimulatedFiles()
        let store = try fixture.open(files)
        var grown: Set<Int> = []
        for index in 0..<300 {
            #expect(await store.append(try StoreFixture.submission("m\(index)")).isStored)
            let path = try #require(files.paths.first { $0.extension == "segment" })
            let (size, used) = (files.content(path).count, (index + 1) * Int(4096))
            grown.insert(size)
            #expect(size >= used && size - used <= min(used, Int(Limits.zerosAheadBytes)), "\(size) bytes for \(used)")
            #expect(files.content(path)[used...].allSatisfy { $0 == 0 })
        }
        #expect(grown.count < 16, "it grew \(grown.count) times")
        await store.close()
        let reopened = try fixture.open(files.afterPowerCut(.nothing))
        #expect(reopened.recoveryReports == [])
        #expect(try reopened.all().count == 300)
    }

    @Test func `where there is room for a batch and none for zeros, the batch is stored`() async throws {
        let probe = SimulatedFiles()
        #expect(await (try fixture.open(probe)).append(try StoreFixture.submission("a")).isStored)
        // The write of the third batch, which makes the file grow.
        let files = SimulatedFiles(faults: [probe.operations + 2: .fail(.noSpace)])
        let store = try fixture.open(files)
        for id in ["a", "b", "c"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        let path = try #require(files.paths.first { $0.extension == "segment" })
        // Half of the write that failed is there.
        #expect(files.content(path).count < 6 * 4096)
        #expect(store.isHealthy)
        await store.close()
        #expect(try fixture.open(files.afterPowerCut(.nothing)).all().map(\.id.value) == ["a", "b", "c"])
    }

    @Test func `a queue lends its turn to a thread only while nothing else is under way on it`() async throws {
        let queue = DiskQueue("test")
        #expect(queue.runHere { pthread_equal(pthread_self(), pthread_self()) } != nil)
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        queue.start {
            entered.signal()
            release.wait()
        }
        entered.wait()
        #expect(queue.runHere {} == nil)
        release.signal()
        await queue.run {}
        // What has answered may not have ended yet.
        while queue.runHere({}) == nil { await Task.yield() }
    }
}
