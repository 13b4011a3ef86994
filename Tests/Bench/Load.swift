import Foundation
import Messages
import Model
import NIOCore
import RPC
import Synchronization

/// A process of its own that sends messages on some connections, each with some in flight on one `IngestStream`, and tells how fast they were
/// stored. Every answer is looked at: what is not stored ends it.
enum Load {
    /// What is sent.
    struct Order: Sendable {
        var socket: String
        var connections = 4
        var inFlight = 64
        var bytes = 2000
        /// Messages in all.
        var count = 100_000
        /// Of the ids: others than any order before it has.
        var name: String
        var configuration = "kept"

        /// As a process takes it.
        var arguments: [String] {
            ["load", socket, "\(connections)", "\(inFlight)", "\(bytes)", "\(count)", name, configuration]
        }

        init(socket: String, name: String) {
            self.socket = socket
            self.name = name
        }

        init?(_ arguments: [String]) {
            guard arguments.count == 8, let connections = Int(arguments[2]), let inFlight = Int(arguments[3]),
                let bytes = Int(arguments[4]), let count = Int(arguments[5])
            else { return nil }
            self.init(socket: arguments[1], name: arguments[6])
            (self.connections, self.inFlight, self.bytes, self.count) = (connections, inFlight, bytes, count)
            configuration = arguments[7]
        }
    }

    /// Sends, and prints: messages a second, then p50 and p99 of the time from sending to the answer, in microseconds.
    static func run(_ order: Order) throws {
        let results = Mutex<[Result<[Duration], any Error>]>([])
        let group = DispatchGroup()
        let start = ContinuousClock.now
        for number in 0..<order.connections {
            group.enter()
            Thread.detachNewThread {
                let result = Result { try send(order, number) }
                results.withLock { $0.append(result) }
                group.leave()
            }
        }
        group.wait()
        let time = (ContinuousClock.now - start) / .seconds(1)
        var latencies = Latencies()
        for result in results.withLock({ $0 }) { latencies.all += try result.get() }
        let stored = order.count / order.connections * order.connections
        print("\(Int(Double(stored) / time)) \(latencies.quantile(0.5).microseconds) \(latencies.quantile(0.99).microseconds)")
    }

    private static func send(_ order: Order, _ number: Int) throws -> [Duration] {
        let peer = try BlockingPeer(order.socket)
        let method = MethodName.ingestStream
        var buffer = ByteBuffer()
        let begin = RequestEnvelope(service: method.service, method: method.method, payload: []).packed
        Frame(streamID: 1, kind: .request, flags: .remoteOpen, data: begin).write(into: &buffer)
        let count = order.count / order.connections
        var template = try Template(order, number)
        var latencies: [Duration] = []
        latencies.reserveCapacity(count)
        // Answers come in the order of the messages of a connection, but for those that are told apart by their tags.
        var sentAt = [ContinuousClock.Instant](repeating: .now, count: order.inFlight)
        var (sent, answered) = (0, 0)
        var answers = AnswerReader(peer)
        while answered < count {
            while sent < count, sent - answered < order.inFlight {
                buffer.writeImmutableBuffer(template.frame(of: sent))
                sentAt[sent % order.inFlight] = .now
                sent += 1
            }
            if buffer.readableBytes > 0 {
                guard peer.send(buffer) else { throw Status(.unavailable, "the daemon is gone") }
                buffer.clear()
            }
            repeat {
                for answer in try IngestStreamResponse(packed: try answers.next()).results {
                    guard try answer.result.get().outcome == .stored else { throw Status(.internal, "it was not stored") }
                    latencies.append(.now - sentAt[answered % order.inFlight])
                    answered += 1
                }
            } while answered < sent && answers.hasNext
        }
        return latencies
    }

    /// One message, packed once: only its id and its recipient change, in place.
    private struct Template {
        private var packed: ByteBuffer
        private let idEnd: Int
        private let recipientEnd: Int

        init(_ order: Order, _ number: Int) throws {
            let id = "\(order.name)-\(number)-0000000000"
            let recipient = "+1\(number)0000000000"
            let message = Message(
                id: try MessageID(id), configuration: order.configuration,
                content: .sms(
                    Sms(senderNumbers: ["24365"], recipientNumber: recipient, text: String(repeating: "x", count: order.bytes))))
            packed = ByteBuffer()
            Frame(
                streamID: 1, kind: .data, data: IngestStreamRequest(sandbox: "", tag: 7, message: message).packed
            ).write(into: &packed)
            guard let id = packed.readableBytesView.firstRange(of: Array(id.utf8)),
                let recipient = packed.readableBytesView.firstRange(of: Array(recipient.utf8))
            else { throw Status(.internal, "the id is not where it should be") }
            (idEnd, recipientEnd) = (id.upperBound, recipient.upperBound)
        }

        mutating func frame(of index: Int) -> ByteBuffer {
            let digits = String(index)
            packed.setString(digits, at: idEnd - digits.utf8.count)
            packed.setString(digits, at: recipientEnd - digits.utf8.count)
            return packed
        }
    }

    /// Takes answers apart that came with one read.
    private struct AnswerReader {
        private let peer: BlockingPeer
        private var received = ByteBuffer()

        init(_ peer: BlockingPeer) {
            self.peer = peer
        }

        /// Whether a whole frame has come already.
        var hasNext: Bool {
            guard received.readableBytes >= Frame.headerSize,
                let length: UInt32 = received.getInteger(at: received.readerIndex)
            else { return false }
            return received.readableBytes >= Frame.headerSize + Int(length)
        }

        /// The next frame's data.
        mutating func next() throws(Status) -> [UInt8] {
            while !hasNext {
                guard peer.receive(into: &received) else { throw Status(.unavailable, "the daemon is gone") }
            }
            guard let length: UInt32 = received.readInteger(), received.readBytes(length: Frame.headerSize - 4) != nil,
                let data = received.readBytes(length: Int(length))
            else { throw Status(.internal, "the frame is not whole") }
            if received.readerIndex > 1 << 20 { received.discardReadBytes() }
            return data
        }
    }
}
