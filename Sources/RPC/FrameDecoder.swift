import Model
package import NIOCore

/// Cuts a byte stream into frames: a pure state machine, right however the bytes are split. Holds at most one frame.
package struct FrameDecoder: Sendable {
    /// What the peer sent.
    package enum Event: Hashable, Sendable {
        case frame(Frame)
        /// A frame over the limit, its data being skipped; the connection goes on after it.
        case oversize(streamID: UInt32, length: Int)
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
        if received.readableBytes == 0 {
            if received.capacity > FrameDecoder.capacityKept { received = ByteBuffer() } else { received.clear() }
        } else if received.readerIndex > FrameDecoder.capacityKept {
            received.discardReadBytes()
        }
    }

    /// Bytes of memory held.
    package var capacity: Int { received.capacity }

    /// Memory kept from frame to frame.
    private static let capacityKept = 64 << 10

    /// The next thing that has come whole; nil: more bytes are needed.
    package mutating func next() -> Event? {
        guard !isUnreadable, let length = received.getInteger(at: received.readerIndex, as: UInt32.self),
            received.readableBytes >= Frame.headerSize, let header = readHeader(length: Int(length))
        else { return nil }
        guard header.length <= Limits.frameBytesSkipped else {
            isUnreadable = true
            received.clear()
            return .unreadable("a frame announced \(header.length) bytes; the first byte of the length is always zero in ttrpc")
        }
        guard header.length <= Limits.frameBytes else {
            received.moveReaderIndex(forwardBy: Frame.headerSize)
            let skipped = min(header.length, received.readableBytes)
            received.moveReaderIndex(forwardBy: skipped)
            bytesToSkip = header.length - skipped
            return .oversize(streamID: header.streamID, length: header.length)
        }
        guard received.readableBytes >= Frame.headerSize + header.length else {
            received.reserveCapacity(minimumWritableBytes: Frame.headerSize + header.length - received.readableBytes)
            return nil
        }
        received.moveReaderIndex(forwardBy: Frame.headerSize)
        let data = received.readBytes(length: header.length) ?? []
        return .frame(Frame(streamID: header.streamID, rawKind: header.kind, flags: header.flags, data: data))
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
