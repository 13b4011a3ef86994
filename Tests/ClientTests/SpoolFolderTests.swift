import Disk
import Messages
@testable import MessageExportClient
import Model
import SealedBox
import SystemPackage
import TestSupport
import Testing

/// What a spool's folder promises, on a file system that forgets what was not synced.
@Suite struct SpoolFolderTests {
    private let folder: FilePath = "/spool"
    private let key = SealedBox.KeyPair.random()
    private let time = Instant(milliseconds: 1_795_435_200_000)

    private func put(_ text: String, _ spool: SpoolFolder) throws(Status) {
        guard let box = SealedBox.seal(Array(text.utf8), to: key.publicKey) else { throw Status(.internal, "not sealed") }
        try spool.put(box, sealedTo: key.publicKey, at: time)
    }

    /// All entries, opened.
    private func contents(_ files: SimulatedFiles) throws -> [String] {
        let spool = try SpoolFolder(Spool(folder: folder), files: files)
        return try spool.waiting().map { name in
            let entry = try #require(try spool.read(name))
            #expect(entry.publicKey == key.publicKey)
            return String(decoding: try #require(SealedBox.open(entry.box, key)), as: UTF8.self)
        }
    }

    @Test func `what was put in is there after a power cut at any moment, whole and in order; nothing is there in part`() throws {
        let counting = SimulatedFiles()
        try work(counting)
        for seed in [testSeed(), testSeed()] {
            for operation in 0..<counting.operations {
                for fault in [SimulatedFiles.Fault.stop, .fail(.ioError), .fail(.noSpace)] {
                    let files = SimulatedFiles(faults: [operation: fault])
                    var done: [String] = []
                    try? work(files) { done.append($0) }
                    for remains in [SimulatedFiles.Remains.nothing, .everything, .torn(seed: seed), .garbage(seed: seed)] {
                        let found = try contents(files.afterPowerCut(remains))
                        #expect(found.filter(done.contains) == done, "operation \(operation), \(fault), \(remains)")
                        #expect(Set(found).isSubset(of: ["one", "two", "three"]) && Set(found).count == found.count)
                    }
                }
            }
        }
    }

    private func work(_ files: SimulatedFiles, done: (String) -> Void = { _ in }) throws {
        let spool = try SpoolFolder(Spool(folder: folder), files: files)
        for text in ["one", "two", "three"] {
            do throws(Status) {
                try put(text, spool)
                done(text)
            } catch {
                #expect(error.code == .resourceExhausted || error.code == .unavailable)
            }
        }
    }

    @Test func `it takes no more than it was told, counts what was refused, and has room again when something leaves`() throws {
        let files = SimulatedFiles()
        let spool = try SpoolFolder(Spool(folder: folder, entries: 3), files: files)
        for text in ["one", "two", "three"] { try put(text, spool) }
        try spool.setAside(try spool.waiting()[0])
        #expect(throws: Status.self) { try put("four", spool) }
        #expect(try contents(files) == ["two", "three"])
        #expect(try spool.discardRefused() == 1)
        try put("four", spool)
        let bytes = try spool.content().bytes
        let other = try SpoolFolder(Spool(folder: folder, bytes: bytes + 10), files: files)
        let refusal = #expect(throws: Status.self) { try put("five", other) }
        #expect(refusal?.code == .resourceExhausted)
        #expect(try contents(files) == ["two", "three", "four"])
    }

    @Test func `what was refused can be tried again, in its place`() throws {
        let files = SimulatedFiles()
        let spool = try SpoolFolder(Spool(folder: folder), files: files)
        for text in ["one", "two"] { try put(text, spool) }
        try spool.setAside(try spool.waiting()[0])
        #expect(try contents(files) == ["two"])
        try spool.takeUpRefused()
        #expect(try contents(files) == ["one", "two"])
    }

    @Test func `what is no entry is passed over, and what is damaged is told of`() throws {
        let files = SimulatedFiles()
        let spool = try SpoolFolder(Spool(folder: folder), files: files)
        try put("one", spool)
        let entries = folder.appending("entries")
        for name in ["note", "0000000000000001-1-5.entry.new", "x-1-5.entry", "0000000000000001-1--5.entry"] {
            _ = try files.create(entries.appending(name))
        }
        let empty = SpoolFolder.Name(microseconds: 1, bytes: 5)
        _ = try files.create(entries.appending(empty.text))
        #expect(try spool.waiting().count == 2)
        let damage = #expect(throws: Status.self) { try spool.read(empty) }
        #expect(damage?.code == .dataLoss)
        #expect(try spool.waiting(unfinishedSince: time).count == 2)
        #expect(try files.list(entries).filter { $0.hasSuffix(".new") }.isEmpty)
    }

    @Test(arguments: [(0, 1000), (50, 1000), (500, 10_000), (60_000, 1_200_000)] as [(Int64, Int64)])
    func `looks at a folder take a twentieth of the time at most, however much is in it`(_ look: Int64, _ pause: Int64) {
        #expect(SpoolFolder.pause(after: look) == pause)
    }
}
