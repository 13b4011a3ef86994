import Disk
import FoundationEssentials
import Model
import SystemPackage

/// Writes the index of a segment to which nothing is added any more.
///
/// ## Crash safety
/// ```
/// write X.unfinished, sync ──rename to X.index, sync folder──► sealed
/// ```
/// An index is whole or it is not there, and then it is made again from the data.
enum Sealing {
    /// Writes the index file. When it returns it is durable.
    static func run(_ segment: Segment, _ index: OpenIndex, _ ids: OpenIDs) throws(DatasetError) -> SealedIndex {
        let (files, folders, name) = (segment.files, segment.folders, segment.identity.fileName)
        let content = IndexFile.encode(index, ids, identity: segment.identity, keys: segment.keys)
        do throws(DiskError) {
            let unfinished = folders.unfinishedIndex(name)
            if try files.exists(unfinished) { try files.remove(unfinished) }
            let file = try files.create(unfinished)
            do throws(DiskError) {
                try write(content, to: file)
            } catch {
                try? files.remove(unfinished)
                throw error
            }
            try files.rename(unfinished, to: folders.index(name))
            try files.syncFolder(folders.dataFolder)
        } catch {
            throw DatasetError(error.isFull ? .full : .io, "\(error)")
        }
        return try SealedIndex(folders.index(name), identity: segment.identity, keys: segment.keys, files: files)
    }

    /// When it returns, it is durable. Piece by piece, as whoever commits meanwhile waits for what the disk was given before.
    private static func write(_ content: [Data], to file: any File) throws(DiskError) {
        var (offset, unsynced, size): (Int64, [Data], Int64) = (0, [], 0)
        for (index, piece) in content.enumerated() {
            unsynced.append(piece)
            size += Int64(piece.count)
            guard size >= Limits.upkeepSyncBytes || index == content.count - 1 else { continue }
            try file.write(unsynced, at: offset)
            try file.sync()
            (offset, unsynced, size) = (offset + size, [], 0)
        }
    }
}
