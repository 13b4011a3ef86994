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
    static func run() async throws {
        try await withTemporaryFolder { folder in
            try await Peers.with(in: folder) { peers in
                try await expiry(folder, peers)
                try await size(folder, peers)
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
            store.append(
                Submission(
                    submitter: 1, id: try MessageID("m\(number)"), contentSHA256: Array(SHA256.hash(data: payload)),
                    group: Term(.configuration, "c"), terms: [Term(.recipient, "r\(number)")], payload: payload)
            ) { result in
                if case .success(.stored) = result {} else { failures.add(1, ordering: .relaxed) }
                group.leave()
            }
            if number % 10_000 == 9999 { group.wait() }
        }
        group.wait()
        guard failures.load(ordering: .relaxed) == 0 else { throw Status(.internal, "not all were stored") }
    }

    /// Of each record of the day.
    private static let expiringBytes = 2000

    private static func expiry(_ folder: FilePath, _ peers: Peers) async throws {
        try await peers.sql("CREATE TABLE day (id text PRIMARY KEY, day int, content text)")
        try await peers.sql("ALTER TABLE day ALTER COLUMN content SET STORAGE EXTERNAL")
        try await peers.sql(
            "INSERT INTO day SELECT 'm' || n, 1, repeat('x', \(expiringBytes)) FROM generate_series(1, 1000000) n; CREATE INDEX ON day (day)"
        )
        let begin = ContinuousClock.now
        try await peers.sql("DELETE FROM day WHERE day = 1")
        // Until then it is all on disk.
        try await peers.sql("VACUUM day")
        let deletion = ContinuousClock.now - begin
        for count in [100_000, 1_000_000] {
            let time = ManualTime()
            let store = try open(folder, "expiry\(count)", time)
            try fill(store, count) { _ in String(repeating: "x", count: expiringBytes) }
            time.advance(hours: 24 * 5)
            let keys = folder.appending("expiry\(count)-keys").string
            let start = ContinuousClock.now
            async let unreadable = {
                while try FileManager.default.contentsOfDirectory(atPath: keys).contains(where: { $0.hasSuffix(".key") }) {
                    usleep(500)
                }
                return ContinuousClock.now - start
            }()
            let expired = store.expired
            try await store.destroy(expired)
            let ours = ContinuousClock.now - start
            func part(_ time: Duration) -> Double { Double(Int(time / deletion * 100_000)) / 1000 }
            let read = try await unreadable
            print(
                "P6  expiry of a day of \(count) records, \(expired.count) segments: keys gone and nothing readable after \(read.microseconds) us, \(part(read)) %, files gone after \(ours.microseconds / 1000) ms, \(part(ours)) % of PostgreSQL's DELETE and VACUUM of 1,000,000 (\(deletion.microseconds / 1000) ms; goal: < 1 %)"
            )
            await store.close()
        }
    }

    /// A newsletter of some 12 KiB: the same for all but for names, links and a few offers.
    static func newsletter(_ number: Int) -> String {
        var generator = SeededGenerator(seed: UInt64(number))
        func token() -> String { generator.bytes(16).map { String($0, radix: 16) }.joined() }
        let offers = (0..<8).map { index in
            """
            <tr><td style="padding:12px;font-family:Arial,sans-serif;font-size:14px;color:#333333;border-bottom:1px solid #eeeeee">
            <a href="https://news.example.com/c/\(token())?u=\(number)&o=\(index)" style="color:#1a73e8;text-decoration:none"><b>Offer \(Int.random(in: 1...500, using: &generator))</b></a>
            <p style="margin:4px 0 0 0">Only \(Int.random(in: 5...99, using: &generator)).99 this week, while it lasts. Delivered to your door within two days, and if you do not like it we take it back, no questions asked.</p>
            <img src="https://img.example.com/\(Int.random(in: 1...500, using: &generator)).png" width="560" height="120" alt="" style="display:block;border:0;outline:none"></td></tr>
            """
        }
        let style = (0..<60).map {
            ".c\($0) { margin: 0; padding: \($0)px 0 0 0; font-family: Arial, Helvetica, sans-serif; line-height: 1.\($0 % 9); }"
        }
        return """
            <!doctype html><html><head><meta charset="utf-8"><title>Your week</title><style>\(style.joined(separator: "\n"))</style></head><body>
            <p>Dear customer \(number), here is what we found for you.</p><table width="600">\(offers.joined())</table>
            <p style="font-size:11px">You get this mail as you asked for it. <a href="https://news.example.com/u/\(token())">Unsubscribe</a></p>
            <img src="https://news.example.com/o/\(token()).gif" width="1" height="1"></body></html>
            """
    }

    private static func size(_ folder: FilePath, _ peers: Peers) async throws {
        let count = 20_000
        let store = try open(folder, "size", ManualTime())
        try fill(store, count) { newsletter($0) }
        let content = (0..<count).reduce(0) { $0 + newsletter($1).utf8.count }
        let before = store.totals.bytes
        let start = ContinuousClock.now
        _ = try await store.compact(isForced: true)
        let time = ContinuousClock.now - start
        await store.close()
        let settled = try FileManager.default.subpathsOfDirectory(atPath: folder.string).filter { $0.hasPrefix("size-") }.reduce(
            0
        ) {
            $0 + ((try FileManager.default.attributesOfItem(atPath: folder.appending($1).string)[.size] as? Int) ?? 0)
        }
        let csv = folder.appending("csv").string
        let lines = (0..<count).map { "m\($0)\t1\t\(newsletter($0).replacingOccurrences(of: "\n", with: "\\n"))\n" }
        try lines.joined().write(toFile: csv, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: csv)
        try await peers.sql("CREATE TABLE size (id text PRIMARY KEY, day int, content text)")
        try await peers.sql("COPY size FROM '\(csv)'")
        try await peers.sql("VACUUM FULL size")
        let postgres = Int(try await peers.sql("SELECT pg_total_relation_size('size')").trimmingCharacters(in: .newlines))
        func part(_ bytes: Int) -> Double { Double(bytes * 1000 / content) / 1000 }
        print(
            "P9  bytes on disk for each content byte, \(count) newsletters of \(content / count) bytes: \(part(Int(before))) as ingested, \(part(settled)) once settled (\(content / max(1, time.microseconds)) MB/s), PostgreSQL \(part(postgres ?? 0)) (goal: <= 0.2, <= half of PostgreSQL's)"
        )
    }
}
