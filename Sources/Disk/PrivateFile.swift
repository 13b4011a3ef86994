import FoundationEssentials
import Glibc
package import SystemPackage

/// Small files that hold a secret: read whole, written whole.
package enum PrivateFile {
    /// Why a secret file was not read.
    package enum Refusal: Error, Hashable {
        /// Others than its owner may read or write it; `mode` are its permission bits.
        case openToOthers(mode: UInt32)
        case notARegularFile
        case tooLarge(limit: Int)
        case disk(DiskError)
    }

    /// Reads the file; nil when there is none. Refuses one that others than the owner may use, without reading it.
    ///
    /// - Parameter isCredential: systemd made it for this process: root's, with an access list for this user that shows as a group's right.
    package static func read(_ path: FilePath, limit: Int, isCredential: Bool = false) throws(Refusal) -> [UInt8]? {
        let descriptor = Glibc.open(path.string, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        if descriptor < 0 {
            let failure = Errno(rawValue: Glibc.errno)
            if failure == .noSuchFileOrDirectory { return nil }
            throw .disk(DiskError("open", path, failure))
        }
        defer { _ = Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .disk(DiskError("look at", path, Errno(rawValue: Glibc.errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile }
        guard status.st_mode & (isCredential ? 0o037 : 0o077) == 0 else { throw .openToOthers(mode: status.st_mode & 0o777) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .disk(DiskError("read", path, Errno(rawValue: Glibc.errno))) }
        guard count <= limit else { throw .tooLarge(limit: limit) }
        return Array(bytes.prefix(count))
    }

    /// Makes the file with `content`, mode 0600. When it returns the file is durable and whole; it never exists in part.
    /// - Throws: `EEXIST` when the name is taken.
    package static func create(_ path: FilePath, content: [UInt8]) throws(DiskError) {
        let files = PosixFiles()
        let folder = path.removingLastComponent()
        guard try !files.exists(path) else { throw DiskError("create", path, .fileExists) }
        try files.createFolder(folder)
        try write(path, content, files)
    }

    /// Makes the file, or gives it other content. When it returns the file is durable and whole; it never exists in part.
    package static func replace(_ path: FilePath, content: [UInt8]) throws(DiskError) {
        try write(path, content, PosixFiles())
    }

    private static func write(_ path: FilePath, _ content: [UInt8], _ files: PosixFiles) throws(DiskError) {
        var unfinished = path
        unfinished.extension = "new"
        if try files.exists(unfinished) { try files.remove(unfinished) }
        let file = try files.create(unfinished)
        try file.write([Data(content)], at: 0)
        try file.sync()
        try files.rename(unfinished, to: path)
        try files.syncFolder(path.removingLastComponent())
    }
}
