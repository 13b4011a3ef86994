import FoundationEssentials
import Glibc
package import SystemPackage

/// The real file system.
package struct PosixFiles: Files {
    package init() {}

    package func createFolder(_ path: FilePath) throws(DiskError) {
        if mkdir(path.string, 0o700) == 0 {
            try syncFolder(path.removingLastComponent())
            return
        }
        let failure = Errno(rawValue: Glibc.errno)
        if failure == .fileExists, isFolder(path) {
            // Whoever made it may have stopped before its name was durable.
            return try syncFolder(path.removingLastComponent())
        }
        guard failure == .noSuchFileOrDirectory, path.lastComponent != nil else {
            throw DiskError("create folder", path, failure)
        }
        try createFolder(path.removingLastComponent())
        guard mkdir(path.string, 0o700) == 0 || Errno(rawValue: Glibc.errno) == .fileExists else {
            throw DiskError("create folder", path, Errno(rawValue: Glibc.errno))
        }
        try syncFolder(path.removingLastComponent())
    }

    private func isFolder(_ path: FilePath) -> Bool {
        var status = stat()
        return stat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    package func syncFolder(_ path: FilePath) throws(DiskError) {
        let folder = path.isEmpty ? FilePath(".") : path
        let descriptor = Glibc.open(folder.string, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw DiskError("open folder", folder, Errno(rawValue: Glibc.errno)) }
        defer { _ = Glibc.close(descriptor) }
        guard fsync(descriptor) == 0 else { throw DiskError("sync folder", folder, Errno(rawValue: Glibc.errno)) }
    }

    package func list(_ path: FilePath) throws(DiskError) -> [String] {
        guard let folder = opendir(path.string) else { throw DiskError("list", path, Errno(rawValue: Glibc.errno)) }
        defer { closedir(folder) }
        var names: [String] = []
        while true {
            Glibc.errno = 0
            guard let entry = readdir(folder) else {
                guard Glibc.errno == 0 else { throw DiskError("list", path, Errno(rawValue: Glibc.errno)) }
                return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                String(cString: UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }

    package func exists(_ path: FilePath) throws(DiskError) -> Bool {
        var status = stat()
        if lstat(path.string, &status) == 0 { return true }
        let failure = Errno(rawValue: Glibc.errno)
        guard failure == .noSuchFileOrDirectory else { throw DiskError("look at", path, failure) }
        return false
    }

    package func isLink(_ path: FilePath) throws(DiskError) -> Bool {
        guard try exists(path) else { return false }
        var status = stat()
        return lstat(path.string, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    package func create(_ path: FilePath) throws(DiskError) -> any File {
        let descriptor = Glibc.open(path.string, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw DiskError("create", path, Errno(rawValue: Glibc.errno)) }
        return PosixFile(descriptor: descriptor, path: path)
    }

    package func open(_ path: FilePath) throws(DiskError) -> any File {
        let descriptor = Glibc.open(path.string, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw DiskError("open", path, Errno(rawValue: Glibc.errno)) }
        return PosixFile(descriptor: descriptor, path: path)
    }

    package func rename(_ path: FilePath, to target: FilePath) throws(DiskError) {
        guard Glibc.rename(path.string, target.string) == 0 else { throw DiskError("rename", path, Errno(rawValue: Glibc.errno)) }
    }

    package func remove(_ path: FilePath) throws(DiskError) {
        guard unlink(path.string) == 0 else { throw DiskError("remove", path, Errno(rawValue: Glibc.errno)) }
    }

    package func removeInPieces(_ path: FilePath) throws(DiskError) {
        shrink(path)
        try remove(path)
    }
}

extension PosixFiles {
    /// Bytes that are taken off a file at a time: some 2 ms, for which every sync of other files waits.
    private static let shrunkAtOnce: Int64 = 4 << 20

    /// Takes the end off a large file, again and again, until little is left. One that has other names, or cannot be changed, stays as it is.
    private func shrink(_ path: FilePath) {
        let descriptor = Glibc.open(path.string, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        defer { _ = Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else { return }
        var size = Int64(status.st_size)
        while size > PosixFiles.shrunkAtOnce {
            size -= PosixFiles.shrunkAtOnce
            guard ftruncate(descriptor, off_t(size)) == 0 else { return }
        }
    }
}

/// A file of the real file system.
private final class PosixFile: File {
    private let descriptor: Int32
    private let path: FilePath

    init(descriptor: Int32, path: FilePath) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit {
        _ = Glibc.close(descriptor)
    }

    func write(_ pieces: [Data], at offset: Int64) throws(DiskError) {
        // One call for what is written together, as far as the system takes so many pieces.
        var position = offset
        for start in stride(from: 0, to: pieces.count, by: PosixFile.piecesAtOnce) {
            let some = Array(pieces[start..<min(start + PosixFile.piecesAtOnce, pieces.count)])
            let size = some.reduce(0) { $0 + $1.count }
            let written = try gather(some, at: position)
            if written < size { try write(rest: some, from: written, at: position) }
            position += Int64(size)
        }
    }

    private static let piecesAtOnce = 64

    /// Writes the pieces with one call, which may take only the beginning; returns how much it took.
    private func gather(_ pieces: [Data], at position: Int64) throws(DiskError) -> Int {
        var vectors: [iovec] = []
        func withAll(_ index: Int, _ body: () -> Int) -> Int {
            guard index < pieces.count else { return body() }
            return pieces[index].withUnsafeBytes { bytes in
                vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
                return withAll(index + 1, body)
            }
        }
        while true {
            vectors = []
            let count = withAll(0) { pwritev(descriptor, vectors, Int32(vectors.count), off_t(position)) }
            if count >= 0 { return count }
            guard Glibc.errno == EINTR else { throw DiskError("write", path, Errno(rawValue: Glibc.errno)) }
        }
    }

    private func write(rest pieces: [Data], from skipped: Int, at offset: Int64) throws(DiskError) {
        var bytes: [UInt8] = []
        for piece in pieces { bytes.append(contentsOf: piece) }
        var written = skipped
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(
                    descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written, off_t(offset) + off_t(written))
            }
            if count < 0 {
                if Glibc.errno == EINTR { continue }
                throw DiskError("write", path, Errno(rawValue: Glibc.errno))
            }
            written += count
        }
    }

    func read(_ count: Int, at offset: Int64) throws(DiskError) -> [UInt8] {
        var failure: Errno?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset) + filled)
                if got < 0 {
                    if Glibc.errno == EINTR { continue }
                    failure = Errno(rawValue: Glibc.errno)
                    return
                }
                if got == 0 { return }
                filled += got
            }
        }
        if let failure { throw DiskError("read", path, failure) }
        return bytes
    }

    func size() throws(DiskError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw DiskError("look at", path, Errno(rawValue: Glibc.errno)) }
        return Int64(status.st_size)
    }

    func sync() throws(DiskError) {
        guard fdatasync(descriptor) == 0 else { throw DiskError("sync", path, Errno(rawValue: Glibc.errno)) }
    }
}
