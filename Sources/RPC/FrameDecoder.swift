import Model
package import NIOCore

/// Cuts a byte stream into frames: a pure state machine, right however the bytes are split. Holds at most one frame.
package struct FrameDecoder: Sendable {
    /// What the peer sent.
    package enum Event: Hashable, Sendable {
        case frame(Frame)
        /// A frame over the limit, its data being skipped; the connection goes on after it.
        case oversize(streamID: UInt32, kind: UInt8, length: Int)
        /// Nothing that comes after can be understood: close.
        case unreadable(String)
    }

    private var received = ByteBuffer()
    private var bytesToSkip = 0
    private var isUnreadable = false

    package init() {}

    /// Takes in what was read from the peer.
    package mutating func receive(_ bytes: inout ByteBuffer) {
        guard !isUnreadable else { return }
        if bytesToSkip > 0 {
            let skipped = min(bytesToSkip, bytes.readableBytes)
            bytes.moveReaderIndex(forwardBy: skipped)
            bytesToSkip -= skipped
        }
        reclaim()
        received.writeBuffer(&bytes)
    }

    /// Gives back the memory of what was decoded: a peer that always leaves a frame unfinished must not make it grow, and one large
    /// frame must not stay paid for.
    private mutating func reclaim() {
        if received.capacity > FrameDecoder.capacityKept * 4, received.readableBytes <= FrameDecoder.capacityKept,
            frameLength ?? 0 <= FrameDecoder.capacityKept
        {
            // What is left over moves to memory of its size: a buffer never shrinks by itself.
            received = ByteBuffer(bytes: received.readableBytesView)
        } else if received.readableBytes == 0 {
            received.clear()
        } else if received.readerIndex > FrameDecoder.capacityKept {
            received.discardReadBytes()
        }
    }

    /// Bytes of memory held.
    package var capacity: Int { received.capacity }

    /// Memory kept from frame to frame.
    private static let capacityKept = 64 << 10

    /// Makes room for the rest of the frame that has begun, so that its bytes are copied once.
    package mutating func reserveFrame() {
        guard let length = frameLength, length > received.readableBytes else { return }
        received.reserveCapacity(minimumWritableBytes: length - received.readableBytes)
    }

    /// The next thing that has come whole; nil: more bytes are needed.
    package mutating func next() -> Event? {
        guard !isUnreadable, let length = received.getInteger(at: received.readerIndex, as: UInt32.self) else { return nil }
        guard length <= Limits.frameBytesSkipped else {
            isUnreadable = true
            let start = received.readableBytesView.prefix(4)
            received.clear()
            return .unreadable(
                FrameDecoder.resemblance(start)
                    ?? "a frame announced \(length) bytes; the first byte of the length is always zero in ttrpc")
        }
        guard received.readableBytes >= Frame.headerSize, let header = readHeader(length: Int(length)) else { return nil }
        guard header.length <= Limits.frameBytes else {
            received.moveReaderIndex(forwardBy: Frame.headerSize)
            let skipped = min(header.length, received.readableBytes)
            received.moveReaderIndex(forwardBy: skipped)
            bytesToSkip = header.length - skipped
            return .oversize(streamID: header.streamID, kind: header.kind, length: header.length)
        }
        guard received.readableBytes >= Frame.headerSize + header.length else { return nil }
        received.moveReaderIndex(forwardBy: Frame.headerSize)
        let data = received.readBytes(length: header.length) ?? []
        return .frame(
            Frame(streamID: header.streamID, rawKind: header.kind, flags: Frame.Flags(rawValue: header.flags), data: data))
    }

    /// Whether a frame has begun and is not whole yet; its data may be being skipped.
    package var isWithinFrame: Bool { bytesToSkip > 0 || received.readableBytes > 0 }

    /// Bytes of the frame that has begun, if its header has come and it will be kept.
    package var frameLength: Int? {
        guard let length = received.getInteger(at: received.readerIndex, as: UInt32.self), length <= Limits.frameBytes else {
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

    private func readHeader(length: Int) -> (length: Int, streamID: UInt32, kind: UInt8, flags: UInt8)? {
        let start = received.readerIndex
        guard let streamID = received.getInteger(at: start + 4, as: UInt32.self),
            let kind = received.getInteger(at: start + 8, as: UInt8.self),
            let flags = received.getInteger(at: start + 9, as: UInt8.self)
        else { return nil }
        return (length, streamID, kind, flags)
    }
}
