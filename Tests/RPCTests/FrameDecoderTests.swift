import Model
import NIOCore
import RPC
import TestSupport
import Testing

@Suite struct FrameDecoderTests {
    private func events(_ pieces: [[UInt8]]) -> [FrameDecoder.Event] {
        var decoder = FrameDecoder()
        var events: [FrameDecoder.Event] = []
        for piece in pieces {
            var buffer = ByteBuffer(bytes: piece)
            decoder.receive(&buffer)
            while let event = decoder.next() { events.append(event) }
        }
        return events
    }

    private func bytes(_ frames: [Frame]) -> [UInt8] {
        var buffer = ByteBuffer()
        for frame in frames { frame.write(into: &buffer) }
        return Array(buffer.readableBytesView)
    }

    @Test func `a frame's bytes are those of the ttrpc reference`() {
        let frame = Frame(streamID: 1, kind: .request, flags: .remoteOpen, data: [0xAA, 0xBB])
        #expect(bytes([frame]) == [0, 0, 0, 2, 0, 0, 0, 1, 1, 2, 0xAA, 0xBB])
    }

    @Test func `frames are the same however the stream is cut`() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let frames = [0, 1, 9, 10, 11, 300, 70_000].map {
            Frame(streamID: UInt32($0) * 2 + 1, kind: .request, data: generator.bytes($0))
        }
        let stream = bytes(frames)
        #expect(events([stream]) == frames.map { .frame($0) })
        #expect(events(stream.map { [$0] }) == frames.map { .frame($0) }, "byte by byte")
        for _ in 0..<50 {
            var pieces: [[UInt8]] = []
            var rest = stream[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...min(rest.count, 5000), using: &generator)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(events(pieces) == frames.map { .frame($0) }, "SEED=\(seed)")
        }
    }

    @Test func `a frame of just the limit is taken, one byte more is skipped, and the stream goes on`() {
        let full = Frame(streamID: 1, kind: .request, data: [UInt8](repeating: 7, count: Limits.frameBytes))
        let over = Frame(streamID: 3, kind: .request, data: [UInt8](repeating: 8, count: Limits.frameBytes + 1))
        let next = Frame(streamID: 5, kind: .request, data: [9])
        let expected: [FrameDecoder.Event] = [
            .frame(full), .oversize(streamID: 3, kind: 1, length: Limits.frameBytes + 1), .frame(next),
        ]
        let stream = bytes([full, over, next])
        #expect(events([stream]) == expected)
        #expect(
            events(stride(from: 0, to: stream.count, by: 65_536).map { Array(stream[$0..<min($0 + 65_536, stream.count)]) })
                == expected)
    }

    @Test func `memory stays that of one frame, even when the peer always leaves one unfinished`() {
        let stream = bytes([Frame(streamID: 1, kind: .request, data: [UInt8](repeating: 1, count: 5000))])
        var decoder = FrameDecoder()
        var frames = 0
        var rest = ByteBuffer(bytes: stream.prefix(100))
        decoder.receive(&rest)
        for _ in 0..<5000 {
            var piece = ByteBuffer(bytes: stream.dropFirst(100) + stream.prefix(100))
            decoder.receive(&piece)
            while decoder.next() != nil { frames += 1 }
            #expect(decoder.capacity <= 512 << 10)
        }
        #expect(frames == 5000)
        var large = ByteBuffer(
            bytes: bytes([Frame(streamID: 1, kind: .request, data: [UInt8](repeating: 1, count: Limits.frameBytes))]))
        var fresh = FrameDecoder()
        fresh.receive(&large)
        #expect(fresh.next() != nil)
        var small = ByteBuffer(bytes: stream)
        fresh.receive(&small)
        #expect(fresh.capacity <= 512 << 10, "one large frame is not paid for ever after")
        var largeAndMore = ByteBuffer(
            bytes: bytes([Frame(streamID: 1, kind: .request, data: [UInt8](repeating: 1, count: Limits.frameBytes))]) + [0])
        var leaky = FrameDecoder()
        leaky.receive(&largeAndMore)
        while leaky.next() != nil {}
        var restAndMore = ByteBuffer(bytes: stream.dropFirst() + [0])
        leaky.receive(&restAndMore)
        #expect(leaky.next() != nil)
        #expect(leaky.capacity <= 512 << 10, "not even when a byte of the next is always there")
    }

    @Test func `what was read is let go of once it is decoded, but for the frame that was cut`() {
        let stream = bytes([Frame(streamID: 1, kind: .request, data: [UInt8](repeating: 1, count: 5000))])
        var decoder = FrameDecoder()
        var whole = ByteBuffer(bytes: stream + stream)
        decoder.receive(&whole)
        #expect(decoder.next() != nil)
        #expect(decoder.capacity >= stream.count, "there is more")
        #expect(decoder.next() != nil)
        #expect(decoder.next() == nil)
        #expect(decoder.capacity == 0)
        var cut = ByteBuffer(bytes: stream + stream.prefix(100))
        decoder.receive(&cut)
        #expect(decoder.next() != nil)
        #expect(decoder.next() == nil)
        #expect((100..<1000).contains(decoder.capacity), "\(decoder.capacity)")
    }

    @Test func `a length whose first byte is not zero ends the stream, and nothing after it is looked at`() {
        let good = bytes([Frame(streamID: 1, kind: .request, data: [1])])
        let found = events([good, [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 3, 1, 0], good])
        #expect(found.count == 2)
        guard case .unreadable = found.last else { return #expect(Bool(false), "\(found)") }
    }
}
