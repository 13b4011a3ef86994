import Dataset
import Model
import TestSupport
import Testing

/// How much a sandbox may have.
@Suite struct QuotaTests {
    let fixture = StoreFixture()
    let files = SimulatedFiles()

    @Test func `a day has no more records than it may, and the next one begins anew`() async throws {
        let store = try fixture.open(files)
        store.setQuotas(.init(recordsPerDay: 3))
        for id in ["a", "b", "c"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        #expect(await store.append(try StoreFixture.submission("d")).failure == .quota)
        #expect(await store.append(try StoreFixture.submission("a")).isDuplicate, "what is there is no more than what is there")
        await store.close()
        let again = try fixture.open(files)
        again.setQuotas(.init(recordsPerDay: 3))
        #expect(await again.append(try StoreFixture.submission("d")).failure == .quota, "also after a restart")
        fixture.time.advance(hours: 12)
        #expect(await again.append(try StoreFixture.submission("d")).isStored)
        again.setQuotas(.init())
        for index in 0..<5 { #expect(await again.append(try StoreFixture.submission("free \(index)")).isStored) }
    }

    @Test func `a second has no more records than it may`() async throws {
        let store = try fixture.open(files)
        store.setQuotas(.init(recordsPerSecond: 2))
        for id in ["a", "b"] { #expect(await store.append(try StoreFixture.submission(id)).isStored) }
        #expect(await store.append(try StoreFixture.submission("c")).failure == .quota)
        fixture.time.advance(milliseconds: 1000)
        #expect(await store.append(try StoreFixture.submission("c")).isStored)
    }

    @Test func `a sandbox stores no more bytes than it may, until something expires`() async throws {
        let store = try fixture.open(files)
        let large = String(repeating: "x", count: 10_000)
        store.setQuotas(.init(bytes: 30_000))
        for id in ["a", "b"] { #expect(await store.append(try StoreFixture.submission(id, content: large)).isStored) }
        #expect(await store.append(try StoreFixture.submission("c", content: large)).failure == .quota)
        fixture.time.advance(hours: 24 * 5)
        _ = store.expired
        #expect(await store.append(try StoreFixture.submission("c", content: large)).isStored)
    }
}
