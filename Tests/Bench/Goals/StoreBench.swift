import Crypto
import Dataset
import Disk
import Foundation
import Glibc
import Model
import Synchronization
import SystemPackage
import TestSupport

/// What a day's end costs, and what records take on disk, beside PostgreSQL on the same content.
enum StoreBench {
    static func run(_ results: Results) async throws {
        try await withTemporaryFolder { folder in
            try await Databases.with(in: folder) { databases in
                try await expiry(folder, databases, results)
                try await size(folder, databases, results)
            }
        }
    }

    private static func open(_ folder: FilePath, _ name: String, _ time: ManualTime) throws -> RecordStore {
        try RecordStore(
            settings: .init(
                sandbox: name, epoch: 1,
                folders: DatasetFolders(keys: folder.appending("\(name)-keys"), data: folder.appending("\(name)-data")),
                policy: RetentionPolicy(zone: .utc, retention: Retention(days: 3)), sequenceFloor: 0),
            master: MasterKey.random().key, files: PosixFiles(), time: time)
    }

    /// Hands over all of them and waits until they are stored.
    private static func fill(_ store: RecordStore, _ count: Int, _ content: (Int) -> String) throws {
        let group = DispatchGroup()
        let failures = Atomic(0)
        for number in 0..<count {
            let payload = Array(content(number).utf8)
            group.enter()
            let submission = Submission(submitter: 1, id: try MessageID("m\(number)"), bytes: payload.count) {
                Submission.Body(
                    contentSHA256: Array(SHA256.hash(data: payload)), group: Term(.configuration, "c"),
                    terms: [Term(.recipient, "r\(number)")], payload: [payload])
            }
            let entry = RecordStore.Entry(submission) { result in
                if case .success(.stored) = result {} else { failures.add(1, ordering: .relaxed) }
                group.leave()
            }
            store.append([entry])
            if number % 10_000 == 9999 { group.wait() }
        }
        group.wait()
        guard failures.load(ordering: .relaxed) == 0 else { throw Status(.internal, "not all were stored") }
    }

    /// Records of the day, and bytes of each.
    private static let (expiring, expiringBytes) = (1_000_000, 2000)

    private static func expiry(_ folder: FilePath, _ databases: Databases, _ results: Results) async throws {
        var (gone, unreadable, deleted, few): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
        var unlinked: [Double] = []
        for round in 0..<Comparison.rounds {
            let whole = try await expire(folder, "expiry\(round)", expiring)
            gone.append(whole.gone)
            unreadable.append(whole.unreadable)
            few.append(try await expire(folder, "few\(round)", expiring / 10).gone)
            deleted.append(try await delete(databases))
            unlinked.append(try unlink(folder))
        }
        let postgres = Figure.Other(name: "PostgreSQL, DELETE and VACUUM", kind: .peer, values: deleted, goal: 0.01)
        try results.add(
            Figure(
                goal: "P6", title: "expiry of a day of 1 M records until nothing is readable", unit: "ms", better: .less,
                ours: unreadable, others: [postgres]))
        let unlink = Figure.Other(name: "unlink of as many bytes", kind: .limit, values: unlinked)
        try results.add(
            Figure(
                goal: "P6", title: "expiry of a day of 1 M records until its files are gone", unit: "ms", better: .less,
                ours: gone,
                others: [postgres, unlink]))
        try results.add(
            Figure(
                goal: "P6", title: "expiry of a day of 1 M records beside one of 100 k", unit: "ms", better: .less, ours: gone,
                others: [Figure.Other(name: "a day of 100 k records", kind: .peer, values: few, goal: 10)]))
    }

    /// Milliseconds until all keys of a day are gone, and until all is.
    private static func expire(_ folder: FilePath, _ name: String, _ count: Int) async throws -> (
        unreadable: Double, gone: Double
    ) {
        let time = ManualTime()
        let store = try open(folder, name, time)
        try fill(store, count) { _ in String(repeating: "x", count: expiringBytes) }
        time.advance(hours: 24 * 5)
        let keys = folder.appending("\(name)-keys").string
        let start = ContinuousClock.now
        async let unreadable = {
            while try FileManager.default.contentsOfDirectory(atPath: keys).contains(where: { $0.hasSuffix(".key") }) {
                usleep(500)
            }
            return (ContinuousClock.now - start) / .milliseconds(1)
        }()
        try await store.destroy(store.expired)
        let gone = (ContinuousClock.now - start) / .milliseconds(1)
        let (readable, left) = (try await unreadable, store.totals.records)
        await store.close()
        guard left == 0 else { throw Status(.internal, "\(left) records are left") }
        return (readable, gone)
    }

    /// Milliseconds that the file system takes to remove files of as many bytes, just written.
    private static func unlink(_ folder: FilePath) throws -> Double {
        let (count, piece) = (expiring * expiringBytes / Int(Limits.segmentBytes) + 1, Data(count: 1 << 20))
        let names = (0..<count).map { folder.appending("unlink\($0)") }
        for name in names {
            let file = try PosixFiles().create(name)
            for index in 0..<Limits.segmentBytes >> 20 { try file.write([piece], at: index << 20) }
            try file.sync()
        }
        let start = ContinuousClock.now
        for name in names { try PosixFiles().remove(name) }
        return (ContinuousClock.now - start) / .milliseconds(1)
    }

    /// Milliseconds that PostgreSQL takes to delete such a day, and to give its room back.
    private static func delete(_ databases: Databases) async throws -> Double {
        try await databases.sql("DROP TABLE IF EXISTS day; CREATE TABLE day (id text PRIMARY KEY, day int, content text)")
        try await databases.sql("ALTER TABLE day ALTER COLUMN content SET STORAGE EXTERNAL")
        try await databases.sql(
            "INSERT INTO day SELECT 'm' || n, 1, repeat('x', \(expiringBytes)) FROM generate_series(1, \(expiring)) n; CREATE INDEX ON day (day)"
        )
        let start = ContinuousClock.now
        try await databases.sql("DELETE FROM day WHERE day = 1")
        // Until then it is all on disk.
        try await databases.sql("VACUUM day")
        return (ContinuousClock.now - start) / .milliseconds(1)
    }

    private static func size(_ folder: FilePath, _ databases: Databases, _ results: Results) async throws {
        let count = 20_000
        for corpus in [Corpus.newsletter, .receipt] {
            var (ours, theirs): ([Double], [Double]) = ([], [])
            for round in 0..<Comparison.rounds {
                let mails = (0..<count).map { corpus.text(round * count + $0) }
                let content = Double(mails.reduce(0) { $0 + $1.utf8.count })
                ours.append(Double(try await settled(folder, "\(corpus)\(round)", mails)) / content)
                theirs.append(Double(try await postgres(folder, mails, databases)) / content)
            }
            try results.add(
                Figure(
                    goal: "P9", title: "bytes on disk for each content byte, \(corpus)s, once settled", unit: "B", better: .less,
                    ours: ours, bound: corpus == .newsletter ? 0.2 : nil,
                    others: [Figure.Other(name: "PostgreSQL, VACUUM FULL", kind: .peer, values: theirs, goal: 0.5)]))
        }
    }

    /// Bytes of all files of a store that has these records, once it has compacted them.
    private static func settled(_ folder: FilePath, _ name: String, _ mails: [String]) async throws -> UInt64 {
        let store = try open(folder, name, ManualTime())
        try fill(store, mails.count) { mails[$0] }
        _ = try await store.compact(isForced: true)
        let records = store.totals.records
        await store.close()
        guard records == mails.count else { throw Status(.internal, "\(records) records of \(mails.count)") }
        return try StartBench.bytes(in: folder.appending("\(name)-keys")) + StartBench.bytes(in: folder.appending("\(name)-data"))
    }

    /// Bytes of a table of PostgreSQL that has them.
    private static func postgres(_ folder: FilePath, _ mails: [String], _ databases: Databases) async throws -> Int {
        let file = folder.appending("rows").string
        let lines = mails.enumerated().map { "m\($0)\t1\t\($1.replacingOccurrences(of: "\n", with: "\\n"))\n" }
        try lines.joined().write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        try await databases.sql("DROP TABLE IF EXISTS size; CREATE TABLE size (id text PRIMARY KEY, day int, content text)")
        try await databases.sql("COPY size FROM '\(file)'")
        try await databases.sql("VACUUM FULL size")
        let size = try await databases.sql(
            "SELECT pg_total_relation_size('size') WHERE (SELECT count(*) FROM size) = \(mails.count)")
        guard let bytes = Int(size.trimmingCharacters(in: .newlines)) else {
            throw Status(.internal, "PostgreSQL has not got all")
        }
        return bytes
    }
}
