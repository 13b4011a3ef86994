import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Destinations

/// Programs under the supervisor, as the built daemon is one.
@Suite struct SupervisorTests {
    private let patient = Patience(stall: .seconds(60))

    /// Lends what runs programs.
    private func withRunner(_ body: @escaping @Sendable (ProgramRunner) throws -> Void) async throws {
        // As the daemon does: who writes to somebody that has ended is told so.
        signal(SIGPIPE, SIG_IGN)
        let runner = ProgramRunner(supervisor: Programs.daemon)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            group.addTask {
                let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
                    DispatchQueue(label: "test").async { continuation.resume(returning: Result { try body(runner) }) }
                }
                runner.finish()
                try result.get()
            }
            try await group.waitForAll()
        }
    }

    /// As the other, for whoever has a thread of its own.
    private func wait(for what: String, until condition: () -> Bool) throws {
        let start = ContinuousClock.now
        while !condition() {
            guard ContinuousClock.now - start < .seconds(60) else { throw NeverCame(what: what) }
            usleep(1000)
        }
    }

    private func shell(_ script: String, _ environment: [String: String] = [:], files: [String: [UInt8]] = [:]) -> Program {
        Program(
            path: "/bin/sh", arguments: ["-c", script], environment: environment.merging(["PATH": "/usr/bin:/bin"]) { $1 },
            files: files)
    }

    @Test func `content arrives whole, in any pieces, and the end is seen after the mark alone`() async throws {
        let seed = testSeed()
        try await withRunner { [patient] runner in
            var generator = SeededGenerator(seed: seed)
            let running = try runner.start(shell("exec wc -c"))
            var total = 0
            for _ in 0..<60 {
                let piece = [UInt8](repeating: 7, count: Int.random(in: 0...200_000, using: &generator))
                total += piece.count
                try running.write(piece, patient)
            }
            let large = [UInt8](repeating: 8, count: 3 * Limits.programFrameBytes + 1)
            try running.write(large, patient)
            let ended = try running.finish(patient)
            #expect(ended.code == 0)
            #expect(String(decoding: ended.output, as: UTF8.self) == "\(total + large.count)\n", "SEED=\(seed)")
        }
    }

    @Test func `content that is given up is never taken for whole`() async throws {
        try await withTemporaryFolder { folder in
            try await withRunner { [patient] runner in
                let (whole, told) = (folder.appending("whole").string, folder.appending("told").string)
                // It says that it has begun, and what it made of its end.
                let running = try runner.start(
                    shell(
                        "trap 'echo told >\(told); exit 1' TERM; head -c 1 >/dev/null; echo >\(told).begun; exec 3<&0; cat <&3 >/dev/null & wait; echo >\(whole)"
                    ))
                try running.write(Array("some of it".utf8), patient)
                try wait(for: "\(told).begun") { FileManager.default.fileExists(atPath: "\(told).begun") }
                running.stop()
                try wait(for: told) { FileManager.default.fileExists(atPath: told) }
                #expect(!FileManager.default.fileExists(atPath: whole))
            }
        }
    }

    @Test func `a program dies with its supervisor, whatever ends that`() async throws {
        try await withTemporaryFolder { folder in
            try await withRunner { [patient] runner in
                let path = folder.appending("pids").string
                let running = try runner.start(shell("echo $$ $PPID >\(path).new; mv \(path).new \(path); exec sleep 1000"))
                try wait(for: path) { FileManager.default.fileExists(atPath: path) }
                let pids = try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isWhitespace).compactMap {
                    pid_t($0)
                }
                try #require(pids.count == 2)
                kill(pids[1], SIGKILL)
                let ended = try running.finish(patient)
                #expect(ended.code == 128 + 9)
                try wait(for: "the program's end") { kill(pids[0], 0) != 0 }
            }
        }
    }

    @Test func `a program that does not listen to its end is ended all the same`() async throws {
        try await withRunner { runner in
            let started = ContinuousClock.now
            let running = try runner.start(shell("trap '' TERM; while :; do :; done"))
            let error = #expect(throws: DestinationError.self) { _ = try running.finish(Patience(stall: .milliseconds(600))) }
            #expect(error?.reason == .timeout)
            #expect(ContinuousClock.now - started < .seconds(60))
        }
    }

    @Test func `the end of a flood of errors is kept, and its code`() async throws {
        try await withRunner { [patient] runner in
            let ended = try runner.start(shell("yes | head -c 20000000 >&2; echo the last >&2; exit 3")).finish(patient)
            #expect(ended.code == 3)
            #expect(ended.errors.hasSuffix("the last\n") && ended.errors.utf8.count <= Limits.programErrorBytes)
            let endless = #expect(throws: DestinationError.self) { _ = try runner.start(shell("exec yes")).finish(patient) }
            #expect(endless?.reason == .program)
        }
    }

    @Test func `whoever ends early fails the write, with the code and the reason`() async throws {
        try await withRunner { [patient] runner in
            let running = try runner.start(shell("echo because >&2; exit 7"))
            let error = #expect(throws: DestinationError.self) {
                while true { try running.write([UInt8](repeating: 1, count: 1 << 20), patient) }
            }
            #expect(error?.ended?.code == 7 && error?.ended?.errors == "because\n")
        }
    }

    @Test func `whoever takes nothing is waited for so long, and no longer than anybody wants it`() async throws {
        try await withRunner { runner in
            let running = try runner.start(shell("exec sleep 1000"))
            let error = #expect(throws: DestinationError.self) {
                while true { try running.write([UInt8](repeating: 1, count: 1 << 20), Patience(stall: .milliseconds(600))) }
            }
            #expect(error?.reason == .timeout)
            let stopped = #expect(throws: DestinationError.self) {
                _ = try runner.start(shell("exec sleep 1000")).finish(Patience(stall: .seconds(1000)) { true })
            }
            #expect(stopped?.reason == .stopped)
        }
    }

    @Test func `a program has what it is given and no more; its files are in memory alone`() async throws {
        try await withRunner { [patient] runner in
            let content = (0...255).map { UInt8($0) }
            let program = shell(
                "env | cut -d= -f1 | sort | tr '\\n' ' '; readlink $SETTINGS; cat $SETTINGS | od -An -v -tu1 | tr -s ' \\n' ' '; ls /proc/self/fd | wc -l",
                ["NAME": "value"], files: ["SETTINGS": content])
            let ended = try runner.start(program).finish(patient)
            let lines = String(decoding: ended.output, as: UTF8.self).split(separator: "\n")
            #expect(lines.first == "NAME PATH PWD SETTINGS /memfd:settings (deleted)", "\(lines)")
            #expect(
                lines.dropFirst().first?.trimmingCharacters(in: .whitespaces).hasPrefix(
                    content.map(String.init).joined(separator: " ")) == true)
            let path = Program(path: "/bin/cat", arguments: ["@SETTINGS"], files: ["SETTINGS": Array("by argument".utf8)])
            #expect(try runner.start(path).finish(patient).output == Array("by argument".utf8))
            let missing = #expect(throws: DestinationError.self) {
                _ = try runner.start(Program(path: "/nowhere/at/all", arguments: [])).finish(patient)
            }
            #expect(missing?.reason == .program && missing?.detail.contains("No such file") == true)
        }
    }
}
