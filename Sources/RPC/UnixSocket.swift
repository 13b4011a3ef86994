import Glibc
package import Model
import NIOCore

/// What a Unix socket needs that NIO does not do.
package enum UnixSocket {
    /// Binds a listening-to-be socket at `path`, of that mode from its first moment and closed on exec.
    ///
    /// - Parameter group: that it is given to, while its mode is still 0600; nil: the process's.
    ///
    /// A socket that nobody serves is replaced; one that answers, or any other file, is left alone. The caller must hold a lock
    /// that keeps others from doing the same at the same time.
    /// - Throws: `failedPrecondition` when the path is taken, `invalidArgument` when it is too long, `unavailable` otherwise.
    package static func bind(_ path: String, mode: UInt32, group: UInt32?) throws(Status) -> Int32 {
        var address = try address(path)
        try clear(path, &address)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw failure("make a socket for", path) }
        // On Linux a socket's file gets the mode of the socket at the time it is bound.
        guard fchmod(descriptor, 0o600) == 0, call(descriptor, &address, Glibc.bind) == 0 else {
            let status = failure("bind", path)
            close(descriptor)
            throw status
        }
        guard group.map({ chown(path, uid_t.max, $0) == 0 }) ?? true, chmod(path, mode) == 0 else {
            let status = failure("set group and mode of", path)
            close(descriptor)
            remove(path)
            throw status
        }
        return descriptor
    }

    /// Where a Unix stream socket is bound.
    ///
    /// - Throws: `invalidArgument` when the descriptor is none, or has no path.
    static func path(of descriptor: Int32) throws(Status) -> String {
        var address = sockaddr_un()
        var size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        var type: Int32 = 0
        var typeSize = socklen_t(MemoryLayout<Int32>.size)
        let isStream =
            getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &typeSize) == 0 && type == Int32(SOCK_STREAM.rawValue)
        let bytes = withUnsafeBytes(of: &address.sun_path) { Array($0.prefix { $0 != 0 }) }
        guard found == 0, address.sun_family == sa_family_t(AF_UNIX), isStream, !bytes.isEmpty else {
            throw Status(
                .invalidArgument, "the descriptor \(descriptor) that was passed is no Unix stream socket with a path",
                hint: "use ListenStream= with a path in the socket's unit")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Removes the file of a socket that was served here.
    package static func remove(_ path: String) {
        unlink(path)
    }

    private static func clear(_ path: String, _ address: inout sockaddr_un) throws(Status) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw Status(.failedPrecondition, "\(path) exists and is not a socket", hint: "remove it or choose another --socket")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard probe >= 0 else { throw failure("make a socket for", path) }
        defer { close(probe) }
        guard call(probe, &address, Glibc.connect) != 0, errno == ECONNREFUSED else {
            throw Status(
                .failedPrecondition, "\(path) is served by another process", hint: "stop that one or choose another --socket")
        }
        guard unlink(path) == 0 else { throw failure("replace", path) }
    }

    /// - Throws: `invalidArgument` when the kernel has no room for the path.
    package static func check(_ path: String) throws(Status) {
        guard !path.isEmpty, path.utf8.count <= Limits.socketPathBytes else {
            throw Status(
                .invalidArgument, "the socket path has \(path.utf8.count) bytes; 1 to \(Limits.socketPathBytes) are possible",
                hint: "choose a shorter path: \(path)")
        }
    }

    private static func address(_ path: String) throws(Status) -> sockaddr_un {
        try check(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return address
    }

    private static func call(
        _ descriptor: Int32, _ address: inout sockaddr_un, _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func failure(_ operation: String, _ path: String) -> Status {
        let reason = String(cString: strerror(errno))
        return Status(
            .unavailable, "cannot \(operation) \(path): \(reason)", hint: "check that the folder exists and may be written to")
    }

    /// Who connected, as the kernel says, and makes the descriptor close on exec. On the channel's event loop.
    ///
    /// Nil when the kernel does not say: then nothing may be served.
    static func peer(of channel: any NIOCore.Channel) -> Peer? {
        let found = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) {
            descriptor in
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 ? peer(of: descriptor) : nil
        }
        return found ?? nil
    }

    /// Who is at the other end of a connected socket, as they were when they connected.
    static func peer(of descriptor: Int32) -> Peer? {
        struct Credentials {
            var pid: Int32 = 0
            var uid: UInt32 = .max
            var gid: UInt32 = .max
        }
        // <asm-generic/socket.h>; Glibc's module does not have it.
        let peerGroups: Int32 = 59
        var credentials = Credentials()
        var size = socklen_t(MemoryLayout<Credentials>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 else { return nil }
        var groups = [UInt32](repeating: .max, count: Limits.peerGroups)
        size = socklen_t(groups.count * MemoryLayout<UInt32>.stride)
        guard getsockopt(descriptor, SOL_SOCKET, peerGroups, &groups, &size) == 0 else { return nil }
        groups.removeLast(groups.count - Int(size) / MemoryLayout<UInt32>.stride)
        return Peer(uid: credentials.uid, gid: credentials.gid, groups: groups)
    }

    /// Makes every descriptor of this process, but the standard streams, close on exec: some that the event loops make do not.
    static func closeAllOnExec() {
        guard let folder = opendir("/proc/self/fd") else { return }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if let descriptor = Int32(name), descriptor > 2 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        }
    }
}
