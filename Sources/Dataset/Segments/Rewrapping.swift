package import Disk
import SystemPackage

/// Wraps the keys of a dataset's segments by another master key. The dataset must not be open. What a stop cuts off is gone on with by doing
/// it again: each key file is the old one or the new one.
package enum Rewrapping {
    /// What was done.
    package struct Outcome: Hashable, Sendable {
        /// Keys that were wrapped anew.
        package var rewrapped = 0
        /// Keys that were wrapped by the new one already.
        package var already = 0
        /// Keys that neither opens, and why: what they are for cannot be read any more.
        package var left: [String] = []
    }

    /// Wraps all keys of one dataset. When it returns, no readable key file of it is wrapped by `old`.
    /// - Throws: `io`, `full`: to be called again.
    package static func run(
        _ folders: DatasetFolders, from old: MasterKey, to new: MasterKey, files: any Files
    ) throws(DatasetError) -> Outcome {
        var outcome = Outcome()
        let names: [String]
        do throws(DiskError) {
            guard try files.exists(folders.keyFolder) else { return outcome }
            // What was begun and not finished is not to be kept under either.
            try Destruction.goOn(folders: folders, files: files)
            names = try DatasetFolders.names(in: folders.keyFolder, DatasetFolders.keyExtension, files: files)
        } catch {
            throw DatasetError(.io, "\(error)")
        }
        for name in names {
            do throws(DatasetError) {
                if (try? KeyFile.read(folders.key(name), master: new, files: files)) != nil {
                    outcome.already += 1
                    continue
                }
                let (identity, keys) = try KeyFile.read(folders.key(name), master: old, files: files)
                try KeyFile.replace(
                    folders.key(name), unfinished: folders.rewrappedKey(name), identity: identity, keys: keys, master: new,
                    files: files)
                outcome.rewrapped += 1
            } catch {
                guard error.code != .io, error.code != .full else { throw error }
                outcome.left.append(error.message)
            }
        }
        return outcome
    }
}
