import Foundation
import Messages
import Model
import NIOCore
import RPC
import TestSupport

/// A process of its own that sends messages on one `IngestStream` as fast as the daemon takes them, until it is ended.
enum Flood {
    static func run(_ socket: String, _ name: String) throws -> Never {
        let peer = try RawPeer(socket)
        // What it is answered is taken, or the daemon would stop to read.
        Thread.detachNewThread {
            var space = [UInt8](repeating: 0, count: 1 << 16)
            do { while try space.withUnsafeMutableBytes({ try peer.read(into: $0) }) > 0 {} } catch { exit(1) }
            exit(0)
        }
        let method = MethodName.ingestStream
        let begin = RequestEnvelope(service: method.service, method: method.method, payload: []).packed
        var buffer = ByteBuffer()
        Frame(streamID: 1, kind: .request, flags: .remoteOpen, data: begin).write(into: &buffer)
        // One message, packed once: only its id changes, in place.
        let id = "\(name)-0000000000"
        let message = try BenchDaemon.message(id, configuration: "kept", bytes: 2000)
        var frame = ByteBuffer()
        Frame(
            streamID: 1, kind: .data, data: IngestStreamRequest(sandbox: "", tag: 7, message: message).packed
        ).write(into: &frame)
        guard let place = frame.readableBytesView.firstRange(of: Array(id.utf8)) else {
            throw Status(.internal, "the id is not where it should be")
        }
        for index in 0... {
            let digits = String(index)
            frame.setString(digits, at: place.upperBound - digits.utf8.count)
            buffer.writeImmutableBuffer(frame)
            if index % 64 == 63 {
                guard (try? peer.write(Array(buffer.readableBytesView))) != nil else { exit(0) }
                buffer.clear()
            }
        }
        exit(0)
    }
}
