package import FoundationEssentials
package import SystemPackage

/// The file system as this project uses it: the only door to open, write, sync and rename.
///
/// Two implementations: `PosixFiles`, the real one, and the tests' simulated one, which forgets what was not synced.
/// All calls block; call them from a thread that may.
package protocol Files: Sendable {
    /// Makes a folder (mode 0700) and its missing parents. When it returns they are durable; it may exist already.
    func createFolder(_ path: FilePath) throws(DiskError)

    /// Makes the names in a folder durable: what was created in it, renamed or removed.
    func syncFolder(_ path: FilePath) throws(DiskError)

    /// The names in a folder, sorted by their bytes, without `.` and `..`.
    func list(_ path: FilePath) throws(DiskError) -> [String]

    /// Whether something has that name.
    func exists(_ path: FilePath) throws(DiskError) -> Bool

    /// Whether something has that name and is a symbolic link.
    func isLink(_ path: FilePath) throws(DiskError) -> Bool

    /// Makes a new empty file (mode 0600), open for reading and writing. Its name is durable after `syncFolder`.
    /// - Throws: `EEXIST` when the name is taken.
    func create(_ path: FilePath) throws(DiskError) -> any File

    /// Opens an existing file for reading and writing.
    func open(_ path: FilePath) throws(DiskError) -> any File

    /// Gives a file another name, replacing what has it. Durable after `syncFolder` of both folders.
    func rename(_ path: FilePath, to target: FilePath) throws(DiskError)

    /// Removes a file's name. Durable after `syncFolder`.
    func remove(_ path: FilePath) throws(DiskError)

    /// The same of what may be large: its end goes first, piece by piece, so that nobody else's syncs wait for all of it. Who has it open reads
    /// less meanwhile, and what a failure or a stop leaves may be its beginning.
    func removeInPieces(_ path: FilePath) throws(DiskError)
}

/// An open file; closes itself when the last reference to it goes. Reads may come from any thread; writes and syncs from one at a time.
package protocol File: AnyObject, Sendable {
    /// Writes the pieces one after the other, whole, from `offset` on. Durable after `sync`.
    func write(_ pieces: [Data], at offset: Int64) throws(DiskError)

    /// Reads up to `count` bytes; fewer only at the end of the file.
    func read(_ count: Int, at offset: Int64) throws(DiskError) -> [UInt8]

    /// Size in bytes.
    func size() throws(DiskError) -> Int64

    /// When it returns, all that was written to this file is durable, its size too. After it failed nothing is known of what was
    /// written since the last success: close the file and do not trust it.
    func sync() throws(DiskError)
}

/// An operation of the file system that failed.
package struct DiskError: Error, Hashable, CustomStringConvertible {
    /// What was tried, such as `open`.
    package let operation: String
    /// What it was tried on.
    package let path: FilePath
    /// Why it failed, in the words of the system.
    package let errno: Errno

    package init(_ operation: String, _ path: FilePath, _ errno: Errno) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    /// Whether there is no room: the disk or a quota is full.
    package var isFull: Bool { errno == .noSpace || errno == .diskQuotaExceeded }

    package var description: String { "cannot \(operation) \(path): \(errno)" }
}
