import Foundation
import Glibc
import Messages
import Model
import NIOCore
import RPC
import Synchronization
import TestSupport

/// One connection of a load, its messages packed before it begins, so that what is measured is the daemon.
final class Lane: Sendable {
    private let order: Load.Order
    private let number: Int
    private let peer: RawPeer
    private let templates: [Template]

    private var count: Int { order.count / order.connections }

    init(_ order: Load.Order, _ number: Int) throws {
        self.order = order
        self.number = number
        peer = try RawPeer(order.socket)
        templates = try (0..<min(64, order.count / order.connections)).map { try Template(order, lane: number, index: $0) }
    }

    /// Sends all, and returns when all are answered.
    /// - Returns: nanoseconds that each was under way.
    func send(from start: UInt64) throws -> [UInt64] {
        let method = MethodName.ingestStream
        let begin = RequestEnvelope(service: method.service, method: method.method, payload: []).packed
        var buffer = ByteBuffer()
        Frame(streamID: 1, kind: .request, flags: .remoteOpen, data: begin).write(into: &buffer)
        try peer.write(Array(buffer.readableBytesView))
        return try order.rate.map { try send(rate: $0 / Double(order.connections), from: start) } ?? sendAsAnswered()
    }

    private func sendAsAnswered() throws -> [UInt64] {
        var sentAt = [UInt64](repeating: 0, count: count)
        var answers = Answers(peer, isKept: order.isKept)
        var space: [UInt8] = []
        space.reserveCapacity(order.inFlight * templates[0].size * 2)
        var (sent, answered) = (0, 0)
        while answered < count {
            space.removeAll(keepingCapacity: true)
            let first = sent
            while sent < count, sent - answered < order.inFlight {
                templates[sent % templates.count].append(to: &space, sent)
                sent += 1
            }
            if sent > first {
                let now = nanoseconds()
                for index in first..<sent { sentAt[index] = now }
                try peer.write(space)
            }
            try answers.take { tag in
                sentAt[tag] = nanoseconds() - sentAt[tag]
                answered += 1
            }
        }
        return sentAt
    }

    /// Sends each when its time is there, from one thread, and takes answers in this one.
    private func send(rate: Double, from start: UInt64) throws -> [UInt64] {
        let step = 1e9 / rate
        let shift = step * Double(number) / Double(order.connections)
        @Sendable func due(_ index: Int) -> UInt64 { start + UInt64(shift + step * Double(index)) + 10_000_000 }
        let isFailed = Atomic(false)
        let finished = DispatchGroup()
        finished.enter()
        Thread.detachNewThread { [self] in
            defer { finished.leave() }
            var space: [UInt8] = []
            var sent = 0
            while sent < count {
                space.removeAll(keepingCapacity: true)
                let now = nanoseconds()
                while sent < count, due(sent) <= now, space.count < 1 << 20 {
                    templates[sent % templates.count].append(to: &space, sent)
                    sent += 1
                }
                guard (try? peer.write(space)) != nil else { return isFailed.store(true, ordering: .relaxed) }
                if sent < count { sleep(until: due(sent)) }
            }
        }
        var times = [UInt64](repeating: 0, count: count)
        var answers = Answers(peer, isKept: order.isKept)
        var answered = 0
        while answered < count {
            try answers.take { tag in
                times[tag] = nanoseconds() - due(tag)
                answered += 1
            }
        }
        finished.wait()
        guard !isFailed.load(ordering: .relaxed) else { throw Status(.unavailable, "the daemon is gone") }
        return times
    }

    private func sleep(until time: UInt64) {
        var moment = timespec(tv_sec: Int(time / 1_000_000_000), tv_nsec: Int(time % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, nil) == EINTR {}
    }
}

/// A message as a frame, packed once: only its id, its recipient and its tag change, in place.
private struct Template: Sendable {
    private let frame: [UInt8]
    private let idEnd: Int
    private let recipientEnd: Int
    private let tagStart: Int

    /// Tags are so much higher, so that each takes five bytes.
    private static let tagBase: UInt64 = 1 << 28

    var size: Int { frame.count }

    init(_ order: Load.Order, lane: Int, index: Int) throws {
        let id = "\(order.name)-\(lane)-0000000000"
        let recipient = "+1\(lane)0000000000"
        let content = order.corpus.content(order.first + lane * 64 + index, recipient: recipient)
        let message = Message(
            id: try MessageID(id), configuration: BenchDaemon.configuration(content.channel, isKept: order.isKept),
            content: content)
        var packed = ByteBuffer()
        Frame(
            streamID: 1, kind: .data, data: IngestStreamRequest(sandbox: "", tag: Self.tagBase, message: message).packed
        ).write(into: &packed)
        frame = Array(packed.readableBytesView)
        // Field 2, a varint.
        let tag = [0x10] + Self.varint(Self.tagBase)
        guard let id = frame.firstRange(of: Array(id.utf8)), let recipient = frame.firstRange(of: Array(recipient.utf8)),
            let tag = frame.firstRange(of: tag)
        else { throw Status(.internal, "what changes is not where it should be") }
        (idEnd, recipientEnd, tagStart) = (id.upperBound, recipient.upperBound, tag.lowerBound + 1)
    }

    private static func varint(_ value: UInt64) -> [UInt8] {
        (0..<5).map { UInt8(value >> ($0 * 7) & 0x7F) | ($0 < 4 ? 0x80 : 0) }
    }

    func append(to space: inout [UInt8], _ index: Int) {
        let start = space.count
        space.append(contentsOf: frame)
        space.withUnsafeMutableBytes { bytes in
            var (rest, place) = (index, 1)
            while rest > 0 {
                let digit = UInt8(ascii: "0") + UInt8(rest % 10)
                bytes[start + idEnd - place] = digit
                bytes[start + recipientEnd - place] = digit
                (rest, place) = (rest / 10, place + 1)
            }
            let tag = Self.tagBase + UInt64(index)
            for byte in 0..<5 { bytes[start + tagStart + byte] = UInt8(tag >> (byte * 7) & 0x7F) | (byte < 4 ? 0x80 : 0) }
        }
    }

    /// What an answer's tag is the number of.
    static func index(of tag: UInt64) -> Int { Int(tag - tagBase) }
}

/// Takes answers apart where they were received: `IngestStreamResponse`s, by the few fields that tell what became of a message.
private struct Answers {
    private let peer: RawPeer
    /// Outcome that each must have.
    private let outcome: UInt64
    private var received = [UInt8](repeating: 0, count: 1 << 20)
    private var filled = 0

    init(_ peer: RawPeer, isKept: Bool) {
        self.peer = peer
        outcome = isKept ? 1 : 3
    }

    /// Waits for something, and takes all whole frames of it.
    mutating func take(_ each: (Int) -> Void) throws {
        let outcome = outcome
        let count = try received.withUnsafeMutableBytes {
            try peer.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
        }
        guard count > 0 else { throw Status(.unavailable, "the daemon is gone") }
        filled += count
        var start = 0
        try received.withUnsafeBytes { bytes in
            while filled - start >= Frame.headerSize {
                let length = Int(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                guard filled - start >= Frame.headerSize + length else { break }
                start += Frame.headerSize
                var fields = Fields(bytes, start..<start + length)
                while let (field, value) = try fields.next() {
                    guard field == 1, case .bytes(let range) = value else { throw Status(.internal, "an answer of another kind") }
                    each(Template.index(of: try tag(Fields(bytes, range), outcome)))
                }
                start += length
            }
            guard filled - start < received.count else {
                throw Status(.internal, "an answer of more than \(received.count) bytes")
            }
        }
        received.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { memmove(base, base + start, filled - start) }
        }
        filled -= start
    }

    private func tag(_ fields: Fields, _ outcome: UInt64) throws -> UInt64 {
        var fields = fields
        var (tag, found): (UInt64?, UInt64?) = (nil, nil)
        while let (field, value) = try fields.next() {
            switch (field, value) {
            case (1, .number(let number)): tag = number
            case (2, .bytes(let range)):
                var result = Fields(fields.bytes, range)
                while let (field, value) = try result.next() {
                    if field == 1, case .number(let number) = value { found = number }
                }
            default: break
            }
        }
        guard let tag, found == outcome else {
            throw Status(.internal, "a message had the outcome \(found ?? 0), not \(outcome)")
        }
        return tag
    }
}

/// Fields of a packed message, one after the other.
private struct Fields {
    enum Value {
        case number(UInt64)
        case bytes(Range<Int>)
    }

    let bytes: UnsafeRawBufferPointer
    private var place: Int
    private let end: Int

    init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.bytes = bytes
        (place, end) = (range.lowerBound, range.upperBound)
    }

    mutating func next() throws -> (field: UInt64, value: Value)? {
        guard place < end else { return nil }
        let key = varint()
        switch key & 7 {
        case 0: return (key >> 3, .number(varint()))
        case 2:
            let length = Int(varint())
            guard length <= end - place else { throw Status(.internal, "an answer that is cut") }
            defer { place += length }
            return (key >> 3, .bytes(place..<place + length))
        default: throw Status(.internal, "an answer of another kind")
        }
    }

    private mutating func varint() -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while place < end, shift < 64 {
            let byte = bytes[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        return value
    }
}
