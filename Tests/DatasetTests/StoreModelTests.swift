import Dataset
import Disk
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

/// Datasets beside a model that is an array: whatever is done, in whatever order, on whatever day, both say the same.
@Suite struct StoreModelTests {
    /// Days that are skipped or doubled, clocks that move by half an hour, offsets of quarter hours, daylight saving on both halves of the
    /// earth, and the ends of the world's days.
    static let zones = [
        "UTC", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Asia/Kathmandu", "Europe/Berlin",
        "America/New_York", "Pacific/Kiritimati", "Pacific/Chatham", "America/Santiago", "Asia/Gaza",
    ]

    private struct Kept {
        let id: String
        let submitter: UInt32
        let content: String
        let people: [Int]
        let group: Int
        let sequence: UInt64
        let ingestedAt: Instant
        let expiresAt: Instant
        var isErased = false
    }

    private struct World {
        let seed: UInt64
        var generator: SeededGenerator
        let files = SimulatedFiles()
        let time: ManualTime
        let fixture: StoreFixture
        var policy: RetentionPolicy
        var kept: [Kept] = []
        var floor: UInt64 = 0

        init(zone: String, seed: UInt64) throws {
            self.seed = seed
            generator = SeededGenerator(seed: seed)
            // A few days before its clocks change, or a day is skipped.
            let start = try Date.ISO8601FormatStyle().parse(
                zone == "Pacific/Apia" ? "2011-12-26T10:00:00Z" : "2026-03-25T10:00:00Z")
            time = ManualTime(Instant(milliseconds: Int64(start.timeIntervalSince1970) * 1000))
            fixture = StoreFixture(time: time)
            policy = RetentionPolicy(zone: try Zone(zone), retention: Retention(days: 3))
        }

        var visible: [Kept] { kept.filter { $0.expiresAt > time.now && !$0.isErased } }
        var known: [Kept] { kept.filter { $0.expiresAt > time.now } }

        mutating func pick(_ range: Range<Int>) -> Int { Int.random(in: range, using: &generator) }
    }

    private func person(_ number: Int) -> Term { Term(.recipient, "person \(number)") }

    @Test(arguments: StoreModelTests.zones)
    func `what a dataset shows is what an array would, through days, restarts, erasures and clocks that jump`(zone: String)
        async throws
    {
        var world = try World(zone: zone, seed: testSeed())
        var store = try world.fixture.open(world.files, policy: world.policy)
        for _ in 0..<220 {
            switch world.pick(0..<20) {
            case 0..<9: try await ingest(store, &world)
            case 9: world.time.advance(milliseconds: Int64(world.pick(0..<40)) * 900_000)
            // A clock that was set back, as far as the daemon believes it.
            case 10: world.time.advance(milliseconds: -Int64(world.pick(0..<300)) * 1000)
            case 11:
                await store.close()
                store = try world.fixture.open(world.files, floor: world.floor, policy: world.policy)
            case 12:
                let opened = try world.fixture.open(world.files.afterPowerCut(.everything), policy: world.policy)
                try compare(opened, world, "opened without being closed")
            case 13: try await store.compact(isForced: world.pick(0..<4) == 0)
            case 14: try await erase(store, &world)
            case 15:
                world.floor = max(world.floor, store.highestSequence)
                try await store.destroy(store.expired)
            case 16:
                world.policy = RetentionPolicy(
                    zone: world.policy.zone, retention: Retention(days: Int.random(in: 1...5, using: &world.generator)))
                store.setPolicy(world.policy)
            default: try compare(store, world, "at work")
            }
        }
        try compare(store, world, "at the end")
        await store.close()
        #expect(world.kept.count > 50, "SEED=\(world.seed)")
    }

    private func ingest(_ store: RecordStore, _ world: inout World) async throws {
        let isRepeat = world.pick(0..<4) == 0
        let again = isRepeat ? world.kept.randomElement(using: &world.generator) : nil
        let id = again?.id ?? "m\(world.kept.count)"
        let submitter = again?.submitter ?? UInt32(1000 + world.pick(0..<2))
        let content = again.map { world.pick(0..<4) == 0 ? "other" : $0.content } ?? "content \(world.pick(0..<1000))"
        let people = again?.people ?? Array(Set((0..<world.pick(1..<4)).map { _ in world.pick(0..<6) })).sorted()
        let group = again?.group ?? world.pick(0..<3)
        let earlier = world.known.first { $0.id == id && $0.submitter == submitter }
        let answer = await store.append(
            try StoreFixture.submission(
                id, content: content, submitter: submitter, group: "\(group)", terms: people.map(person)))
        let context = "\(id), SEED=\(world.seed)"
        if let earlier {
            if earlier.content == content {
                let expected = RecordStore.Appended.duplicate(ingestedAt: earlier.ingestedAt, expiresAt: earlier.expiresAt)
                #expect(try answer.get() == expected, "\(context)")
            } else {
                #expect(answer.failure == .conflict, "\(context)")
            }
            return
        }
        guard case .success(.stored(let ingestedAt, let expiresAt)) = answer else {
            return #expect(Bool(false), "\(answer), \(context)")
        }
        #expect(ingestedAt >= world.time.now || ingestedAt >= world.kept.last?.ingestedAt ?? ingestedAt, "\(context)")
        let day = world.policy.zone.day(containing: ingestedAt)
        #expect(expiresAt >= Retention(days: 1).expiry(of: day, in: world.policy.zone), "\(context)")
        world.kept.append(
            Kept(
                id: id, submitter: submitter, content: content, people: people, group: group, sequence: store.highestSequence,
                ingestedAt: ingestedAt, expiresAt: expiresAt))
    }

    private func erase(_ store: RecordStore, _ world: inout World) async throws {
        let who = world.pick(0..<6)
        let expected = world.visible.count { $0.people.contains(who) }
        #expect(try await store.erase([person(who)]) { _ in true }.records == UInt64(expected), "SEED=\(world.seed)")
        for index in world.kept.indices where world.kept[index].people.contains(who) { world.kept[index].isErased = true }
    }

    private func compare(_ store: RecordStore, _ world: World, _ when: Comment) throws {
        let context: Comment = "\(when), \(world.time.now), SEED=\(world.seed)"
        let visible = world.visible
        let all = try store.all()
        #expect(all.map(\.sequence) == visible.map(\.sequence), context)
        #expect(all.map(\.id.value) == visible.map(\.id) && all.map(\.expiresAt) == visible.map(\.expiresAt), context)
        #expect(store.totals.records == UInt64(visible.count), context)
        let days = Dictionary(grouping: visible) { $0.expiresAt }
        #expect(store.contents.days.values.reduce(0) { $0 + $1.records } == UInt64(visible.count) && days.count >= 0, context)
        for group in 0..<3 {
            let counted = store.contents.days.values.reduce(0) { $0 + ($1.groups[Term(.configuration, "\(group)")] ?? 0) }
            #expect(counted == UInt64(visible.count { $0.group == group }), context)
        }
        for who in 0..<6 {
            var search = RecordSearch(store, terms: [[person(who)]])
            var found: [UInt64] = []
            while let next = try search.next() { found += next.map(\.sequence) }
            #expect(found == visible.filter { $0.people.contains(who) }.map(\.sequence), context)
        }
        if let middle = visible.dropFirst(visible.count / 2).first {
            var search = RecordSearch(
                store, terms: [[person(0), person(1)], [Term(.configuration, "1")]], since: middle.ingestedAt,
                after: visible[0].sequence)
            var found: [UInt64] = []
            while let next = try search.next() { found += next.map(\.sequence) }
            let expected = visible.filter {
                $0.ingestedAt >= middle.ingestedAt && $0.group == 1 && ($0.people.contains(0) || $0.people.contains(1))
                    && $0.sequence > visible[0].sequence
            }
            #expect(found == expected.map(\.sequence), context)
            var backwards: [UInt64] = []
            while let batch = try store.previousBatch(before: backwards.last ?? .max) {
                backwards += batch.map(\.sequence).reversed()
            }
            #expect(backwards == visible.map(\.sequence).reversed(), context)
            let expectedIDs = visible.filter { $0.id == middle.id }.map(\.sequence)
            #expect(try store.sequences(of: MessageID(middle.id)) == expectedIDs, context)
        }
        #expect(store.recoveryReports.allSatisfy { $0.contains("possibly acknowledged") }, context)
    }
}
