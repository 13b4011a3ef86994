package import Disk
import FoundationEssentials
package import Model
import SystemPackage

/// A destination on the daemon's own machine: a folder.
package struct LocalFolder: Storage {
    package let isFar = false
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

    /// The destination's own folder is never made: where it is gone, a disk may not be mounted.
    ///
    /// - Throws: `unusable` when the destination's own folder is a link, or one below it.
    package func begin(_ name: String, in folder: String) throws(DestinationError) -> any Upload {
        try destined { () throws(DiskError) in
            try reach("deliver to")
            try requireNoLink(folder)
            try files.createFolder(place(folder))
            return try Delivery(name: name, folder: place(folder), files: files)
        }
    }

    private func requireNoLink(_ folder: String) throws(DiskError) {
        // Whoever may write below it must not lead files elsewhere.
        var step = path
        for component in FilePath(folder).components {
            step.append(component)
            if try files.isLink(step) { throw DiskError("deliver through the link", step, .tooManySymbolicLinkLevels) }
        }
    }

    package func requireFree(_ name: String, in folder: String) throws(DestinationError) {
        try destined { () throws(DiskError) in
            try reach("deliver to")
            let file = place(folder).appending(name)
            if try files.exists(file) { throw DiskError("deliver", file, .fileExists) }
        }
    }

    package func size(of name: String, in folder: String) throws(DestinationError) -> Int64? {
        try destined { () throws(DiskError) in
            let file = place(folder).appending(name)
            guard try files.exists(path), try files.exists(file) else { return nil }
            // Whoever delivered it may have been stopped before it could do so.
            try files.syncFolder(place(folder))
            return try files.open(file).size()
        }
    }

    package func content(of name: String, in folder: String) throws(DestinationError) -> [UInt8] {
        try destined { () throws(DiskError) in
            let file = try files.open(place(folder).appending(name))
            return try file.read(Int(min(file.size(), 1 << 20)), at: 0)
        }
    }

    package func lists(_ name: String) throws(DestinationError) -> Bool {
        try destined { () throws(DiskError) in try files.list(path).contains(name) }
    }

    package func remove(_ name: String, in folder: String) throws(DestinationError) {
        try destined { () throws(DiskError) in
            // It may be there still, where that cannot be seen.
            try reach("remove from")
            for name in [name, Delivery.unfinished(name)] {
                let file = place(folder).appending(name)
                if try files.exists(file) { try files.remove(file) }
            }
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
    private final class Delivery: Upload {
        private let target: FilePath
        private let unfinished: FilePath
        private let folder: FilePath
        private let files: any Files
        private let file: any File
        private(set) var size: Int64 = 0

        static func unfinished(_ name: String) -> String { ".\(name).unfinished" }

        init(name: String, folder: FilePath, files: any Files) throws(DiskError) {
            self.folder = folder
            self.files = files
            target = folder.appending(name)
            unfinished = folder.appending(Delivery.unfinished(name))
            if try files.exists(unfinished) { try files.remove(unfinished) }
            file = try files.create(unfinished)
        }

        func write(_ bytes: [UInt8]) throws(DestinationError) {
            try destined { () throws(DiskError) in try file.write([Data(bytes)], at: size) }
            size += Int64(bytes.count)
        }

        func publish() throws(DestinationError) {
            do throws(DestinationError) {
                try destined { () throws(DiskError) in
                    try file.sync()
                    try files.rename(unfinished, to: target)
                }
            } catch {
                discard()
                throw error
            }
            try destined { () throws(DiskError) in try files.syncFolder(folder) }
        }

        func discard() {
            // The run fails for its own reason already; a leftover is named so that it is told from a delivered file.
            try? files.remove(unfinished)
        }
    }
}

/// What fails on a disk, as a failure of the destination there.
private func destined<Value>(_ body: () throws(DiskError) -> Value) throws(DestinationError) -> Value {
    do throws(DiskError) { return try body() } catch { throw DestinationError(error) }
}

extension DestinationError {
    /// A failure of a folder of this machine.
    package init(_ error: DiskError) {
        let reason: Reason =
            switch error.errno {
            case .fileExists: .nameTaken
            case .tooManySymbolicLinkLevels, .notDirectory, .fileNameTooLong: .unusable
            case .noSuchFileOrDirectory: .noSuchPlace
            case .permissionDenied, .notPermitted, .readOnlyFileSystem: .permission
            case .noSpace, .diskQuotaExceeded: .full
            default: .other
            }
        self.init(reason, "\(error)")
    }
}
