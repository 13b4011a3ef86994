import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// Runs to an S3 and an SSH server of this machine, beside `rclone copy` of the same files from a folder: what streaming without a file on disk costs.
enum DeliveryBench {
    private static let mails = 40_000
    private static let rounds = 5
    private static let secret = "bench-secret"

    /// What is exported: content as large as it gets, and as small.
    private static let works: [(name: String, format: Format, compression: Compression, fileSize: UInt64)] = [
        ("JSON, not compressed", .json, .none, Limits.fileSizeDefault),
        ("Parquet, zstd", .parquet, .zstd, Limits.fileSizeDefault),
    ]

    /// Where to: a destination, and the same in rclone's own words.
    private struct Target: Sendable {
        let name: String
        let settings: Destination.Settings
        let secrets: [String: Secret]
        let remote: [String]
        let root: String
    }

    static func run(_ programs: FilePath) async throws {
        guard geteuid() == 0 else { throw Status(.failedPrecondition, "the SSH server of this bench needs root") }
        try await withTemporaryFolder { folder in
            try await TestServer.withS3(folder.appending("s3"), secret: secret) { s3 in
                try await TestServer.withSFTP(folder.appending("sftp"), password: secret) { sftp in
                    let targets = try await targets(folder, s3, sftp)
                    try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                        let client = try await BenchDaemon.connect(daemon.socket)
                        try await prepare(client, folder, targets)
                        for (number, work) in works.enumerated() {
                            for target in targets { try await compare(client, number, work.name, target, folder) }
                        }
                        await client.close()
                    }
                }
            }
        }
    }

    private static func targets(_ folder: FilePath, _ s3: TestServer, _ sftp: TestServer) async throws -> [Target] {
        let home = folder.appending("sftp/home/exports").string
        try FileManager.default.createDirectory(
            atPath: home, withIntermediateDirectories: true, attributes: [.ownerAccountID: 64999, .groupOwnerAccountID: 64999])
        let keys = try ["ed25519", "rsa"].map {
            try String(contentsOfFile: folder.appending("sftp/host_\($0).pub").string, encoding: .utf8)
                .split(separator: " ").prefix(2).joined(separator: " ")
        }
        let known = folder.appending("known").string
        try keys.map { "[127.0.0.1]:\(sftp.port) \($0)\n" }.joined().write(toFile: known, atomically: true, encoding: .utf8)
        let obscured = try await Programs.run("/usr/bin/rclone", ["obscure", "-"], input: secret).output.split(separator: "\n")[0]
        let endpoint = "http://127.0.0.1:\(s3.port)"
        let targets = [
            Target(
                name: "s3",
                settings: Destination.Settings(
                    type: .s3, values: ["bucket": "exports", "endpoint": endpoint, "access_key_id": "exporter:exporter"]),
                secrets: ["secret_access_key": Secret(secret)],
                remote: [
                    "TYPE=s3", "PROVIDER=Other", "ENDPOINT=\(endpoint)", "ACCESS_KEY_ID=exporter:exporter", "REGION=us-east-1",
                    "SECRET_ACCESS_KEY=\(secret)", "FORCE_PATH_STYLE=true",
                ], root: "exports"),
            Target(
                name: "sftp",
                settings: Destination.Settings(
                    type: .sftp,
                    values: [
                        "host": "127.0.0.1", "port": "\(sftp.port)", "path": "exports", "user": "exporter",
                        "host_key": keys.joined(separator: "\n"),
                    ]), secrets: ["password": Secret(secret)],
                remote: [
                    "TYPE=sftp", "HOST=127.0.0.1", "PORT=\(sftp.port)", "USER=exporter", "PASS=\(obscured)",
                    "KNOWN_HOSTS_FILE=\(known)",
                ], root: "exports"),
        ]
        try await rclone(targets[0], "mkdir", "D:exports")
        return targets
    }

    private static func rclone(_ target: Target, _ arguments: String...) async throws {
        let variables = ["PATH=/usr/bin:/bin"] + target.remote.map { "RCLONE_CONFIG_D_\($0)" }
        let ended = try await Programs.run("/usr/bin/env", ["-i"] + variables + ["rclone", "--config", ""] + arguments)
        guard ended.code == 0 else { throw Status(.internal, "rclone \(arguments): \(ended.errors)") }
    }

    private static func prepare(_ client: MessageExportClient, _ folder: FilePath, _ targets: [Target]) async throws {
        _ = try await client.createConfiguration(
            name: "news", channel: .email, settings: ConfigurationSettings(messageExport: true), submit: true)
        try await ExportBench.ingest(0..<mails, client)
        for target in targets {
            _ = try await client.createDestination(name: target.name, settings: target.settings, secrets: target.secrets)
        }
        try FileManager.default.createDirectory(atPath: folder.appending("near").string, withIntermediateDirectories: false)
        _ = try await client.createDestination(name: "near", settings: .local(path: folder.appending("near").string))
        for (number, work) in works.enumerated() {
            let archive = folder.appending("archive\(number)").string
            try FileManager.default.createDirectory(atPath: archive, withIntermediateDirectories: false)
            _ = try await client.createDestination(name: "local\(number)", settings: .local(path: archive))
            _ = try await client.createDataflow(
                name: "f\(number)", format: work.format,
                settings: DataflowSettings(
                    destination: "local\(number)", compression: work.compression, schedule: Schedule(.manual),
                    folder: FolderTemplate("%DATETIME%"), fileSizeLimit: work.fileSize))
            // What rclone copies: the same files.
            _ = try await export(client, "f\(number)", to: nil)
        }
    }

    private static func export(
        _ client: MessageExportClient, _ dataflow: String, to destination: String?
    ) async throws -> (seconds: Double, bytes: UInt64) {
        let start = ContinuousClock.now
        let run = try await client.startRun(
            dataflow: dataflow, since: destination == nil ? nil : Instant(milliseconds: 1), destination: destination)
        let ended = try await client.waitRun(id: run.id)
        guard ended.state == .success, ended.totals.exported == mails else {
            throw Status(.internal, "not all were exported: \(ended)")
        }
        return ((ContinuousClock.now - start) / .seconds(1), ended.totals.bytes)
    }

    private static func compare(
        _ client: MessageExportClient, _ number: Int, _ name: String, _ target: Target, _ folder: FilePath
    ) async throws {
        var (ours, theirs, near): ([Double], [Double], [Double]) = ([], [], [])
        var size: UInt64 = 0
        for round in 0..<rounds {
            let (seconds, bytes) = try await export(client, "f\(number)", to: target.name)
            let start = ContinuousClock.now
            try await rclone(target, "copy", folder.appending("archive\(number)").string, "D:\(target.root)/copy\(round)")
            ours.append(Double(bytes) / seconds / 1e6)
            theirs.append(Double(bytes) / ((ContinuousClock.now - start) / .seconds(1)) / 1e6)
            // What a run takes that delivers to a folder.
            near.append(Double(bytes) / (try await export(client, "f\(number)", to: "near").seconds) / 1e6)
            try FileManager.default.removeItem(atPath: folder.appending("near").string)
            try FileManager.default.createDirectory(atPath: folder.appending("near").string, withIntermediateDirectories: false)
            size = bytes
            try await rclone(target, "delete", "D:\(target.root)")
        }
        let ratios = zip(ours, theirs).map { $0 / $1 }.sorted()
        func median(_ values: [Double]) -> Int { Int(values.sorted()[values.count / 2]) }
        func text(_ value: Double) -> String { String((value * 100).rounded() / 100) }
        tell("D   a run to \(target.name) of \(mails) newsletters, \(name), \(size / 1_000_000) MB of files, MB/s of files")
        tell(
            "  ours \(median(ours)) (to a folder \(median(near)))  rclone copy \(median(theirs))  ours is \(text(ratios[rounds / 2])) x (\(text(ratios[0])) to \(text(ratios[rounds - 1]))); goal >= 0.7"
        )
    }
}
