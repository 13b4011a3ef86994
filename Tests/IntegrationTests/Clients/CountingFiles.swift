import Disk
import Synchronization
import SystemPackage

/// The disk, with a count of how often somebody looked at what waits in a spool.
final class CountingFiles: Files {
    private let files = PosixFiles()
    let looks = Atomic(0)

    func createFolder(_ path: FilePath) throws(DiskError) { try files.createFolder(path) }
    func syncFolder(_ path: FilePath) throws(DiskError) { try files.syncFolder(path) }
    func exists(_ path: FilePath) throws(DiskError) -> Bool { try files.exists(path) }
    func isLink(_ path: FilePath) throws(DiskError) -> Bool { try files.isLink(path) }
    func create(_ path: FilePath) throws(DiskError) -> any File { try files.create(path) }
    func open(_ path: FilePath) throws(DiskError) -> any File { try files.open(path) }
    func rename(_ path: FilePath, to target: FilePath) throws(DiskError) { try files.rename(path, to: target) }
    func remove(_ path: FilePath) throws(DiskError) { try files.remove(path) }

    func list(_ path: FilePath) throws(DiskError) -> [String] {
        // Twice a hand-over: for what waits, and for what is unfinished.
        if path.lastComponent?.string == "entries" { looks.add(1, ordering: .relaxed) }
        return try files.list(path)
    }
}
