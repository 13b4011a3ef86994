import Dataset
import Disk
import Model
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Compaction and erasure: segments that take the place of others.
@Suite struct RewritingTests {
    let fixture = StoreFixture()
    let files = SimulatedFiles()

    private func person(_ name: String) -> Term { Term(.recipient, name) }

    /// Some records of two people and two days, in four segments.
    private func fill(_ files: SimulatedFiles) async throws {
        for opening in 0..<4 {
            let store = try fixture.open(files)
            for index in 0..<5 {
                let id = "m\(opening)\(index)"
                let who = index % 2 == 0 ? "ada" : "bob"
                let submission = try StoreFixture.submission(
                    id, content: String(repeating: "content of \(who) ", count: 40), group: who, terms: [person(who)])
                #expect(await store.append(submission).isStored)
            }
            await store.close()
            if opening == 1 { fixture.time.advance(hours: 24) }
        }
    }

    private func keys(_ files: SimulatedFiles) -> [FilePath] { files.paths.filter { $0.extension == "key" } }
    private func isOfAda(_ record: StoredRecord) -> Bool { String(decoding: record.payload, as: UTF8.self).contains("of ada") }

    @Test func `compaction makes one small segment of a day's several, and changes no record`() async throws {
        try await fill(files)
        let store = try fixture.open(files)
        let before = try store.all()
        #expect(before.count == 20 && keys(files).count == 4)
        let old = Set(keys(files))
        let bytes = store.totals.bytes
        #expect(try await store.compact() == 2)
        #expect(try store.all() == before)
        #expect(keys(files).count == 2 && old.isDisjoint(with: keys(files)), "the old keys are gone")
        #expect(files.paths.count == 6, "\(files.paths)")
        #expect(store.totals.bytes * 2 < bytes, "\(store.totals.bytes) of \(bytes)")
        #expect(try await store.compact() == 0, "it is done once")
        #expect(try store.find(try MessageID("m12")) == before.filter { $0.id.value == "m12" })
        #expect(await store.append(try StoreFixture.submission("m12", content: "other")).failure == .conflict)
        #expect(store.contents.days.values.map { $0.groups[Term(.configuration, "ada")] } == [6, 6])
        await store.close()
        let again = try fixture.open(files)
        #expect(try again.all() == before && again.recoveryReports == [])
        #expect(try await again.compact(isForced: true) == 2, "new keys for all, where that is asked for")
        #expect(try again.all() == before)
    }

    @Test func `what is erased is gone from every file, its id is known until it would have expired, and nobody else is touched`()
        async throws
    {
        try await fill(files)
        let store = try fixture.open(files)
        let before = try store.all()
        let old = Set(keys(files))
        let erasure = try await store.erase([person("ada")]) { record in
            String(decoding: record.payload, as: UTF8.self).contains("of ada")
        }
        #expect(erasure.records == 12 && erasure.segments == 4 && erasure.throughSequence == 20)
        let left = before.filter { !isOfAda($0) }
        #expect(try store.all() == left)
        #expect(old.isDisjoint(with: keys(files)))
        #expect(try store.find(try MessageID("m00")).isEmpty)
        #expect(store.contents.days.values.allSatisfy { $0.groups[Term(.configuration, "ada")] == nil })
        let repeated = try StoreFixture.submission(
            "m00", content: String(repeating: "content of ada ", count: 40), group: "ada", terms: [person("ada")])
        #expect(await store.append(repeated).isDuplicate, "a retry does not bring it back")
        #expect(try store.all() == left)
        #expect(try await store.erase([person("ada")]) { _ in true }.records == 0)
        await store.close()
        let again = try fixture.open(files)
        #expect(try again.all() == left)
        #expect(await again.append(repeated).isDuplicate)
        #expect(try await again.compact() > 0, "tombstones outlive another rewriting")
        #expect(await again.append(repeated).isDuplicate)
        fixture.time.advance(hours: 24 * 5)
        #expect(await again.append(repeated).isStored, "the id is free when the record would have expired")
    }

    @Test func `a segment that expires while it is rewritten leaves nothing behind`() async throws {
        try await fill(files)
        let store = try fixture.open(files)
        let time = fixture.time
        _ = try await store.erase([person("ada")]) { _ in
            // It takes so long that all of it expires.
            time.advance(hours: 24)
            return !store.expired.isEmpty || true
        }
        try await store.destroy(store.expired)
        #expect(try store.all().isEmpty)
        #expect(files.paths.isEmpty, "\(files.paths)")
        await store.close()
    }

    @Test func `what is destroyed while it is rewritten is no damage`() async throws {
        try await fill(files)
        let store = try fixture.open(files)
        let (files, time) = (files, fixture.time)
        let calls = Atomic(0)
        _ = try await store.erase([person("ada")]) { _ in
            // The first record that is asked about twice is being rewritten: the batches behind it are not read yet.
            if calls.add(1, ordering: .relaxed).newValue == 2 {
                time.advance(hours: 24 * 10)
                for path in files.paths where path.extension == "segment" { try? files.removeInPieces(path) }
            }
            return true
        }
        // The first of three to know that there are any, and then all that can be read.
        #expect(calls.load(ordering: .relaxed) < 1 + 3, "some are gone")
        #expect(store.recoveryReports == [])
        await store.close()
    }

    @Test func `what is rewritten is given to the disk piece by piece, so that commits wait for little`() async throws {
        let syncs = Atomic(0)
        let files = SimulatedFiles { syncs.add(1, ordering: .relaxed) }
        let store = try fixture.open(files)
        var generator = SeededGenerator(seed: 1)
        for index in 0..<40 {
            let noise = String(decoding: generator.bytes(100_000).map { 32 + $0 % 64 }, as: UTF8.self)
            #expect(await store.append(try StoreFixture.submission("m\(index)", content: noise)).isStored)
        }
        let before = syncs.load(ordering: .relaxed)
        #expect(try await store.compact(isForced: true) == 1)
        let pieces = Int(store.totals.bytes) / (2 << 20)
        #expect(pieces > 0)
        // One of the index of what was written, and of the new segment one of its key, of its index, and of its data.
        #expect(syncs.load(ordering: .relaxed) - before >= pieces + 4)
        await store.close()
    }

    @Test func `any number of small segments become one, some at a time`() async throws {
        for opening in 0..<230 {
            let store = try fixture.open(files)
            #expect(await store.append(try StoreFixture.submission("m\(opening)")).isStored)
            await store.close()
        }
        let store = try fixture.open(files)
        _ = try await store.compact()
        _ = try await store.compact()
        #expect(keys(files).count == 1)
        #expect(try store.all().map(\.id.value) == (0..<230).map { "m\($0)" })
        await store.close()
    }

    @Test func `there is nothing to do in a dataset without records`() async throws {
        let store = try fixture.open(files)
        #expect(try await store.compact() == 0)
        #expect(try await store.compact(isForced: true) == 0)
        #expect(try await store.erase([person("ada")]) { _ in true }.records == 0)
        #expect(try store.verify().problems == [])
        #expect(try store.repair() == [])
    }

    @Test func `erasing everything leaves nothing but what is known of the ids`() async throws {
        try await fill(files)
        let store = try fixture.open(files)
        #expect(try await store.erase([person("ada"), person("bob")]) { _ in true }.records == 20)
        #expect(try store.all().isEmpty)
        #expect(store.totals.records == 0)
        #expect(await store.append(try StoreFixture.submission("new")).isStored)
        #expect(try store.all().map(\.sequence) == [21])
        await store.close()
        #expect(try fixture.open(files).all().map(\.id.value) == ["new"])
    }

    @Test func `compaction leaves what it cannot read as it is: it may be readable again`() async throws {
        try await fill(files)
        let data = try #require(files.paths.first { $0.extension == "segment" })
        let store = try fixture.open(files)
        files.flip(data, at: 4096 + 200)
        #expect(try await store.compact() == 1, "the other day is compressed")
        #expect(try store.all().count == 19)
        files.flip(data, at: 4096 + 200)
        #expect(try store.all().count == 20)
        #expect(try await store.compact() == 1)
        #expect(try store.all().count == 20)
    }

    @Test func `erasure leaves out what nobody can read of a segment that may hold the person`() async throws {
        try await fill(files)
        let data = try #require(files.paths.first { $0.extension == "segment" })
        let store = try fixture.open(files)
        files.flip(data, at: 200)
        #expect(try await store.erase([person("ada")]) { _ in true }.records == 11)
        #expect(!files.paths.contains(data))
        #expect(store.lost(after: 0, through: .max) == 1)
        await store.close()
        #expect(try fixture.open(files).lost(after: 0, through: .max) == 1)
    }

    @Test func `an erasure that failed at any operation is done when it is asked for again, and not before`() async throws {
        var failures = 0
        for operation in 0..<200 {
            let files = SimulatedFiles()
            try await fill(files)
            let store = try fixture.open(files)
            await store.close()
            let open = try fixture.open(files)
            let old = Set(keys(files))
            files.fail(at: files.operations + operation, .fail(.ioError))
            let before = files.operations
            do {
                _ = try await open.erase([person("ada")]) { _ in true }
                guard files.operations > before + operation else { break }
            } catch {
                failures += 1
                _ = try await open.erase([person("ada")]) { _ in true }
            }
            #expect(old.isDisjoint(with: keys(files)), "operation \(operation): all of these held the person")
            #expect(keys(files).count == 4 && files.paths.count == 12, "operation \(operation): \(files.paths)")
            let left = try open.all()
            #expect(left.count == 8 && !left.contains(where: isOfAda), "operation \(operation)")
            await open.close()
            #expect(try fixture.open(files).all() == left, "operation \(operation)")
        }
        #expect(failures > 20)
    }

    @Test func `what came after an erasure was asked for is not looked at`() async throws {
        try await fill(files)
        let store = try fixture.open(files)
        let erasure = try await store.erase([person("ada")]) { _ in true }
        let new = try StoreFixture.submission("new", content: "of ada", group: "ada", terms: [person("ada")])
        #expect(await store.append(new).isStored)
        #expect(erasure.throughSequence == 20)
        #expect(try store.all().filter(isOfAda).map(\.sequence) == [21])
    }

    @Test func `no power cut while segments are rewritten loses a record, brings an erased one back, or leaves a file`()
        async throws
    {
        let seed = testSeed()
        try await fill(files)
        let before = try fixture.open(files).all()
        for operation in 0... {
            let files = self.files.afterPowerCut(.everything)
            files.fail(at: operation, .stop)
            let erased: Bool
            if let store = try? fixture.open(files) {
                erased =
                    (try? await store.erase([person("ada")]) { record in
                        String(decoding: record.payload, as: UTF8.self).contains("of ada")
                    }) != nil
                if erased { _ = try? await store.compact() }
            } else {
                erased = false
            }
            let random = seed &+ UInt64(operation)
            let remains: [SimulatedFiles.Remains] = [.some(seed: random), .torn(seed: random), .garbage(seed: random)]
            for remains in [.nothing, .everything, remains[operation % 3]] {
                let context = "operation \(operation), \(remains), SEED=\(seed)"
                let found = files.afterPowerCut(remains)
                let store = try fixture.open(found)
                let records = try store.all()
                let withoutAda = before.filter { !isOfAda($0) }
                if erased { #expect(records == withoutAda, "\(context)") }
                #expect(records.filter { !isOfAda($0) } == withoutAda, "\(context)")
                #expect(Set(records).isSubset(of: before), "\(context)")
                #expect(store.recoveryReports == [], "\(context)")
                let segments = Int(store.totals.segments)
                await store.close()
                var kinds: [Substring: [Substring]] = [:]
                for path in found.paths.map(\.string) {
                    let name = (path.split(separator: "/").last ?? "").split(separator: ".")
                    kinds[name[0], default: []].append(name[1])
                }
                #expect(kinds.values.allSatisfy { $0.sorted() == ["index", "key", "segment"] }, "\(kinds), \(context)")
                #expect(kinds.count == segments, "what was replaced is gone: \(context)")
            }
            if files.operations <= operation { break }
        }
    }
}
