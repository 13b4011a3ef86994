import Model
import SystemPackage
import TestSupport
import Testing

@testable import Dataset

/// What is known of records without reading them: in memory, and in index files.
@Suite struct IndexTests {
    let fixture = StoreFixture()

    @Test func `the table of ids tells of each id its segments, and of others nearly always nothing`() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        var table = IDTable()
        var expected: [Fingerprint: IDTable.Slot] = [:]
        for _ in 0..<50_000 {
            let fingerprint = Fingerprint(high: generator.next(), low: generator.next())
            let slot = IDTable.Slot.random(in: 1...9, using: &generator)
            table.insert(fingerprint, slot)
            expected[fingerprint] = slot
        }
        #expect(expected.allSatisfy { table.slots(of: $0).contains($1) }, "SEED=\(seed)")
        let strangers = (0..<50_000).count { _ in
            !table.slots(of: Fingerprint(high: generator.next(), low: generator.next())).isEmpty
        }
        #expect(strangers <= 1, "SEED=\(seed)")
        #expect(table.count == 50_000)
        #expect(table.bytes < 16 * 50_000 + 256 * 128, "\(table.bytes) bytes")
    }

    @Test func `a list that grows leaves the copies of it as they were`() {
        var log = Log<Int>()
        var copies: [(Log<Int>, Int)] = []
        for number in 0..<5000 {
            if number % 700 == 0 { copies.append((log, number)) }
            log.append(number)
        }
        for (copy, count) in copies + [(log, 5000)] {
            var all: [Int] = []
            copy.forEach { all.append($0) }
            #expect(all == Array(0..<count) && copy.count == count)
            #expect(copy.partitionPoint { $0 >= count / 2 } == count / 2)
        }
    }

    @Test func `an index file says what the one in memory said, whatever is in it`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let master = MasterKey.random().key
        for count in [0, 1, 2, 170, 171, 205, 3000] {
            let files = SimulatedFiles()
            try files.createFolder(StoreFixture.folders.dataFolder)
            let identity = SegmentIdentity(
                id: .random(), sandbox: "s", epoch: 1, zone: "UTC", day: Day(number: 20_000), expiry: Instant(milliseconds: 9))
            let (index, ids) = random(count, using: &generator)
            let segment = Segment(
                identity: identity, keys: .random(), folders: StoreFixture.folders, files: files, index: .open(index))
            let sealed = try Sealing.run(segment, index, ids)
            var read = segment
            read.index = .sealed(sealed)
            #expect(read.records == segment.records && read.size == segment.size && read.groups == segment.groups)
            #expect(read.firstSequence == segment.firstSequence && read.lastSequence == segment.lastSequence)
            #expect(read.lost == segment.lost && Set(read.submitters) == Set(segment.submitters) && read.times == segment.times)
            for sequence in Swift.stride(from: UInt64(90), to: 110 + UInt64(count) * 3, by: 1 + count / 100) {
                #expect(try read.batch(after: sequence) == segment.batch(after: sequence), "\(sequence), SEED=\(seed)")
                #expect(try read.batch(before: sequence) == segment.batch(before: sequence), "\(sequence), SEED=\(seed)")
            }
            for term in (0..<8).map({ Term(fingerprint: $0 << 60) }) {
                #expect(try read.sequences(of: term) == segment.sequences(of: term), "SEED=\(seed)")
            }
            for (fingerprint, known) in ids.all { #expect(try sealed.known(fingerprint) == known, "SEED=\(seed)") }
            #expect(try sealed.known(Fingerprint(high: generator.next(), low: 1)) == nil)
            var all = 0
            try sealed.forEachIDs { all += $0.count }
            #expect(all == ids.count)
            #expect(throws: DatasetError.self, "of another segment") {
                try SealedIndex(
                    StoreFixture.folders.index(identity.fileName),
                    identity: SegmentIdentity(
                        id: identity.id, sandbox: "t", epoch: 1, zone: "UTC", day: identity.day, expiry: identity.expiry),
                    keys: segment.keys, files: files)
            }
        }
        _ = master
    }

    private func random(_ count: Int, using generator: inout SeededGenerator) -> (OpenIndex, OpenIDs) {
        var index = OpenIndex()
        var ids = OpenIDs()
        var sequence: UInt64 = 100
        var offset: Int64 = 0
        for number in 0..<count {
            let records = UInt32.random(in: 1...3, using: &generator)
            let batch = BatchLocation(
                offset: offset, firstSequence: sequence, lastSequence: sequence + UInt64(records) - 1,
                ingestedAt: Instant(milliseconds: Int64(number) * 10), count: records, sealedSize: 5000, plainSize: 7000)
            index.append(batch)
            offset += batch.extent
            for _ in 0..<records {
                index.append(
                    sequence: sequence, ingestedAt: batch.ingestedAt, submitter: UInt32(number % 3),
                    group: Term(fingerprint: UInt64(number % 2) << 60), terms: [Term(fingerprint: (2 + sequence % 6) << 60)])
                ids[Fingerprint(high: generator.next(), low: generator.next())] = KnownRecord(
                    content: Fingerprint(high: generator.next(), low: 7), sequence: sequence, ingestedAt: batch.ingestedAt)
                sequence += 1
            }
            if Int.random(in: 0..<4, using: &generator) == 0 { sequence += 1 }
        }
        if count > 1 { index.lost.append(3...5) }
        return (index, ids)
    }

    @Test func `ids whose fingerprints begin alike are told apart, over the ends of blocks too`() throws {
        let files = SimulatedFiles()
        try files.createFolder(StoreFixture.folders.dataFolder)
        let identity = SegmentIdentity(
            id: .random(), sandbox: "s", epoch: 1, zone: "UTC", day: Day(number: 20_000), expiry: Instant(milliseconds: 9))
        var ids = OpenIDs()
        for low in 0..<1000 as Range<UInt64> {
            ids[Fingerprint(high: 42, low: low)] = KnownRecord(
                content: Fingerprint(high: low, low: low), sequence: low, ingestedAt: Instant(milliseconds: 0))
        }
        let segment = Segment(
            identity: identity, keys: .random(), folders: StoreFixture.folders, files: files, index: .open(OpenIndex()))
        let sealed = try Sealing.run(segment, OpenIndex(), ids)
        for low in 0..<1000 as Range<UInt64> { #expect(try sealed.known(Fingerprint(high: 42, low: low))?.sequence == low) }
        #expect(try sealed.known(Fingerprint(high: 42, low: 5000)) == nil)
    }
}
