import Model
package import NIOCore

/// Cuts a byte stream into frames: a pure state machine, right however the bytes are split. Holds what one read brought, and one frame that was cut.
package struct FrameDecoder: Sendable {
    /// What the peer sent.
    package enum Event: Hashable, Sendable {
        case frame(Frame)
        /// A frame over the limit, its data being skipped; the connection goes on after it.
        case oversize(streamID: UInt32, kind: UInt8, length: Int)
        /// Nothing that comes after can be understood: close.
        case unreadable(String)
    }

    /// What was read and is not decoded yet: as it came, not copied.
    private var received = ByteBuffer()
    /// A frame that has begun, and whose rest is not in `received`.
    private var cut = ByteBuffer()
    private var bytesToSkip = 0
    private var isUnreadable = false

    package init() {}

    /// Takes in what was read from the peer.
    package mutating func receive(_ bytes: inout ByteBuffer) {
        guard !isUnreadable else { return }
        if received.readableBytes > 0 {
            received.writeBuffer(&bytes)
        } else {
            swap(&received, &bytes)
        }
        skip()
    }

    private mutating func skip() {
        let skipped = min(bytesToSkip, received.readableBytes)
        received.moveReaderIndex(forwardBy: skipped)
        bytesToSkip -= skipped
    }

    /// Bytes of memory held.
    package var capacity: Int { received.capacity + cut.capacity }

    /// Memory kept from frame to frame.
    private static let capacityKept = 16 << 10

    /// Makes room for the rest of the frame that has begun, so that its bytes are copied once.
    package mutating func reserveFrame() {
        guard let length = frameLength, length > cut.readableBytes else { return }
        cut.reserveCapacity(minimumWritableBytes: length - cut.readableBytes)
    }

    /// The next thing that has come whole; nil: more bytes are needed.
    package mutating func next() -> Event? {
        guard !isUnreadable else { return nil }
        if cut.readableBytes == 0, let event = FrameDecoder.decode(&received) { return note(event) }
        // What is left goes to what there is of its frame, and no more than that.
        while received.readableBytes > 0 {
            let wanted = frameLength ?? Frame.headerSize
            var piece =
                received.readSlice(length: min(received.readableBytes, max(0, wanted - cut.readableBytes))) ?? ByteBuffer()
            cut.writeBuffer(&piece)
            guard let event = FrameDecoder.decode(&cut) else { continue }
            if cut.capacity > FrameDecoder.capacityKept { cut = ByteBuffer() } else { cut.clear() }
            return note(event)
        }
        // Whoever read it may use its memory again.
        received = ByteBuffer()
        return nil
    }

    private mutating func note(_ event: Event) -> Event {
        switch event {
        case .frame: break
        case .oversize(_, _, let length):
            bytesToSkip = length
            skip()
        case .unreadable:
            isUnreadable = true
            received = ByteBuffer()
        }
        return event
    }

    /// Takes what a buffer begins with, if that is whole; of a frame over the limit its header.
    private static func decode(_ buffer: inout ByteBuffer) -> Event? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Limits.frameBytesSkipped else {
            return .unreadable(
                resemblance(buffer.readableBytesView.prefix(4))
                    ?? "a frame announced \(length) bytes; the first byte of the length is always zero in ttrpc")
        }
        guard let header = Frame.Header(buffer) else { return nil }
        guard header.length <= Limits.frameBytes else {
            buffer.moveReaderIndex(forwardBy: Frame.headerSize)
            return .oversize(streamID: header.streamID, kind: header.kind, length: header.length)
        }
        guard buffer.readableBytes >= Frame.headerSize + header.length else { return nil }
        buffer.moveReaderIndex(forwardBy: Frame.headerSize)
        let data = buffer.readBytes(length: header.length) ?? []
        return .frame(
            Frame(streamID: header.streamID, rawKind: header.kind, flags: Frame.Flags(rawValue: header.flags), data: data))
    }

    /// Whether a frame has begun and is not whole yet; its data may be being skipped.
    package var isWithinFrame: Bool { bytesToSkip > 0 || cut.readableBytes > 0 || received.readableBytes > 0 }

    /// Bytes of the frame that has begun, if its header has come and it will be kept.
    package var frameLength: Int? {
        guard let length = cut.getInteger(at: cut.readerIndex, as: UInt32.self), length <= Limits.frameBytes else {
            return nil
        }
        return Frame.headerSize + Int(length)
    }

    /// What a peer that does not speak ttrpc seems to speak.
    private static func resemblance(_ start: some Collection<UInt8>) -> String? {
        switch String(decoding: start, as: UTF8.self) {
        case "PRI ": "it looks like HTTP/2; gRPC clients do not work here, ttrpc clients do"
        case "GET ", "POST", "PUT ", "HEAD", "DELE", "OPTI", "PATC", "CONN": "it looks like HTTP/1; this socket speaks ttrpc"
        case let text where text.utf8.first == 0x16: "it looks like TLS; this socket speaks ttrpc without it"
        default: nil
        }
    }
}

extension Frame {
    /// What stands before a frame's data.
    fileprivate struct Header {
        let length: Int
        let streamID: UInt32
        let kind: UInt8
        let flags: UInt8

        /// Nil: it is not there whole.
        init?(_ buffer: ByteBuffer) {
            let start = buffer.readerIndex
            guard let length = buffer.getInteger(at: start, as: UInt32.self),
                let streamID = buffer.getInteger(at: start + 4, as: UInt32.self),
                let kind = buffer.getInteger(at: start + 8, as: UInt8.self),
                let flags = buffer.getInteger(at: start + 9, as: UInt8.self)
            else { return nil }
            self.length = Int(length)
            self.streamID = streamID
            self.kind = kind
            self.flags = flags
        }
    }
}
