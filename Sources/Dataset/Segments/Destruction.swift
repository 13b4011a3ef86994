import Disk
import Model
import SystemPackage

/// Destroys segments: after it neither their keys nor their data are in any file.
///
/// ## Crash safety
/// ```
/// X.segment ──rename, sync──► X.doomed ──remove X.key, sync──► content unreadable ──remove X.index, X.doomed, sync──► gone
/// ```
/// A doomed file is the note of what has begun: whoever finds one goes on. Until the rename is durable nothing has happened.
enum Destruction {
    /// Destroys segments by their file names. Each step is made for all of them and then synced: it costs by files, not by records.
    static func run(_ names: [String], folders: DatasetFolders, files: any Files) throws(DiskError) {
        try destroyKeys(of: names, folders: folders, files: files)
        try removeData(of: names, folders: folders, files: files)
    }

    /// The first half: when it returns, nobody can read the segments any more.
    static func destroyKeys(of names: [String], folders: DatasetFolders, files: any Files) throws(DiskError) {
        for name in names where try files.exists(folders.data(name)) {
            try unlessGone { () throws(DiskError) in try files.rename(folders.data(name), to: folders.doomed(name)) }
        }
        try files.syncFolder(folders.dataFolder)
        for name in names {
            for key in [folders.key(name), folders.unfinishedKey(name)] { try remove(key, files) }
        }
        try files.syncFolder(folders.keyFolder)
    }

    /// The second one: what is left of them goes. It takes as long as there are bytes of them in memory.
    static func removeData(of names: [String], folders: DatasetFolders, files: any Files) throws(DiskError) {
        for name in names {
            for path in [folders.index(name), folders.unfinishedIndex(name)] { try remove(path, files) }
            try remove(folders.doomed(name), files, isLarge: true)
        }
        try files.syncFolder(folders.dataFolder)
    }

    private static func remove(_ path: FilePath, _ files: any Files, isLarge: Bool = false) throws(DiskError) {
        guard try files.exists(path) else { return }
        try unlessGone { () throws(DiskError) in isLarge ? try files.removeInPieces(path) : try files.remove(path) }
    }

    /// Whoever destroys the same segment at the same time may have been faster.
    private static func unlessGone(_ body: () throws(DiskError) -> Void) throws(DiskError) {
        do throws(DiskError) { try body() } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
    }

    /// Goes on with what a stop cut off, and with segments whose making it cut off.
    static func goOn(folders: DatasetFolders, files: any Files) throws(DiskError) {
        let begun = try DatasetFolders.names(in: folders.dataFolder, DatasetFolders.doomedExtension, files: files)
        let unfinished = try DatasetFolders.names(in: folders.keyFolder, DatasetFolders.unfinishedExtension, files: files)
        if !begun.isEmpty || !unfinished.isEmpty { try run(begun + unfinished, folders: folders, files: files) }
    }
}
