import Glibc
import NIOCore
import RPC

/// A peer that sends whatever bytes a test wants. Blocks.
final class RawPeer {
    private let descriptor: Int32

    struct Failure: Error {
        let errno: Int32
    }

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Failure(errno: errno) }
        // A test that would wait for ever fails instead.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit {
        close(descriptor)
    }

    func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(errno: errno) }
            sent += count
        }
    }

    /// Writes what the other end takes at once; returns how much that was.
    func writeSome(_ bytes: [UInt8]) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        return max(0, bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) })
    }

    /// Writes frames in pieces of so many bytes, again and again; nil: at once.
    func write(_ frames: Frame..., pieces: [Int]? = nil) throws {
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

    /// Sends no more.
    func shutWrite() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// The next frame; nil when the other end closed.
    func readFrame() throws -> Frame? {
        guard let header = try read(Frame.headerSize) else { return nil }
        func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
        let data = try read(Int(integer(header[0..<4]))) ?? []
        return Frame(
            streamID: integer(header[4..<8]), rawKind: header[8], flags: Frame.Flags(rawValue: header[9]), data: data)
    }

    private func read(_ count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: max(count, 1))
        while bytes.count < count {
            let got = recv(descriptor, &piece, count - bytes.count, 0)
            // Closed with something unread looks like a reset; both are an end.
            guard got >= 0 || errno == ECONNRESET else { throw Failure(errno: errno) }
            if got <= 0 { return nil }
            bytes += piece.prefix(got)
        }
        return bytes
    }
}
