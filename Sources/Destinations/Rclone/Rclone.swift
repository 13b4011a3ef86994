import Model
import Synchronization
package import SystemPackage

/// The rclone of this machine.
package final class Rclone: Sendable {
    /// Which one it is.
    package struct Version: Comparable, Sendable, CustomStringConvertible {
        let major: Int
        let minor: Int

        /// The oldest that does all that is needed: Debian's.
        static let oldest = Version(major: 1, minor: 60)

        package init(major: Int, minor: Int) {
            self.major = major
            self.minor = minor
        }

        package var description: String { "\(major).\(minor)" }

        package static func < (left: Version, right: Version) -> Bool { (left.major, left.minor) < (right.major, right.minor) }
    }

    private struct Known {
        var version: Version?
        /// Passwords as it wants them.
        var obscured: [Secret: String] = [:]
    }

    private let path: FilePath
    private let runner: ProgramRunner
    private let known = Mutex(Known())

    /// It has no configuration. Where a backend cannot take content as it comes, rclone would write that to a file first: it finds no place
    /// for it.
    private static let surroundings = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": "/nonexistent"]

    /// - Parameter path: of the program.
    package init(_ path: FilePath, _ runner: ProgramRunner) {
        self.path = path
        self.runner = runner
    }

    /// Starts it with nothing but these settings.
    func start(
        _ words: [String], _ environment: [String: String] = [:], files: [String: [UInt8]] = [:]
    ) throws(DestinationError) -> RunningProgram {
        try runner.start(
            Program(
                path: path, arguments: words + ["--config", ""],
                environment: environment.merging(Self.surroundings) { first, _ in first }, files: files))
    }

    /// - Throws: `program` when it is missing or too old.
    func version(_ patience: Patience) throws(DestinationError) -> Version {
        if let version = known.withLock({ $0.version }) { return version }
        let ended: Program.Ended
        do throws(DestinationError) { ended = try start(["version"]).finish(patience) } catch {
            guard error.reason == .program else { throw error }
            throw DestinationError(.program, "rclone cannot be run at \(path): install it, or name it with --rclone")
        }
        // As in: rclone v1.60.1-DEV
        let first = String(decoding: ended.output, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        let numbers = first.split(separator: "v").last?.split { !$0.isNumber }.prefix(2).compactMap { Int($0) } ?? []
        guard ended.code == 0, first.hasPrefix("rclone v"), numbers.count == 2 else {
            throw DestinationError(.program, "\(path) is no rclone")
        }
        let version = Version(major: numbers[0], minor: numbers[1])
        guard version >= .oldest else {
            throw DestinationError(.program, "rclone \(version) is too old: \(Version.oldest) is needed")
        }
        known.withLock { $0.version = version }
        return version
    }

    /// A password as rclone wants it: against eyes alone, and nobody else's to do.
    func obscured(_ secret: Secret, _ patience: Patience) throws(DestinationError) -> String {
        if let obscured = known.withLock({ $0.obscured[secret] }) { return obscured }
        let running = try start(["obscure", "-"])
        try running.write(Array(secret.text.utf8), patience)
        let ended = try running.finish(patience)
        guard ended.code == 0, let line = String(decoding: ended.output, as: UTF8.self).split(whereSeparator: \.isNewline).first
        else { throw DestinationError(.program, "rclone does not take the password") }
        known.withLock { known in
            // Those of before are not needed any more.
            if known.obscured.count >= Limits.destinations { known.obscured = [:] }
            known.obscured[secret] = String(line)
        }
        return String(line)
    }
}
