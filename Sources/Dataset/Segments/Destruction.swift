import Disk
import Model

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
        for name in names where try files.exists(folders.data(name)) {
            try files.rename(folders.data(name), to: folders.doomed(name))
        }
        try files.syncFolder(folders.dataFolder)
        for name in names {
            for key in [folders.key(name), folders.unfinishedKey(name)] where try files.exists(key) { try files.remove(key) }
        }
        try files.syncFolder(folders.keyFolder)
        for name in names {
            for index in [folders.index(name), folders.unfinishedIndex(name)] where try files.exists(index) {
                try files.remove(index)
            }
            if try files.exists(folders.doomed(name)) { try files.remove(folders.doomed(name)) }
        }
        try files.syncFolder(folders.dataFolder)
    }

    /// Goes on with what a stop cut off, and with segments whose making it cut off.
    static func goOn(folders: DatasetFolders, files: any Files) throws(DiskError) {
        let begun = try DatasetFolders.names(in: folders.dataFolder, DatasetFolders.doomedExtension, files: files)
        let unfinished = try DatasetFolders.names(in: folders.keyFolder, DatasetFolders.unfinishedExtension, files: files)
        if !begun.isEmpty || !unfinished.isEmpty { try run(begun + unfinished, folders: folders, files: files) }
    }
}
