import Glibc
package import SystemPackage

/// How large a file system is, and how full.
package struct DiskSpace: Hashable, Sendable {
    /// Bytes of it.
    package let bytes: UInt64
    /// Bytes that this user may still write.
    package let free: UInt64

    /// That of a file or folder; nil: it cannot be told.
    package init?(of path: FilePath) {
        var status = statvfs()
        guard statvfs(path.string, &status) == 0 else { return nil }
        bytes = UInt64(status.f_blocks) * UInt64(status.f_frsize)
        free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}
