import Dataset
import Model
import SystemPackage
import TestSupport
import Testing

/// What there is to see of a dataset, beside exporting it.
@Suite struct ContentsTests {
    let fixture = StoreFixture()

    @Test func `records are read backwards from the newest, and only what is visible`() async throws {
        let store = try fixture.open(SimulatedFiles())
        for id in ["a", "b"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        fixture.time.advance(hours: 24)
        for id in ["c", "d"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        func backwards() throws -> [String] {
            var found: [StoredRecord] = []
            while let batch = try store.previousBatch(before: found.last?.sequence ?? .max) { found += batch.reversed() }
            return found.map(\.id.value)
        }
        #expect(try backwards() == ["d", "c", "b", "a"])
        #expect(try store.previousBatch(before: 3)?.map(\.id.value) == ["b"])
        #expect(try store.previousBatch(before: 1) == nil)
        fixture.time.advance(hours: 3 * 24)
        #expect(try backwards() == ["d", "c"])
    }

    @Test func `the contents are counted by days, and what has expired is not`() async throws {
        let store = try fixture.open(SimulatedFiles())
        #expect(store.contents.days.isEmpty && store.contents.firstSequence == 0)
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        fixture.time.advance(hours: 24)
        for id in ["b", "c"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        let days = store.contents.days.sorted { $0.key < $1.key }
        #expect(days.map { "\($0.key)" } == ["2026-11-23", "2026-11-24"])
        #expect(days.map(\.value.records) == [1, 2])
        #expect(days.allSatisfy { $0.value.segments == 1 && $0.value.bytes > 0 })
        #expect((store.contents.firstSequence, store.contents.lastSequence) == (1, 3))
        fixture.time.advance(hours: 3 * 24)
        #expect(store.contents.days.values.map(\.records) == [2])
        #expect(store.contents.firstSequence == 2)
    }

    @Test func `a dataset whose last write failed is not healthy until one succeeds`() async throws {
        let probe = SimulatedFiles()
        #expect(await (try fixture.open(probe)).append(try StoreFixture.submission("a")).isStored)
        let store = try fixture.open(SimulatedFiles(faults: [probe.operations: .fail(.ioError)]))
        #expect(await store.append(try StoreFixture.submission("a")).isStored)
        #expect(store.isHealthy)
        #expect(await store.append(try StoreFixture.submission("b")).failure == .io)
        #expect(!store.isHealthy)
        #expect(await store.append(try StoreFixture.submission("b")).isStored)
        #expect(store.isHealthy)
        await store.close()
        #expect(!store.isHealthy)
    }
}
