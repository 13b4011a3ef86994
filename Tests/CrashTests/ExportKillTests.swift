import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// Kills the real daemon at any moment of exports that are due, again and again, on the same data.
@Suite struct ExportKillTests {
    /// `make crash` asks for 300 and more.
    private static let kills = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0).map { max(1, $0 * 3 / 10) } } ?? 15
    private static let dataflows = ["json", "parquet"]

    @Test func `after many kills during scheduled exports each stored record is in exactly one manifest of each dataflow`()
        async throws
    {
        let seed = testSeed()
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let key = folder.appending("organization.pub").string
            _ = try await fixture.withDaemon { try await prepare($0, archive, key) }
            let (ledger, kills) = (KillTests.Ledger(), KillTests())
            var generator = SeededGenerator(seed: seed)
            for round in 0..<Self.kills {
                try await makeDue(fixture)
                let more = Int.random(in: 1...150, using: &generator)
                // In the middle of ingests and runs; or of runs alone, when some have ended.
                let runs = Int.random(in: 0...2, using: &generator)
                let wanted = try manifests(archive) + runs
                let ended = try await fixture.withDaemon { daemon in
                    ledger.killAfter(more)
                    ledger.isPaused = false
                    try await kills.load(daemon.socket, ledger) {
                        ledger.isPaused = runs > 0
                        let start = ContinuousClock.now
                        while try manifests(archive) < wanted, .now - start < .seconds(5) { await Task.yield() }
                        try daemon.kill()
                    }
                }
                #expect(ended.code == 128 + 9, "round \(round), SEED=\(seed)")
            }
            let last = try await fixture.withDaemon { daemon in
                var last: [String: UInt64] = [:]
                let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
                for dataflow in Self.dataflows {
                    let run = try await KillTests.exportRest(of: dataflow, client)
                    #expect(run.state == .success, "\(run)")
                    last[dataflow] = try await client.dataset().lastSequence
                }
                await client.close()
                return last
            }.value
            let verified = try await Programs.run(
                Programs.client, ["manifest", "verify", archive.string, "--public-key", key, "-o", "json"])
            #expect(verified.code == 0, "\(verified.output) SEED=\(seed)")
            try check(archive, ledger, last, seed)
        }
    }

    /// How many there are.
    private func manifests(_ archive: FilePath) throws -> Int {
        try FileManager.default.subpathsOfDirectory(atPath: archive.string).count { $0.contains("/manifest-") }
    }

    private func prepare(_ daemon: DaemonFixture.Running, _ archive: FilePath, _ key: String) async throws {
        let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
        _ = try await client.createConfiguration(
            name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
        for format in Format.allCases {
            let path = archive.appending(format.rawValue).string
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            _ = try await client.createDestination(name: format.rawValue, settings: .local(path: path))
            // Every minute of a run must have a folder of its own: names would not collide, but they are told apart so.
            _ = try await client.createDataflow(
                name: format.rawValue, format: format,
                settings: DataflowSettings(
                    destination: format.rawValue, compression: .none, schedule: Schedule(.every(minutes: 15)),
                    folder: FolderTemplate("%DATETIME%"), fileSizeLimit: Limits.fileSizesAllowed.lowerBound))
        }
        let organization = try await daemon.msgexport("organization", "show", "-o", "json").output
        let json = try #require(try JSONSerialization.jsonObject(with: Data(organization.utf8)) as? [String: Any])
        try (try #require(json["signingKey"] as? String)).write(toFile: key, atomically: true, encoding: .utf8)
        await client.close()
    }

    /// Lets the schedules have a run due, as if their time had come.
    private func makeDue(_ fixture: DaemonFixture) async throws {
        let ended = try await Programs.run(
            "/usr/bin/python3",
            [
                "-c",
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('update dataflow set next_run_at = 1'); c.commit()",
                fixture.data.appending("catalog.sqlite").string,
            ])
        #expect(ended.code == 0, "\(ended.errors)")
    }

    /// Reads every manifest and every file: no sequence twice, none missing, no file that no manifest names.
    private func check(
        _ archive: FilePath, _ ledger: KillTests.Ledger, _ last: [String: UInt64], _ seed: UInt64
    ) throws {
        for dataflow in Self.dataflows {
            let folder = archive.appending(dataflow)
            let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.string)
            var (listed, ids, runs): ([String], [String], Int) = ([], [], 0)
            var (covered, records): (UInt64, UInt64) = (0, 0)
            for path in paths where path.contains("manifest-") {
                let manifest = try #require(
                    try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: folder.appending(path).string)))
                        as? [String: Any])
                let window = try #require(manifest["window"] as? [String: Any])
                covered += try #require(window["throughSequence"] as? UInt64) - (try #require(window["afterSequence"] as? UInt64))
                runs += 1
                for file in try #require(manifest["exportResults"] as? [[String: Any]]) {
                    let name = try #require(file["name"] as? String)
                    listed.append(path.split(separator: "/").dropLast().joined(separator: "/") + "/" + name)
                    records += try #require(file["records"] as? UInt64)
                }
            }
            #expect(covered == last[dataflow], "\(dataflow): windows cover each sequence once, SEED=\(seed)")
            let files = paths.filter { $0.contains("part-") }
            #expect(files.sorted() == listed.sorted(), "\(dataflow): each file is in one manifest, SEED=\(seed)")
            #expect(runs > Self.kills / 5, "\(dataflow): \(runs) runs")
            guard dataflow == "json" else { continue }
            for file in files {
                let text = try String(contentsOfFile: folder.appending(file).string, encoding: .utf8)
                ids += try text.split(separator: "\n").map { line in
                    let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                    return try #require(row?["_id"] as? String)
                }
            }
            #expect(ids.count == Set(ids).count && UInt64(ids.count) == records, "something twice, SEED=\(seed)")
            #expect(ledger.acknowledged.isSubset(of: ids), "something lost, SEED=\(seed)")
            print("\(dataflow): \(runs) runs, \(ids.count) records, \(Self.kills) kills")
        }
    }
}
