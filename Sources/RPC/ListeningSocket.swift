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

    package init(path: String, mode: UInt32 = 0o600, group: UInt32? = nil, sandbox: String? = nil) {
        self.path = path
        self.mode = mode
        self.group = group
        self.sandbox = sandbox
    }
}
