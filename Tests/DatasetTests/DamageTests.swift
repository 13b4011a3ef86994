import Dataset
import Disk
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

/// Whether tests that try each of very many things try them all.
private let flipsAll = ProcessInfo.processInfo.environment["ALL"] != nil

/// Bytes on disk that are not what was written there.
@Suite struct DamageTests {
    let fixture = StoreFixture()
    let files = SimulatedFiles()

    /// Five records, one to a batch, in one segment; its index is written where it is closed.
    private func fill(isClosed: Bool = false) async throws -> (key: FilePath, data: FilePath) {
        let store = try fixture.open(files)
        for index in 1...5 { #expect(await store.append(try StoreFixture.submission("m\(index)")).isStored) }
        if isClosed { await store.close() }
        let key = try #require(files.paths.first { $0.extension == "key" })
        let data = try #require(files.paths.first { $0.extension == "segment" })
        return (key, data)
    }

    @Test(arguments: [0, 8, 40, 70, 90, 100, 150])
    func `a flipped bit in a batch loses that batch alone and is reported`(offset: Int) async throws {
        let data = try await fill().data
        files.flip(data, at: 2 * 4096 + offset)
        let store = try fixture.open(files)
        #expect(try store.all().map(\.id.value) == ["m1", "m2", "m4", "m5"])
        #expect(store.recoveryReports.count == 1)
        #expect(store.recoveryReports.first?.contains("damaged at byte 8192") == true, "\(store.recoveryReports)")
    }

    @Test func `a last batch that does not open is cut and reported as possibly acknowledged`() async throws {
        let data = try await fill().data
        files.flip(data, at: 4 * 4096 + 120)
        let store = try fixture.open(files)
        #expect(try store.all().count == 4)
        #expect(store.recoveryReports.first?.contains("possibly acknowledged") == true, "\(store.recoveryReports)")
        #expect(await store.append(try StoreFixture.submission("new")).isStored)
        #expect(try store.all().last?.sequence == 6, "the sequence of an unreadable record is not given again")
    }

    @Test func `a batch whose blocks are all zero is missed by the next one and reported`() async throws {
        let data = try await fill().data
        files.zero(data, 4096..<8192)
        let store = try fixture.open(files)
        #expect(try store.all().map(\.id.value) == ["m1", "m3", "m4", "m5"])
        #expect(store.recoveryReports.first?.contains("damaged at byte 4096") == true, "\(store.recoveryReports)")
    }

    @Test(arguments: [0, 4096, 3 * 4096])
    func `a sector that cannot be read loses its batch alone and does not stop the start`(offset: Int) async throws {
        let data = try await fill().data
        files.spoil(data, at: offset)
        let store = try fixture.open(files)
        #expect(try store.all().count == 4)
        #expect(store.recoveryReports.first?.contains("damaged at byte \(offset)") == true, "\(store.recoveryReports)")
    }

    @Test func `a sector of one copy of a key that cannot be read does no harm`() async throws {
        let key = try await fill().key
        files.spoil(key, at: 0)
        #expect(try fixture.open(files).all().count == 5)
    }

    @Test func `how many records of a window are lost is known`() async throws {
        let data = try await fill().data
        files.flip(data, at: 2 * 4096 + 150)
        let store = try fixture.open(files)
        #expect(store.lost(after: 0, through: 5) == 1)
        #expect(store.lost(after: 3, through: 5) == 0)
        #expect(try store.count(after: 0, through: 5) == 4)
    }

    @Test func `damage found while reading is an error of its own that names the place`() async throws {
        let store = try fixture.open(files)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        files.flip(try #require(files.paths.first { $0.extension == "segment" }), at: 130)
        let error = #expect(throws: DatasetError.self) { try store.find(try MessageID("a")) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("byte 0") == true)
    }

    @Test func `one damaged copy of a key does no harm, two make the segment unreadable and are reported`() async throws {
        let key = try await fill().key
        files.flip(key, at: 60)
        #expect(try fixture.open(files).all().count == 5)
        files.flip(key, at: 4096 + 60)
        let store = try fixture.open(files)
        #expect(try store.all().isEmpty)
        #expect(store.recoveryReports.first?.contains("damaged in both copies") == true, "\(store.recoveryReports)")
    }

    @Test func `another master key is its own error, never corruption`() async throws {
        _ = try await fill()
        let other = StoreFixture(time: fixture.time)
        let error = #expect(throws: DatasetError.self) { try other.open(files) }
        #expect(error?.code == .wrongMasterKey)
    }

    @Test func `a key file of a newer version is its own error`() async throws {
        let key = try await fill().key
        files.flip(key, at: 8)
        files.flip(key, at: 4096 + 8)
        let error = #expect(throws: DatasetError.self) { try fixture.open(files) }
        #expect(error?.code == .unsupportedVersion)
    }

    @Test func `a segment of another sandbox is not served`() async throws {
        _ = try await fill()
        let store = try fixture.open(files, sandbox: "other")
        #expect(try store.all().isEmpty)
        #expect(store.recoveryReports.first?.contains("belongs to another dataset") == true)
    }

    @Test func `a data file without its key is reported and never shown`() async throws {
        let key = try await fill().key
        try files.remove(key)
        let store = try fixture.open(files)
        #expect(try store.all().isEmpty)
        #expect(store.recoveryReports.first?.contains("has no key file") == true)
    }

    @Test func `any damage is survived: the start reports, what is shown is what was written, and writing goes on`() async throws
    {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let (key, data) = try await fill()
        for _ in 0..<200 {
            let damaged = files.afterPowerCut(.everything)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let path = Int.random(in: 0..<4, using: &generator) == 0 ? key : data
                damaged.flip(path, at: Int.random(in: 0..<damaged.content(path).count, using: &generator))
            }
            let store: RecordStore
            do {
                store = try fixture.open(damaged)
            } catch let error as DatasetError {
                #expect([.wrongMasterKey, .unsupportedVersion].contains(error.code), "\(error), SEED=\(seed)")
                continue
            }
            for record in try store.all() {
                #expect([record.payload] == (try StoreFixture.submission(record.id.value).body.payload), "SEED=\(seed)")
            }
            #expect(await store.append(try StoreFixture.submission("new")).isStored, "SEED=\(seed)")
        }
    }

    /// Every byte, or every so many-th one, of every file of a small dataset that was closed.
    private func forEachByte(every step: Int, from start: Int, _ body: (FilePath, Int, SimulatedFiles) async throws -> Void)
        async throws
    {
        _ = try await fill(isClosed: true)
        for path in files.paths {
            for offset in stride(from: start, to: files.content(path).count, by: step) {
                files.flip(path, at: offset)
                try await body(path, offset, files)
                files.flip(path, at: offset)
            }
        }
    }

    @Test func `each flipped byte of a dataset is found by verifying it`() async throws {
        _ = try await fill(isClosed: true)
        let store = try fixture.open(files)
        let verified = try store.verify()
        #expect(verified.problems == [] && verified.records == 5 && verified.segments == 1 && verified.batches == 5)
        // All of them take minutes: `make crash` tries them, here it is some.
        let step = flipsAll ? 1 : 29
        var flips = 0
        for path in files.paths {
            // Behind the last batch there may be anything: what a stop left, and zeros written ahead.
            let end = path.extension == "segment" ? 5 * 4096 : files.content(path).count
            for offset in stride(from: flipsAll ? 0 : Int(testSeed() % 29), to: end, by: step) {
                files.flip(path, at: offset)
                flips += 1
                let problems = try store.verify().problems
                #expect(!problems.isEmpty, "\(path), byte \(offset)")
                files.flip(path, at: offset)
            }
        }
        #expect(try store.verify().problems == [])
        #expect(flips > 40_000 / step, "\(flips)")
    }

    @Test func `each flipped byte loses at most its batch: of keys and indexes nothing`() async throws {
        let step = flipsAll ? 1 : 61
        let start = flipsAll ? 0 : Int(testSeed() % 61)
        try await forEachByte(every: step, from: start) { path, offset, files in
            let found = files.afterPowerCut(.everything)
            let store = try fixture.open(found)
            let ids = try store.all().map(\.id.value)
            let expected = ["m1", "m2", "m3", "m4", "m5"]
            let damaged = path.extension == "segment" ? offset / 4096 : nil
            let left = expected.indices.filter { $0 != damaged }.map { expected[$0] }
            #expect(ids == expected || ids == left, "\(path), byte \(offset): \(ids)")
            let again = try await store.append(StoreFixture.submission("m1"))
            #expect(again.isDuplicate || damaged == 0, "\(path), byte \(offset)")
            #expect(await store.append(try StoreFixture.submission("new")).isStored, "\(path), byte \(offset)")
            await store.close()
        }
    }

    @Test func `an index that is mended is whole, however often`() async throws {
        _ = try await fill(isClosed: true)
        let index = try #require(files.paths.first { $0.extension == "index" })
        let store = try fixture.open(files)
        for round in 0..<300 {
            files.flip(index, at: 9000)
            #expect(try store.repair().count == 1, "round \(round)")
            #expect(try store.verify().problems == [], "round \(round)")
        }
        await store.close()
    }

    @Test func `what can be mended is mended, and what cannot is told`() async throws {
        let (key, data) = try await fill(isClosed: true)
        let index = try #require(files.paths.first { $0.extension == "index" })
        files.flip(key, at: 60)
        files.flip(index, at: 9000)
        files.flip(data, at: 4096 + 150)
        var store = try fixture.open(files)
        #expect(try store.verify().problems.count == 3)
        #expect(try store.repair().count == 2)
        let problems = try store.verify().problems
        #expect(problems.count == 1 && problems[0].contains("sequences 2 to 2"), "\(problems)")
        await store.close()
        store = try fixture.open(files)
        #expect(try store.all().map(\.id.value) == ["m1", "m3", "m4", "m5"])
        #expect(store.lost(after: 0, through: 5) == 1)
        files.flip(key, at: 4096 + 60)
        #expect(try fixture.open(files).all().count == 4, "the first copy was mended")
    }

    @Test func `no content, id or key of the master is on disk in the clear`() async throws {
        let store = try fixture.open(files)
        var generator = SeededGenerator(seed: testSeed())
        let marker = generator.bytes(24).map { String(UnicodeScalar(UInt8(ascii: "a") + $0 % 26)) }.joined()
        #expect(await store.append(try StoreFixture.submission("id-\(marker)", content: marker)).isStored)
        for path in files.paths {
            #expect(!String(decoding: files.content(path), as: UTF8.self).contains(marker), "\(path)")
        }
    }
}
