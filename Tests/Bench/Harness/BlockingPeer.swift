import Glibc
import Model
import NIOCore
import RPC

/// The plainest client there is, so that the daemon is measured and nothing else: a blocking socket, one thread.
final class BlockingPeer: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws(Status) {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw Status(.unavailable, "cannot connect to \(path)") }
    }

    deinit {
        close(descriptor)
    }

    /// False when the other end is gone.
    func send(_ buffer: ByteBuffer) -> Bool { send(Array(buffer.readableBytesView)) }

    /// False when the other end is gone.
    func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = Glibc.send(descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    /// What has come, into that space; waits for something. 0: the other end is gone.
    func receive(into space: UnsafeMutableRawBufferPointer) -> Int {
        max(0, recv(descriptor, space.baseAddress, space.count, 0))
    }

    /// Takes what has come and lets go of it; false when the other end is gone.
    func skip() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { recv(descriptor, $0.baseAddress, $0.count, 0) > 0 }
    }

    /// The next frame.
    func receive() throws(Status) -> Frame {
        let header = try receive(Frame.headerSize)
        func integer(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }
        let data = try receive(Int(integer(header[0..<4])))
        return Frame(
            streamID: integer(header[4..<8]), rawKind: header[8], flags: Frame.Flags(rawValue: header[9]), data: data)
    }

    private func receive(_ count: Int) throws(Status) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var got = 0
        while got < count {
            let some = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress?.advanced(by: got), count - got, 0) }
            guard some > 0 else { throw Status(.unavailable, "the daemon is gone") }
            got += some
        }
        return bytes
    }
}
