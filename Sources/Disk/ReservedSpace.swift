import Glibc
package import SystemPackage
import Synchronization

/// Space on a disk that is given up when something that must be written finds none.
package final class ReservedSpace: Sendable {
    private let path: FilePath
    private let bytes: Int64
    private let isHeld = Atomic(false)

    /// Nothing is reserved until `hold`.
    package init(_ path: FilePath, bytes: Int64) {
        self.path = path
        self.bytes = bytes
    }

    /// Reserves the space, where it is not: as far as the disk has it. Blocks. True when it is reserved.
    @discardableResult
    package func hold() -> Bool {
        guard !isHeld.load(ordering: .acquiring) else { return true }
        let descriptor = Glibc.open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        defer { _ = Glibc.close(descriptor) }
        guard posix_fallocate(descriptor, 0, off_t(bytes)) == 0, fsync(descriptor) == 0 else {
            // Half of it would take what others need and help nobody.
            unlink(path.string)
            return false
        }
        isHeld.store(true, ordering: .releasing)
        return true
    }

    /// Gives the space up. Blocks. False when there was none to give.
    package func release() -> Bool {
        guard isHeld.exchange(false, ordering: .acquiringAndReleasing) else { return false }
        return unlink(path.string) == 0
    }
}
