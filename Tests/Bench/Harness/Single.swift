import Messages
import Model
import NIOCore
import RPC
import TestSupport

/// One connection that hands over one message after the other, each in a call of its own: packed before, so that what is measured is the daemon.
struct Single {
    private let peer: RawPeer
    private let corpus: Corpus
    private let isKept: Bool

    init(_ socket: String, corpus: Corpus, isKept: Bool) throws {
        peer = try RawPeer(socket)
        self.corpus = corpus
        self.isKept = isKept
    }

    /// Nanoseconds that each call took; every answer is looked at.
    func times(_ name: String, count: Int) throws -> [UInt64] {
        let method = MethodName.ingest
        return try (0..<count).map { index in
            let content = corpus.content(index, recipient: "+12025550123")
            let message = Message(
                id: try MessageID("\(name)-\(index)"), configuration: BenchDaemon.configuration(content.channel, isKept: isKept),
                content: content)
            let request = RequestEnvelope(
                service: method.service, method: method.method, payload: IngestRequest(sandbox: "", messages: [message]).packed)
            var buffer = ByteBuffer()
            Frame(streamID: UInt32(index) * 2 + 1, kind: .request, data: request.packed).write(into: &buffer)
            let bytes = Array(buffer.readableBytesView)
            let start = nanoseconds()
            try peer.write(bytes)
            guard let answer = try peer.readFrame() else { throw Status(.unavailable, "the daemon is gone") }
            let time = nanoseconds() - start
            guard case .success(let payload) = try ResponseEnvelope(packed: answer.data),
                try IngestResponse(packed: payload).results.first?.get().outcome == (isKept ? .stored : .exportDisabled)
            else { throw Status(.internal, "it had another outcome") }
            return time
        }
    }
}
