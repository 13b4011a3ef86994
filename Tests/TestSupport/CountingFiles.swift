package import Disk
package import Synchronization
package import SystemPackage

/// The disk, with a count of how often somebody looked at what waits in a spool.
package final class CountingFiles: Files {
    private let files = PosixFiles()
    /// Lists of a folder of that name, `entries`, so far.
    package let looks = Atomic(0)

    package init() {}

    package func createFolder(_ path: FilePath) throws(DiskError) { try files.createFolder(path) }
    package func syncFolder(_ path: FilePath) throws(DiskError) { try files.syncFolder(path) }
    package func exists(_ path: FilePath) throws(DiskError) -> Bool { try files.exists(path) }
    package func isLink(_ path: FilePath) throws(DiskError) -> Bool { try files.isLink(path) }
    package func create(_ path: FilePath) throws(DiskError) -> any File { try files.create(path) }
    package func open(_ path: FilePath) throws(DiskError) -> any File { try files.open(path) }
    package func rename(_ path: FilePath, to target: FilePath) throws(DiskError) { try files.rename(path, to: target) }
    package func remove(_ path: FilePath) throws(DiskError) { try files.remove(path) }
    package func removeInPieces(_ path: FilePath) throws(DiskError) { try files.removeInPieces(path) }

    package func list(_ path: FilePath) throws(DiskError) -> [String] {
        if path.lastComponent?.string == "entries" { looks.add(1, ordering: .relaxed) }
        return try files.list(path)
    }
}
