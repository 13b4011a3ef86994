import Foundation
import Subprocess
package import SystemPackage

/// A server of `Tests/Servers`, on a loopback port, for as long as it is lent: it ends when its standard input does.
package struct TestServer: Sendable {
    /// It printed no port.
    package struct NotServing: Error {}

    /// Where it listens.
    package let port: Int

    private static var scripts: FilePath { Programs.repository.appending("Tests/Servers") }
    private static var installed: FilePath { Programs.repository.appending(".build/servers") }
    private static let python: FilePath = "/usr/bin/python3"

    /// Lends what a command serves that prints its port first.
    package static func with<Value: Sendable>(
        _ command: [String], environment: [String: String] = [:], _ body: @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        let (reading, writing) = try FileDescriptor.pipe(options: .closeOnExec)
        var variables: [Environment.Key: String?] = [:]
        for (name, value) in environment { variables[.init(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            .path(FilePath(command[0])), arguments: Arguments(Array(command.dropFirst())),
            environment: .inherit.updating(variables),
            input: .fileDescriptor(reading, closeAfterSpawningProcess: true), output: .sequence, error: .discarded
        ) { execution in
            let (ports, report) = AsyncStream<Int>.makeStream()
            async let rest: Void = {
                for try await line in execution.standardOutput.strings() {
                    if let port = Int(line.trimmingCharacters(in: .whitespacesAndNewlines)) { report.yield(port) }
                }
                report.finish()
            }()
            let value: Result<Value, any Error>
            do {
                guard let port = await ports.first(where: { _ in true }) else { throw NotServing() }
                value = .success(try await body(TestServer(port: port)))
            } catch {
                value = .failure(error)
            }
            try writing.close()
            try await rest
            return value
        }
        return try result.closureResult.get()
    }

    /// OpenStack Swift's S3 protocol: key `exporter:exporter`.
    package static func withS3<Value: Sendable>(
        _ folder: FilePath, secret: String, _ body: @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        let command = [installed.appending("python/bin/python").string, scripts.appending("s3.py").string, folder.string]
        return try await with(command, environment: ["S3_SECRET": secret], body)
    }

    /// OpenSSH, with the user `exporter`. What it shows is in `home` of the folder, its public keys in `host_….pub`, the user's key in `user_key`.
    package static func withSFTP<Value: Sendable>(
        _ folder: FilePath, password: String, _ body: @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        let sshd = installed.appending("openssh/usr/sbin/sshd").string
        let command = [python.string, "-W", "ignore", scripts.appending("sftp.py").string, sshd, folder.string]
        return try await with(command, environment: ["SFTP_PASSWORD": password], body)
    }

    /// What goes wrong on the way to a server; each connection does what the file says.
    package static func withFaults<Value: Sendable>(
        mode: FilePath, to port: Int? = nil, _ body: @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        let command = [python.string, scripts.appending("faults.py").string, mode.string] + (port.map { ["\($0)"] } ?? [])
        return try await with(command, body)
    }

    /// Of a script in `Tests/Servers`.
    package static func withScript<Value: Sendable>(
        _ name: String, _ arguments: [String], environment: [String: String] = [:],
        _ body: @Sendable (TestServer) async throws -> Value
    ) async throws -> Value {
        try await with([python.string, scripts.appending(name).string] + arguments, environment: environment, body)
    }
}
