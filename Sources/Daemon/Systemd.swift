import Glibc
package import Model
package import RPC

/// What a daemon tells systemd, and is given by it: sd_notify(3) and sd_listen_fds(3), as their pages say.
package enum Systemd {
    /// The first descriptor that is passed.
    private static let firstDescriptor: Int32 = 3

    /// Tells of a state, such as `READY=1`; without systemd nothing happens.
    ///
    /// - Parameter environment: the process's.
    static func notify(_ state: String, environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // An abstract socket's name begins with a zero.
        if name[0] == UInt8(ascii: "@") { name[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let message = Array(state.utf8)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, message, message.count, Int32(MSG_NOSIGNAL), address, size)
            }
        }
    }

    /// How often it wants to hear that the daemon does its work; nil: it does not.
    static func watchdog(environment: [String: String], pid: Int32 = getpid()) -> Duration? {
        guard let interval = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), interval > 0 else { return nil }
        guard environment["WATCHDOG_PID"].map({ Int32($0) == pid }) ?? true else { return nil }
        return .microseconds(interval)
    }

    /// The sockets that it passes; none, unless it started this process for them.
    ///
    /// A socket whose `FileDescriptorName` is `all`, or that has none of its own, is for all sandboxes; one that is named otherwise is
    /// confined to the sandbox of that name.
    /// - Throws: `invalidArgument` when what is passed cannot be served.
    package static func passedSockets(
        environment: [String: String], pid: Int32 = getpid()
    ) throws(Status) -> [ListeningSocket] {
        guard environment["LISTEN_PID"].flatMap({ Int32($0) }) == pid,
            let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }),
            (1...Int32(Limits.passedSockets)).contains(count)
        else { return [] }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var sockets: [ListeningSocket] = []
        for index in 0..<count {
            let name = Int(index) < names.count ? names[Int(index)] : "all"
            let isForAll = name == "all" || name == "unknown" || name.hasSuffix(".socket")
            guard isForAll || (try? SandboxName(name)) != nil else {
                throw Status(
                    .invalidArgument, "systemd passes a socket named \(name), which is no name of a sandbox",
                    hint: "set FileDescriptorName= to all, or to the sandbox's name")
            }
            sockets.append(
                try ListeningSocket(passed: firstDescriptor + index, sandbox: isForAll ? nil : name))
        }
        // The first one is where the daemon is found.
        guard let first = sockets.firstIndex(where: { $0.sandbox == nil }) else {
            throw Status(
                .invalidArgument, "systemd passes no socket for all sandboxes",
                hint: "name one of them FileDescriptorName=all")
        }
        sockets.swapAt(0, first)
        return sockets
    }
}
