import Foundation
import MessageExportClient
import SystemPackage
import TestSupport
import Testing

/// An S3 server and an SSH server that the tests of a suite share.
struct StorageServers: Sendable {
    // Found nowhere else, so that they can be looked for everywhere.
    static let secret = "S3cr3t/+=\(UUID().uuidString)"
    static let password = "P4ss w0rd \(UUID().uuidString)"

    let s3: TestServer
    let sftp: TestServer
    let folder: FilePath

    @TaskLocal static var current: StorageServers?

    /// Whose tests these are.
    static func shared() throws -> StorageServers { try #require(current, "the suite has the trait storageServers") }

    var home: FilePath { folder.appending("sftp/home") }

    /// A folder of the SSH server's user.
    func makeFolder(_ name: String) throws {
        let path = home.appending(name).string
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try FileManager.default.setAttributes([.ownerAccountID: 64999, .groupOwnerAccountID: 64999], ofItemAtPath: path)
    }

    /// rclone as a customer has it, to look at what is in the store: not the daemon's.
    func rclone(_ arguments: String...) async throws -> Programs.Ended {
        let variables = [
            "TYPE=s3", "PROVIDER=Other", "ENDPOINT=http://127.0.0.1:\(s3.port)", "ACCESS_KEY_ID=exporter:exporter",
            "SECRET_ACCESS_KEY=\(Self.secret)", "REGION=us-east-1", "FORCE_PATH_STYLE=true",
        ].map { "RCLONE_CONFIG_D_\($0)" }
        return try await Programs.run(
            "/usr/bin/env", ["-i", "PATH=/usr/bin:/bin"] + variables + ["rclone", "--config", ""] + arguments)
    }

    /// Options of `destination create` for the store.
    func s3Options(_ bucket: String, port: Int? = nil, secret: String = "S3_SECRET") -> [String] {
        [
            "--type", "s3", "--bucket", bucket, "--endpoint", "http://127.0.0.1:\(port ?? s3.port)", "--access-key-id",
            "exporter:exporter", "--secret", "secret_access_key=env:\(secret)",
        ]
    }

    /// The same for the store by its own protocol, which is a backend of rclone's.
    func swiftOptions(_ container: String) -> [String] {
        [
            "--type", "rclone", "--backend", "swift", "--container", container, "--option",
            "auth=http://127.0.0.1:\(s3.port)/auth/v1.0", "--user", "exporter:exporter", "--secret", "key=env:S3_SECRET",
        ]
    }

    /// The same for the SSH server.
    func sftpOptions(_ path: String, port: Int? = nil, secret: String = "password=env:SFTP_PASSWORD") throws -> [String] {
        let keys = folder.appending("host-keys").string
        let all = try ["ed25519", "rsa"].map {
            try String(contentsOfFile: folder.appending("sftp/host_\($0).pub").string, encoding: .utf8)
        }
        try all.joined().write(toFile: keys, atomically: true, encoding: .utf8)
        return [
            "--type", "sftp", "--host", "127.0.0.1", "--port", "\(port ?? sftp.port)", "--path", path, "--user", "exporter",
            "--host-key", keys, "--secret", secret,
        ]
    }
}

/// Starts the servers once, for all tests of a suite.
struct StorageServersTrait: SuiteTrait, TestScoping {
    @concurrent
    func provideScope(for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void)
        async throws
    {
        try #require(geteuid() == 0, "the SSH server's users are its own: root alone may give it some")
        try await withTemporaryFolder { folder in
            try await TestServer.withS3(folder.appending("s3"), secret: StorageServers.secret) { s3 in
                try await TestServer.withSFTP(folder.appending("sftp"), password: StorageServers.password) { sftp in
                    let servers = StorageServers(s3: s3, sftp: sftp, folder: folder)
                    try await StorageServers.$current.withValue(servers) { try await body() }
                }
            }
        }
    }
}

extension SuiteTrait where Self == StorageServersTrait {
    static var storageServers: Self { Self() }
}

/// Destinations on real servers.
@Suite(.serialized, .storageServers, .timeLimit(.minutes(5))) enum StorageServerTests {}

extension DaemonFixture.Running {
    /// Runs `msgexport` with the secrets in its environment.
    func command(_ arguments: [String], secrets: [String: String] = [:]) async throws -> Programs.Ended {
        var variables = ["S3_SECRET": StorageServers.secret, "SFTP_PASSWORD": StorageServers.password]
        variables.merge(secrets) { $1 }
        return try await Programs.run(
            "/usr/bin/env", variables.map { "\($0)=\($1)" } + [Programs.client.string] + arguments + ["--socket", socket])
    }

    /// The same, which must go well.
    @discardableResult
    func done(_ arguments: String..., options: [String] = [], secrets: [String: String] = [:]) async throws -> String {
        let ended = try await command(arguments + options, secrets: secrets)
        try #require(ended.code == 0, "\(arguments): \(ended.errors)")
        return ended.output
    }

    /// The run that a dataflow's schedule began, when it has ended, or waits to be tried again.
    func scheduledRun(of dataflow: String) async throws -> Run {
        let client = try await MessageExportClient.connect(socket: socket, retryTime: .zero)
        var run: Run?
        try await wait(for: "a run's end or next attempt") {
            run = try await client.runs(dataflow: dataflow, limit: 1).first
            return run?.state.isFinal == true || run?.nextAttemptAt != nil
        }
        await client.close()
        return try #require(run)
    }
}
