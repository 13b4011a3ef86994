import Glibc
package import SystemPackage

/// An exclusive claim on a file, held until it is released or the process ends, however it ends.
package final class FileLock: Sendable {
    private let descriptor: Int32

    /// Claims `path`, making the file where it is missing. Does not wait.
    /// - Returns: nil when another process holds it.
    package static func claim(_ path: FilePath) throws(DiskError) -> FileLock? {
        let descriptor = Glibc.open(path.string, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw DiskError("open", path, Errno(rawValue: Glibc.errno)) }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return FileLock(descriptor: descriptor) }
        let failure = Errno(rawValue: Glibc.errno)
        _ = Glibc.close(descriptor)
        guard failure == .wouldBlock else { throw DiskError("lock", path, failure) }
        return nil
    }

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        _ = Glibc.close(descriptor)
    }
}
