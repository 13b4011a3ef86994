import Foundation
import Subprocess
package import SystemPackage

/// The built programs, beside the test program.
package enum Programs {
    /// The built `msgexportd`.
    package static let daemon = path("msgexportd")
    /// The built `msgexport`.
    package static let client = path("msgexport")

    private static func path(_ name: String) -> FilePath {
        let test = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return FilePath(test).removingLastComponent().appending(name)
    }

    /// The folder of this repository.
    package static var repository: FilePath {
        FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
    }

    /// What a program left behind.
    package struct Ended: Sendable {
        /// Exit code; 128 and the number for a signal.
        package let code: Int32
        /// What it wrote to standard output.
        package let output: String
        /// What it wrote to standard error.
        package let errors: String
    }

    /// Runs a program to its end, which need not read its input.
    package static func run(_ program: FilePath, _ arguments: [String], input: String = "") async throws -> Ended {
        let result = try await Subprocess.run(
            .path(program), arguments: Arguments(arguments),
            input: .fileDescriptor(try file(holding: input), closeAfterSpawningProcess: true),
            output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
        return Ended(
            code: code(result.terminationStatus), output: result.standardOutput, errors: result.standardError)
    }

    /// A file without a name, to be read from its start. A pipe would not do: swift-subprocess 1.0 ends this process when a program
    /// ends before it has read all of it (its issue 367).
    private static func file(holding text: String) throws -> FileDescriptor {
        guard let stream = tmpfile() else { throw Errno(rawValue: errno) }
        defer { fclose(stream) }
        let file = try FileDescriptor(rawValue: fileno(stream)).duplicate()
        do {
            try file.writeAll(text.utf8)
            try file.seek(offset: 0, from: .start)
        } catch {
            try file.close()
            throw error
        }
        return file
    }

    static func code(_ status: TerminationStatus) -> Int32 {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

/// A daemon of the built program, in a folder of its own.
package struct DaemonFixture: Sendable {
    /// Where everything of it is.
    package let folder: FilePath

    package init(_ folder: FilePath) {
        self.folder = folder
    }

    /// The daemon's data folder.
    package var data: FilePath { folder.appending("data") }
    /// File of its master key.
    package var masterKey: FilePath { folder.appending("master.key") }
    /// Where it serves.
    package var socket: String { folder.appending("s").string }

    /// What it is started with.
    package var arguments: [String] {
        ["--data", data.string, "--socket", socket, "--master-key", masterKey.string]
    }

    /// A daemon while it serves.
    package struct Running: Sendable {
        /// Where it serves.
        package let socket: String
        fileprivate let signal: @Sendable (Signal) throws -> Void

        /// Ends it like a power switch, but for the disk's cache.
        package func kill() throws { try signal(.kill) }

        /// Asks it to stop, as Ctrl-C does.
        package func interrupt() throws { try signal(.interrupt) }

        /// Asks it to stop.
        package func terminate() throws { try signal(.terminate) }

        /// Asks it to read its settings again.
        package func reload() throws { try signal(.terminalClosed) }

        /// Runs `msgexport` against it.
        package func msgexport(_ arguments: String..., input: String = "") async throws -> Programs.Ended {
            try await Programs.run(Programs.client, arguments + ["--socket", socket], input: input)
        }
    }

    /// Starts the daemon, lends it to `body` once it serves, and stops it. Who runs it has every role in prod, unless not granted.
    ///
    /// - Returns: what `body` returned, the daemon's exit code (128 and the signal's number, when it was killed) and its log.
    /// - Throws: `NotServing` when it ends before it serves.
    package func withDaemon<Value: Sendable>(
        granting: Bool = true, options: [String] = [], _ body: @Sendable (Running) async throws -> Value
    ) async throws -> (value: Value, code: Int32, log: String) {
        let isNew = !FileManager.default.fileExists(atPath: data.appending("catalog.sqlite").string)
        let result = try await Subprocess.run(
            .path(Programs.daemon), arguments: Arguments(arguments + options), input: .none, output: .discarded, error: .sequence
        ) { execution in
            let (events, report) = AsyncStream<Bool>.makeStream()
            async let log: String = {
                var log = ""
                for try await line in execution.standardError.strings() {
                    log += line
                    if line.contains(" notice serving ") { report.yield(true) }
                }
                report.finish()
                return log
            }()
            guard await events.first(where: { $0 }) != nil else {
                return (Result<Value, any Error>.failure(NotServing(log: try await log)), "")
            }
            let running = Running(socket: socket) { try execution.send(signal: $0) }
            let value: Result<Value, any Error>
            do {
                if granting, isNew { try await grantEverything(running) }
                value = .success(try await body(running))
            } catch {
                value = .failure(error)
            }
            // It may have ended already.
            try? execution.send(signal: .terminate)
            return (value, try await log)
        }
        let (value, log) = result.closureResult
        return (try value.get(), Programs.code(result.terminationStatus), log)
    }
}

extension DaemonFixture {
    private func grantEverything(_ daemon: Running) async throws {
        let ended = try await daemon.msgexport("access", "grant", "sender", "operator", "auditor", "--user", "\(geteuid())")
        guard ended.code == 0 else { throw NotServing(log: ended.errors) }
        let approved = try await daemon.msgexport("organization", "approve", "local-root", "/")
        guard approved.code == 0 else { throw NotServing(log: approved.errors) }
    }
}

/// A daemon that ended instead of serving.
package struct NotServing: Error, CustomStringConvertible {
    /// What the daemon wrote to standard error.
    package let log: String

    package var description: String { "the daemon did not serve: \(log)" }
}
