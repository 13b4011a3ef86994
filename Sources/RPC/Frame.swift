package import NIOCore

/// One ttrpc frame. On the wire, integers big-endian:
/// ```
/// length of the data u32 | stream id u32 | type u8 | flags u8 | data
/// ```
package struct Frame: Hashable, Sendable {
    /// What a frame is.
    package enum Kind: UInt8, Sendable {
        case request = 1
        case response = 2
        case data = 3
    }

    /// Bytes before the data.
    package static let headerSize = 10

    /// The call it belongs to.
    package var streamID: UInt32
    /// Raw, because a peer may send a kind this program does not know.
    package var kind: UInt8
    /// What the type makes of them.
    package var flags: UInt8
    /// At most `Limits.frameBytes`.
    package var data: [UInt8]

    /// - Parameter data: at most `Limits.frameBytes`.
    package init(streamID: UInt32, kind: Kind, flags: UInt8 = 0, data: [UInt8]) {
        self.init(streamID: streamID, rawKind: kind.rawValue, flags: flags, data: data)
    }

    init(streamID: UInt32, rawKind: UInt8, flags: UInt8, data: [UInt8]) {
        self.streamID = streamID
        self.kind = rawKind
        self.flags = flags
        self.data = data
    }

    /// Appends the frame's bytes. Its data must be within `Limits.frameBytes`.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(data.count))
        buffer.writeInteger(streamID)
        buffer.writeInteger(kind)
        buffer.writeInteger(flags)
        buffer.writeBytes(data)
    }
}
