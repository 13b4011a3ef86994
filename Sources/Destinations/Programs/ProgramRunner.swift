import Model
import Subprocess
import Synchronization
package import SystemPackage

/// Runs programs for whoever is on a thread of its own and waits for them; each under a `Supervisor`. The process ignores SIGPIPE.
package final class ProgramRunner: Sendable {
    private let supervisor: FilePath
    private let starts: AsyncStream<RunningProgram>
    private let continuation: AsyncStream<RunningProgram>.Continuation

    /// - Parameter supervisor: the program that runs `Supervisor` when it is told `supervise`.
    package init(supervisor: FilePath) {
        self.supervisor = supervisor
        (starts, continuation) = AsyncStream.makeStream()
    }

    /// Runs what is started, until `finish`. What runs then is ended.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await program in starts { group.addTask { await self.run(program) } }
        }
    }

    /// From now on nothing is started.
    package func finish() {
        continuation.finish()
    }

    /// Starts a program.
    ///
    /// - Parameter output: where its standard output goes; it is closed here. Nil: it is kept, up to `Limits.programOutputBytes`.
    /// - Throws: `program` when no pipe can be made.
    package func start(_ program: Program, output: FileDescriptor? = nil) throws(DestinationError) -> RunningProgram {
        let running: RunningProgram
        do { running = try RunningProgram(program, output: output) } catch {
            throw DestinationError(.program, "no pipe to \(program.path): \(error)")
        }
        if case .terminated = continuation.yield(running) { running.ended(nil) }
        return running
    }

    private func run(_ running: RunningProgram) async {
        let program = running.program
        var environment: [Environment.Key: String] = [:]
        for (name, value) in program.environment { environment[.init(stringLiteral: name)] = value }
        for (name, value) in program.files { environment[.init(stringLiteral: "FILE_\(name)")] = hexadecimal(value) }
        let arguments = Arguments(["supervise", program.path.string] + program.arguments)
        do {
            let ended: Program.Ended
            if let output = running.output {
                let result = try await Subprocess.run(
                    .path(supervisor), arguments: arguments, environment: .custom(environment),
                    input: .fileDescriptor(running.reading, closeAfterSpawningProcess: true),
                    output: .fileDescriptor(output, closeAfterSpawningProcess: true),
                    error: .string(limit: Limits.programErrorBytes * 2))
                ended = Program.Ended(code: result.terminationStatus.code, output: [], errors: result.standardError)
            } else {
                let result = try await Subprocess.run(
                    .path(supervisor), arguments: arguments, environment: .custom(environment),
                    input: .fileDescriptor(running.reading, closeAfterSpawningProcess: true),
                    output: .bytes(limit: Limits.programOutputBytes), error: .string(limit: Limits.programErrorBytes * 2))
                ended = Program.Ended(
                    code: result.terminationStatus.code, output: result.standardOutput, errors: result.standardError)
            }
            running.ended(ended)
        } catch {
            running.ended(nil)
        }
    }
}

extension TerminationStatus {
    fileprivate var code: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}
