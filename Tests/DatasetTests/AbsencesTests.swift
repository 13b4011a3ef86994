import Dataset
import Disk
import Model
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// What is said of sequences that have no record, and what goes on beside the writer.
@Suite struct AbsencesTests {
    let fixture = StoreFixture()
    let files = SimulatedFiles()

    private func fill(_ store: RecordStore, _ ids: ClosedRange<Int>, of person: String = "bob") async throws {
        for id in ids {
            let submission = try StoreFixture.submission("m\(id)", terms: [Term(.recipient, person)])
            #expect(await store.append(submission).isStored)
        }
    }

    private func said(_ store: RecordStore, _ sequences: ClosedRange<UInt64>, destroyed: [ClosedRange<UInt64>] = []) throws
        -> [String]
    {
        try store.absences(in: [sequences], destroyed: destroyed).map {
            "\($0.sequences.lowerBound)-\($0.sequences.upperBound) \($0.reason.rawValue)"
        }
    }

    @Test func `what is absent has the reason why: expired, erased, damaged, or never told of as stored`() async throws {
        let first = try fixture.open(files)
        try await fill(first, 1...3)
        await first.close()
        fixture.time.advance(hours: 48)
        let second = try fixture.open(files, floor: 5)
        try await fill(second, 4...6)
        #expect(try said(second, 4...5) == ["4-5 void"], "numbers that nobody was given")
        try await fill(second, 7...7, of: "ada")
        _ = try await second.erase([Term(.recipient, "ada")]) { _ in true }
        #expect(try said(second, 9...9) == ["9-9 erased"])
        fixture.time.advance(hours: 48)
        #expect(try said(second, 1...5) == ["1-5 expired"], "what was never told of among them")
        #expect(try said(second, 9...12, destroyed: [10...11]) == ["9-9 erased", "10-11 expired", "12-12 void"])
        await second.close()
    }

    @Test func `where all has expired it has expired, also when nobody noted it, and what was never told of has not`()
        async throws
    {
        let store = try fixture.open(files)
        try await fill(store, 1...3)
        fixture.time.advance(hours: 24 * 5)
        try await store.destroy(store.expired)
        #expect(try said(store, 1...5) == ["1-3 expired", "4-5 void"])
        await store.close()
    }

    @Test func `a batch that is damaged after its index was made is damaged, not one that nobody was told of`() async throws {
        let store = try fixture.open(files)
        try await fill(store, 1...3)
        await store.close()
        let again = try fixture.open(files)
        files.flip(try #require(files.paths.first { $0.extension == "segment" }), at: 4096 + 200)
        #expect(try again.all().map(\.sequence) == [1, 3])
        #expect(try said(again, 2...2) == ["2-2 damaged"])
    }

    /// A dataset of three records in a segment that expires and is destroyed as soon as somebody has opened its data.
    private func openDestroyed(_ prepare: (SimulatedFiles) throws -> Void = { _ in }) async throws -> RecordStore {
        let state = Mutex<SimulatedFiles?>(nil)
        let files = SimulatedFiles(afterOpen: { [time = fixture.time] path in
            guard path.extension == "segment", let files = state.withLock({ $0 }) else { return }
            state.withLock { $0 = nil }
            time.advance(hours: 24 * 10)
            try? files.removeInPieces(path)
        })
        let store = try fixture.open(files)
        for id in 1...3 {
            // So large that the end of what is left is within one of them.
            let content = String(repeating: "x", count: 3000)
            let submission = try StoreFixture.submission("m\(id)", content: content, terms: [Term(.recipient, "bob")])
            #expect(await store.append(submission).isStored)
        }
        await store.close()
        try prepare(files)
        let again = try fixture.open(files)
        state.withLock { $0 = files }
        return again
    }

    @Test func `what is destroyed while it is looked at has expired, and is not damaged`() async throws {
        let store = try await openDestroyed()
        #expect(try said(store, 3...3) == ["3-3 expired"])
        #expect(store.recoveryReports == [])
    }

    @Test func `of what is destroyed while it is verified nothing is said, not half of it`() async throws {
        let store = try await openDestroyed()
        let found = try store.verify()
        #expect(found.problems == [] && found.records == 0 && found.segments == 0)
    }

    @Test func `what is destroyed while its index is made again is no damage of the data`() async throws {
        let store = try await openDestroyed { files in
            let index = try #require(files.paths.first { $0.extension == "index" })
            // The last block: which records a term finds.
            files.flip(index, at: files.content(index).count - 100)
        }
        var search = RecordSearch(store, terms: [[Term(.recipient, "bob")]])
        #expect(try search.next() == nil)
        #expect(store.recoveryReports.count == 1 && store.recoveryReports[0].contains("index"), "\(store.recoveryReports)")
    }

    @Test func `an index that is made again does not bring back what failed`() async throws {
        let store = try fixture.open(files)
        try await fill(store, 1...1)
        // The batch is written, and its sync fails: it is refused, and written again by the sender's retry.
        for step in 0..<4 {
            files.fail(at: files.operations + step, .fail(.ioError))
            let id = "again\(step)"
            // A fault that is left over hits the next one.
            var attempts = 0
            while attempts < 5, await !store.append(try StoreFixture.submission(id)).isStored { attempts += 1 }
            #expect(attempts < 5)
        }
        let before = try store.all()
        await store.close()
        let again = try fixture.open(files)
        #expect(try again.all() == before)
        for index in files.paths where index.extension == "index" { files.flip(index, at: files.content(index).count - 100) }
        let found = try again.all()
        #expect(found.map(\.sequence) == before.map(\.sequence))
        #expect(Set(found.map(\.id)).count == found.count, "nothing twice")
    }

    @Test(.timeLimit(.minutes(1))) func `who writes all the time does not keep what has expired from being destroyed`()
        async throws
    {
        let store = try fixture.open(files)
        try await fill(store, 1...3)
        fixture.time.advance(hours: 24 * 5)
        let writers = Writers(store)
        for _ in 0..<8 { writers.write() }
        let expired = store.expired
        #expect(expired.count == 1)
        try await store.destroy(expired)
        writers.stop()
        await store.close()
        #expect(writers.count > 8)
    }

    /// What is answered is followed by the next: something always waits.
    private final class Writers: Sendable {
        private let store: RecordStore
        private let state = Mutex((count: 0, isOver: false))

        init(_ store: RecordStore) { self.store = store }

        var count: Int { state.withLock { $0.count } }

        func stop() { state.withLock { $0.isOver = true } }

        func write() {
            let number = state.withLock { state -> Int? in
                state.count += 1
                return state.isOver ? nil : state.count
            }
            guard let number, let submission = try? StoreFixture.submission("more\(number)") else { return }
            store.append(submission, keep: true) { [self] _ in write() }
        }
    }

    @Test func `ids are known though their segments are rewritten before they were loaded`() async throws {
        for opening in 0..<3 {
            let store = try fixture.open(files)
            try await fill(store, opening * 3 + 1...opening * 3 + 3)
            await store.close()
        }
        let store = try fixture.open(files)
        #expect(try await store.compact() == 1)
        for id in 1...9 {
            let again = try StoreFixture.submission("m\(id)", terms: [Term(.recipient, "bob")])
            #expect(await store.append(again).isDuplicate, "m\(id)")
        }
        #expect(store.knownIDs.count == 9, "each once")
        await store.close()
    }
}
