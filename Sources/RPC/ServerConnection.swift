package import Messages
import Model
package import NIOCore

/// The server's view of one connection, from bytes to calls: a pure state machine without a clock or a socket.
///
/// Feed it with `receive`, then take what there is to do with `next` until it says nil, and ask it again at `nextWake`.
package struct ServerConnection: Sendable {
    /// What to do.
    package enum Action: Hashable, Sendable {
        case stream(ServerStreams.Action)
        /// Close the connection: the peer breaks a rule that leaves nothing to be said to it.
        case close(reason: String)
    }

    /// Its calls.
    package var streams: ServerStreams
    private var decoder = FrameDecoder()
    /// When its first frame must be there; nil: it was, or the peer is not read.
    private var firstFrameBy: NIODeadline?
    private var hasSentFrame = false
    /// When the frame that has begun must be whole.
    private var frameBy: NIODeadline?
    /// When the peer must have read of what it was sent.
    private var readBy: NIODeadline?

    /// A connection that is accepted now.
    ///
    /// - Parameter methods: what is served.
    package init(methods: [MethodName: MethodDescription], now: NIODeadline) {
        streams = ServerStreams(methods: methods)
        firstFrameBy = now + .seconds(Int64(Limits.firstFrameSeconds))
    }

    /// Takes in what was read from the peer.
    package mutating func receive(_ bytes: inout ByteBuffer) {
        decoder.receive(&bytes)
    }

    /// The next thing to do; nil: nothing until more comes in, or calls are ended.
    package mutating func next(now: NIODeadline) -> Action? {
        guard streams.mayRead else { return nil }
        guard let event = decoder.next() else {
            if !hasSentFrame { firstFrameBy = firstFrameBy ?? now + .seconds(Int64(Limits.firstFrameSeconds)) }
            frameBy = decoder.isWithinFrame ? frameBy ?? now + .seconds(Int64(Limits.frameSeconds)) : nil
            return nil
        }
        (firstFrameBy, frameBy, hasSentFrame) = (nil, nil, true)
        switch event {
        case .frame(let frame): return .stream(streams.receive(frame, now: now))
        case .oversize(let streamID, let kind, let length):
            return .stream(streams.receiveOversize(streamID: streamID, kind: kind, length: length))
        case .unreadable(let reason): return .close(reason: reason)
        }
    }

    /// Bytes of the frame that has begun, where they are more than what one read brings.
    package var largeFrame: Int? { decoder.frameLength.flatMap { $0 > Limits.frameBytesUnasked ? $0 : nil } }

    /// Makes room for the large frame that has begun.
    package mutating func reserveFrame() {
        decoder.reserveFrame()
    }

    /// The peer is not read for a while: the time it takes for a frame counts only while it is, and anew then.
    package mutating func hold() {
        (firstFrameBy, frameBy) = (nil, nil)
    }

    /// Whether the peer leaves what it was sent unread.
    package mutating func noteUnread(_ isUnread: Bool, now: NIODeadline) {
        readBy = isUnread ? readBy ?? now + .seconds(Int64(Limits.unreadSeconds)) : nil
    }

    /// When `wake` is to be called; nil: not as things are.
    package var nextWake: NIODeadline? {
        var earliest = streams.nextExpiry
        if let time = firstFrameBy { earliest = min(earliest ?? time, time) }
        if let time = frameBy { earliest = min(earliest ?? time, time) }
        if let time = readBy { earliest = min(earliest ?? time, time) }
        return earliest
    }

    /// What to do because time has passed. Where nobody looked when it was time, what the peer did meanwhile was not seen: its time begins anew.
    package mutating func wake(now: NIODeadline) -> [Action] {
        func renewed(_ time: NIODeadline?, seconds: Int) -> NIODeadline? {
            guard let time, now - time > .seconds(Int64(Limits.lateWakeSeconds)) else { return time }
            return now + .seconds(Int64(seconds))
        }
        firstFrameBy = renewed(firstFrameBy, seconds: Limits.firstFrameSeconds)
        frameBy = renewed(frameBy, seconds: Limits.frameSeconds)
        readBy = renewed(readBy, seconds: Limits.unreadSeconds)
        if let firstFrameBy, firstFrameBy <= now {
            return [.close(reason: "it sent no frame in \(Limits.firstFrameSeconds) seconds")]
        }
        if let frameBy, frameBy <= now {
            return [.close(reason: "it left a frame unfinished for \(Limits.frameSeconds) seconds")]
        }
        if let readBy, readBy <= now {
            return [.close(reason: "it left its answers unread for \(Limits.unreadSeconds) seconds")]
        }
        return streams.expire(now: now).map(Action.stream)
    }
}
