import Disk
import Formats
import Model
import Synchronization
import SystemPackage

/// The one clock of the daemon. What it believed last is noted in a file, so that a start can tell a clock that was set.
final class TrustedTime: TimeSource {
    private let clock: Mutex<TrustedClock>
    private let path: FilePath

    /// - Throws: `failedPrecondition` when the note cannot be read.
    init(_ path: FilePath) throws(Status) {
        self.path = path
        let text: [UInt8]?
        do { text = try PrivateFile.read(path, limit: 64) } catch {
            throw Status(.failedPrecondition, "cannot read \(path): \(error)")
        }
        let noted = try text.map { (text) throws(Status) -> Instant in
            guard let noted = Instant(String(decoding: text, as: UTF8.self).filter { !$0.isNewline }) else {
                throw Status(
                    .failedPrecondition, "\(path) holds no time", hint: "remove it when the clock of this machine is right")
            }
            return noted
        }
        clock = Mutex(TrustedClock(wall: Self.wall, boot: Self.boot, noted: noted))
    }

    var now: Instant { clock.withLock { $0.now(wall: Self.wall, boot: Self.boot) } }

    /// What the clocks say.
    var reading: ClockReading {
        clock.withLock { clock in
            let wall = Self.wall
            let trusted = clock.now(wall: wall, boot: Self.boot)
            return ClockReading(trusted: trusted, wall: wall, doubt: clock.doubt)
        }
    }

    /// Keeps on disk what is believed now.
    func note() throws(DiskError) {
        let noted = clock.withLock { $0.note(wall: Self.wall, boot: Self.boot) }
        try PrivateFile.replace(path, content: Array("\(noted)\n".utf8))
    }

    /// Believes the wall clock from now on.
    func confirm() throws(DiskError) {
        clock.withLock { $0.confirm(wall: Self.wall, boot: Self.boot) }
        try note()
    }

    private static var boot: Int64 { BootClock.milliseconds }

    private static var wall: Instant { WallClock.now }
}
