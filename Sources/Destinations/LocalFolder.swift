package import Disk
import FoundationEssentials
package import Model
import SystemPackage

/// A destination on the daemon's own machine: a folder.
package struct LocalFolder: Sendable {
    private let path: FilePath
    private let files: any Files

    /// - Throws: `invalidArgument` naming `path` when it is not an absolute path without `..` and control characters.
    package init(path: String, files: any Files) throws(Status) {
        guard !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw Status(.invalidArgument, "control characters are not allowed in the path of a folder", field: "path")
        }
        let parsed = FilePath(path)
        guard parsed.isAbsolute, parsed.isLexicallyNormal, !parsed.components.isEmpty else {
            throw Status(.invalidArgument, "not an absolute path of a folder: \(path)", field: "path")
        }
        self.path = parsed
        self.files = files
    }

    /// Whether files can be delivered here now, tried with one.
    ///
    /// - Throws: `failedPrecondition` naming `path` when the folder is missing or may not be written to. Blocks.
    package func check() throws(Status) {
        do {
            try reach("deliver to")
            _ = try files.list(path)
            let probe = path.appending(".message-export-probe")
            if try files.exists(probe) { try files.remove(probe) }
            _ = try files.create(probe)
            try files.remove(probe)
        } catch {
            throw Status(
                .failedPrecondition, "cannot deliver to \(path): \(error)", field: "path",
                hint: "make the folder, and let the daemon's user write to it")
        }
    }

    /// Begins a file below `folder`, which is made where it is missing. Nobody sees it by its name before `publish`.
    ///
    /// The destination's own folder is never made: where it is gone, a disk may not be mounted.
    /// What has the name is replaced: the caller makes sure that it is its own (`requireFree`, before it takes note of the name).
    ///
    /// - Throws: `ELOOP` when the destination's own folder is a link, or one below it.
    package func begin(_ name: String, in folder: String) throws(DiskError) -> Delivery {
        try reach("deliver to")
        // Whoever may write below it must not lead files elsewhere.
        var step = path
        for component in FilePath(folder).components {
            step.append(component)
            if try files.isLink(step) { throw DiskError("deliver through the link", step, .tooManySymbolicLinkLevels) }
        }
        try files.createFolder(place(folder))
        return try Delivery(name: name, folder: place(folder), files: files)
    }

    /// Makes sure that nothing below `folder` has that name.
    ///
    /// - Throws: `EEXIST` when it is taken.
    package func requireFree(_ name: String, in folder: String) throws(DiskError) {
        try reach("deliver to")
        let file = place(folder).appending(name)
        if try files.exists(file) { throw DiskError("deliver", file, .fileExists) }
    }

    /// Bytes of a delivered file below `folder`; nil when there is none of that name. When it returns, the name is durable.
    package func size(of name: String, in folder: String) throws(DiskError) -> Int64? {
        let file = place(folder).appending(name)
        guard try files.exists(path), try files.exists(file) else { return nil }
        // Whoever delivered it may have been stopped before it could do so.
        try files.syncFolder(place(folder))
        return try files.open(file).size()
    }

    /// Removes a file that the caller delivered below `folder`, and what it left unfinished of it; nothing when there is none.
    package func remove(_ name: String, in folder: String) throws(DiskError) {
        // It may be there still, where that cannot be seen.
        try reach("remove from")
        for name in [name, Delivery.unfinished(name)] {
            let file = place(folder).appending(name)
            if try files.exists(file) { try files.remove(file) }
        }
    }

    /// Makes sure that the destination's folder is there, and is one.
    private func reach(_ operation: String) throws(DiskError) {
        if try files.isLink(path) { throw DiskError("\(operation) what the link leads to:", path, .tooManySymbolicLinkLevels) }
        guard try files.exists(path) else { throw DiskError(operation, path, .noSuchFileOrDirectory) }
    }

    private func place(_ folder: String) -> FilePath {
        var place = path
        place.append(FilePath(folder).components)
        return place
    }

    /// A file on its way to a folder.
    package struct Delivery: ~Copyable {
        private let target: FilePath
        private let unfinished: FilePath
        private let folder: FilePath
        private let files: any Files
        private let file: any File
        /// Bytes written so far.
        package private(set) var size: Int64 = 0

        static func unfinished(_ name: String) -> String { ".\(name).unfinished" }

        init(name: String, folder: FilePath, files: any Files) throws(DiskError) {
            self.folder = folder
            self.files = files
            target = folder.appending(name)
            unfinished = folder.appending(Delivery.unfinished(name))
            if try files.exists(unfinished) { try files.remove(unfinished) }
            file = try files.create(unfinished)
        }

        /// Adds to the end of the file.
        package mutating func write(_ bytes: [UInt8]) throws(DiskError) {
            try file.write([Data(bytes)], at: size)
            size += Int64(bytes.count)
        }

        /// Gives the file its name. When this returns, it is whole and durable.
        /// When it throws, nothing of the file is left, as far as that can be done.
        package consuming func publish() throws(DiskError) {
            do throws(DiskError) {
                try file.sync()
                try files.rename(unfinished, to: target)
            } catch {
                discard()
                throw error
            }
            try files.syncFolder(folder)
        }

        /// Gives the file up and removes what was written, as far as that can be done.
        package consuming func discard() {
            // The run fails for its own reason already; a leftover is named so that it is told from a delivered file.
            try? files.remove(unfinished)
        }
    }
}
