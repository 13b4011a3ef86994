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

    /// Bits of the flags.
    package struct Flags: OptionSet, Hashable, Sendable {
        /// As on the wire.
        package let rawValue: UInt8

        package init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// The sender sends no more on this stream.
        package static let remoteClosed = Flags(rawValue: 0x01)
        /// The sender of a Request goes on to send Data.
        package static let remoteOpen = Flags(rawValue: 0x02)
        /// There is no message in the frame; without it, one of no bytes is one.
        package static let noData = Flags(rawValue: 0x04)
    }

    /// Bytes before the data.
    package static let headerSize = 10

    /// The call it belongs to.
    package var streamID: UInt32
    /// Raw, because a peer may send a kind this program does not know.
    package var kind: UInt8
    /// What the type makes of them.
    package var flags: Flags
    /// At most `Limits.frameBytes`.
    package var data: [UInt8]

    /// - Parameter data: at most `Limits.frameBytes`.
    package init(streamID: UInt32, kind: Kind, flags: Flags = [], data: [UInt8]) {
        self.init(streamID: streamID, rawKind: kind.rawValue, flags: flags, data: data)
    }

    package init(streamID: UInt32, rawKind: UInt8, flags: Flags, data: [UInt8]) {
        self.streamID = streamID
        self.kind = rawKind
        self.flags = flags
        self.data = data
    }

    /// The frame that ends a sender's side of a stream.
    package static func end(_ streamID: UInt32) -> Frame {
        Frame(streamID: streamID, kind: .data, flags: [.remoteClosed, .noData], data: [])
    }

    /// Appends the frame's bytes. Its data must be within `Limits.frameBytes`.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt32(data.count))
        buffer.writeInteger(streamID)
        buffer.writeInteger(kind)
        buffer.writeInteger(flags.rawValue)
        buffer.writeBytes(data)
    }
}
