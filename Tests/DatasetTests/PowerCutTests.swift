import Dataset
import Disk
import Model
import SystemPackage
import TestSupport
import Testing

/// Stops the world at every operation of a small workload and looks at what is left.
@Suite struct PowerCutTests {
    let fixture = StoreFixture()

    /// What a workload was told.
    private struct Told {
        var sent: Set<String> = []
        var acknowledged: Set<String> = []
    }

    /// Two opens, two days, records alone and many at a time, a repeat.
    private func work(_ files: SimulatedFiles) async throws -> Told {
        var told = Told()
        let time = ManualTime()
        let fixture = StoreFixture(master: fixture.master, time: time)
        for opening in 0..<2 {
            guard let store = try? fixture.open(files) else { return told }
            for name in ["one", "two", "one"] {
                let id = "\(name)-\(opening)"
                told.sent.insert(id)
                let answer = await store.append(try StoreFixture.submission(id))
                if answer.isStored || answer.isDuplicate { told.acknowledged.insert(id) }
            }
            time.advance(hours: 24)
            let together = (0..<6).map { "many-\($0)-\(opening)" }
            told.sent.formUnion(together)
            let acknowledged = await withTaskGroup(of: String?.self) { group in
                for id in together {
                    group.addTask {
                        guard let submission = try? StoreFixture.submission(id) else { return nil }
                        return await store.append(submission).isStored ? id : nil
                    }
                }
                return await group.reduce(into: Set<String>()) { if let id = $1 { $0.insert(id) } }
            }
            told.acknowledged.formUnion(acknowledged)
            await store.close()
        }
        return told
    }

    /// The acknowledged ids that are not found after a power cut at some operation; also checks what must hold whatever is synced.
    private func explore(syncs: Bool, remains: (Int) -> [SimulatedFiles.Remains]) async throws -> (lost: Int, crashes: Int) {
        var lost = 0
        var crashes = 0
        for operation in 0... {
            let files = SimulatedFiles(faults: [operation: .stop], syncs: syncs)
            let told = try await work(files)
            for remains in remains(operation) {
                crashes += 1
                let found = files.afterPowerCut(remains)
                let store = try fixture.open(found)
                let records = try store.all()
                let ids = records.map(\.id.value)
                let context = "operation \(operation), \(remains)"
                #expect(Set(ids).count == ids.count, "found twice: \(context)")
                #expect(Set(ids).isSubset(of: told.sent), "found, but never sent: \(context)")
                for record in records {
                    #expect(
                        [record.payload] == (try StoreFixture.submission(record.id.value).body.payload), "changed: \(context)")
                }
                let onlyTails = store.recoveryReports.allSatisfy { $0.contains("possibly acknowledged") }
                #expect(!syncs || onlyTails, "damage reported where there is none: \(store.recoveryReports), \(context)")
                lost += told.acknowledged.subtracting(ids).count
                // What was served once stays: cut the power again.
                #expect(await store.append(try StoreFixture.submission("afterwards")).isStored)
                let again = try fixture.open(found.afterPowerCut(.nothing)).all().map(\.id.value)
                #expect(again == ids + ["afterwards"], "after the second power cut: \(context)")
            }
            if files.operations <= operation { break }
        }
        return (lost, crashes)
    }

    @Test func `no power cut loses an acknowledged record, whatever of the unsynced it leaves`() async throws {
        let seed = testSeed()
        let (lost, crashes) = try await explore(syncs: true) { operation in
            [
                .nothing, .everything, .some(seed: seed &+ UInt64(operation)), .torn(seed: seed &+ UInt64(operation)),
                .garbage(seed: seed &+ UInt64(operation)),
            ]
        }
        #expect(lost == 0, "SEED=\(seed)")
        #expect(crashes > 100, "the workload is explored at every operation")
    }

    @Test func `without syncs the same power cuts lose records, so the test above would notice`() async throws {
        let (lost, _) = try await explore(syncs: false) { _ in [.nothing] }
        #expect(lost > 0)
    }

    @Test func `no power cut while expired segments are destroyed loses another record, or brings one back`() async throws {
        let seed = testSeed()
        for operation in 0... {
            let time = ManualTime()
            let fixture = StoreFixture(master: fixture.master, time: time)
            let files = SimulatedFiles()
            let store = try fixture.open(files)
            #expect(await store.append(try StoreFixture.submission("old")).isStored)
            time.advance(hours: 24)
            #expect(await store.append(try StoreFixture.submission("older than new")).isStored)
            time.advance(hours: 72)
            #expect(await store.append(try StoreFixture.submission("new")).isStored)
            #expect(store.expired.map(\.records) == [1])
            // What is done on the writer's thread before this, the indexes of the days that ended, is done when it returns.
            try await store.destroy([])
            let base = files.operations
            files.fail(at: base + operation, .stop)
            try? await store.destroy(store.expired)
            for remains in [SimulatedFiles.Remains.nothing, .everything, .some(seed: seed &+ UInt64(operation))] {
                let found = files.afterPowerCut(remains)
                let again = try fixture.open(found, floor: 3)
                #expect(try again.all().map(\.id.value) == ["older than new", "new"], "operation \(operation), SEED=\(seed)")
                #expect(again.recoveryReports.isEmpty, "\(again.recoveryReports), operation \(operation), SEED=\(seed)")
                try await again.destroy(again.expired)
                #expect(again.expired.isEmpty)
                let left = try ["/data/keys/s/1", "/data/datasets/s/1"].flatMap { try found.list(FilePath($0)) }
                #expect(left.allSatisfy { !$0.hasPrefix("2026-11-23") }, "\(left), operation \(operation), SEED=\(seed)")
                #expect(left.count { $0.hasSuffix(".key") || $0.hasSuffix(".segment") } == 4, "\(left), SEED=\(seed)")
                #expect(await again.append(try StoreFixture.submission("old")).isStored, "its id is free again")
                await again.close()
            }
            if files.operations <= base + operation { break }
        }
    }
}
