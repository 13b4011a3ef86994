import Disk
import Synchronization
import SystemPackage

/// Files of which some folders are away for a time, as a file server may be: nothing below them can be read or written. And what happens
/// whenever a file is made.
final class OutageFiles: Files {
    private let base: any Files
    private let away = Mutex<Set<String>>([])
    private let watcher = Mutex<(@Sendable (FilePath) -> Void)?>(nil)

    init(_ base: any Files) { self.base = base }

    /// Takes a folder away, or brings it back with all that was in it.
    func set(_ folder: FilePath, isAway: Bool) {
        away.withLock { if isAway { $0.insert(folder.string) } else { $0.remove(folder.string) } }
    }

    /// Calls `body` before each file is made, on the thread that makes it.
    func beforeEachFile(_ body: (@Sendable (FilePath) -> Void)?) {
        watcher.withLock { $0 = body }
    }

    private func reach(_ operation: String, _ path: FilePath) throws(DiskError) {
        let isAway = away.withLock { $0.contains { path.string == $0 || path.string.hasPrefix($0 + "/") } }
        if isAway { throw DiskError(operation, path, .staleNFSFileHandle) }
    }

    func createFolder(_ path: FilePath) throws(DiskError) {
        try reach("create folder", path)
        try base.createFolder(path)
    }

    func syncFolder(_ path: FilePath) throws(DiskError) {
        try reach("sync folder", path)
        try base.syncFolder(path)
    }

    func list(_ path: FilePath) throws(DiskError) -> [String] {
        try reach("list", path)
        return try base.list(path)
    }

    func exists(_ path: FilePath) throws(DiskError) -> Bool {
        try reach("look at", path)
        return try base.exists(path)
    }

    func isLink(_ path: FilePath) throws(DiskError) -> Bool {
        try reach("look at", path)
        return try base.isLink(path)
    }

    func create(_ path: FilePath) throws(DiskError) -> any File {
        watcher.withLock { $0 }?(path)
        try reach("create", path)
        return try base.create(path)
    }

    func open(_ path: FilePath) throws(DiskError) -> any File {
        try reach("open", path)
        return try base.open(path)
    }

    func rename(_ path: FilePath, to target: FilePath) throws(DiskError) {
        try reach("rename", path)
        try base.rename(path, to: target)
    }

    func remove(_ path: FilePath) throws(DiskError) {
        try reach("remove", path)
        try base.remove(path)
    }

    func removeInPieces(_ path: FilePath) throws(DiskError) {
        try reach("remove", path)
        try base.removeInPieces(path)
    }
}
