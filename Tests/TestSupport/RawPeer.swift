import Glibc
package import Model
import NIOCore
package import RPC

/// The plainest client there is: a blocking socket that sends whatever bytes it is given.
///
/// One thread may write while another reads.
package final class RawPeer: Sendable {
    private let descriptor: Int32

    /// What waits for longer fails, and does not wait for ever.
    private static let secondsToWait = 60

    /// Connects to what listens at a path.
    package init(_ path: String) throws(Status) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw failure("cannot connect to \(path)") }
        var limit = timeval(tv_sec: RawPeer.secondsToWait, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
    }

    // MARK: Writing

    /// Writes all of it; returns when the system has taken it.
    package func write(_ bytes: [UInt8]) throws(Status) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw failure("cannot write") }
            sent += count
        }
    }

    /// Writes frames in pieces of so many bytes, again and again; nil: at once.
    package func write(_ frames: Frame..., pieces: [Int]? = nil) throws(Status) {
        var buffer = ByteBuffer()
        for frame in frames { frame.write(into: &buffer) }
        var rest = Array(buffer.readableBytesView)[...]
        var next = 0
        while let pieces, !rest.isEmpty {
            let piece = rest.prefix(pieces[next % pieces.count])
            try write(Array(piece))
            rest = rest.dropFirst(piece.count)
            next += 1
        }
        try write(Array(rest))
    }

    /// Writes what the other end takes at once; returns how much that was.
    package func writeSome(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return max(0, bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) })
    }

    /// Sends no more.
    package func shutWrite() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    // MARK: Reading

    /// The next frame; nil when the other end closed.
    package func readFrame() throws -> Frame? {
        guard let header = try read(Frame.headerSize) else { return nil }
        func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
        guard let data = try read(Int(integer(header[0..<4]))) else { return nil }
        return Frame(
            streamID: integer(header[4..<8]), rawKind: header[8], flags: Frame.Flags(rawValue: header[9]), data: data)
    }

    /// Reads what has come, at least one byte and at most as much as there is space for.
    /// - Returns: how much that was; 0: the other end closed.
    package func read(into space: UnsafeMutableRawBufferPointer) throws(Status) -> Int {
        let count = recv(descriptor, space.baseAddress, space.count, 0)
        // Closed with something unread looks like a reset; both are an end.
        guard count >= 0 || errno == ECONNRESET else { throw failure("cannot read") }
        return max(0, count)
    }

    private func read(_ count: Int) throws -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let some = try bytes.withUnsafeMutableBytes {
                try read(into: UnsafeMutableRawBufferPointer(rebasing: $0[got...]))
            }
            guard some > 0 else { return nil }
            got += some
        }
        return bytes
    }
}

/// What the last system call failed of.
private func failure(_ what: String) -> Status { Status(.unavailable, "\(what): \(String(cString: strerror(errno)))") }
