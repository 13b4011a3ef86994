package import Model

/// A socket that a server listens on.
package struct ListeningSocket: Hashable, Sendable {
    /// Where it is.
    package let path: String
    /// Permission bits of its file.
    package let mode: UInt32
    /// Group id that its file is given to; nil: the process's.
    package let group: UInt32?
    /// Name of the one sandbox that its peers are confined to; nil: they are not.
    package let sandbox: String?
    /// Its descriptor, where another process bound it and keeps its file; nil: it is to be bound.
    package let passed: Int32?

    package init(path: String, mode: UInt32 = 0o600, group: UInt32? = nil, sandbox: String? = nil) {
        self.path = path
        self.mode = mode
        self.group = group
        self.sandbox = sandbox
        passed = nil
    }

    /// Removes its file, if this process made it.
    func remove() {
        if passed == nil { UnixSocket.remove(path) }
    }

    /// A socket that another process bound and passed to this one.
    ///
    /// - Throws: `invalidArgument` when the descriptor is no Unix stream socket with a path.
    package init(passed descriptor: Int32, sandbox: String?) throws(Status) {
        path = try UnixSocket.path(of: descriptor)
        mode = 0
        group = nil
        self.sandbox = sandbox
        passed = descriptor
    }
}
