package import Model

/// The server's view of the streams of one connection: a pure state machine.
///
/// Whatever a peer sends has an answer here; what we may not do ourselves is a precondition.
package struct ServerStreams: Sendable {
    /// What to do about what the peer sent.
    package enum Action: Hashable, Sendable {
        /// Serve this packed request; then `finish` its stream.
        case serve(streamID: UInt32, envelope: [UInt8])
        /// Answer at once.
        case answer(streamID: UInt32, Status)
        case ignore
        case close(reason: String)
    }

    /// A stream from its request to the end of its call.
    private enum Stream {
        case open
        /// The peer broke a rule on it and was answered: the answer of its call is not sent any more.
        case answered
    }

    private var active: [UInt32: Stream] = [:]
    private var isDraining = false

    package init() {}

    /// Whether more may be read from the peer now.
    package var mayRead: Bool { active.count < Limits.callsPerConnection }

    /// Whether nothing is under way and nothing more will be taken.
    package var isDrained: Bool { isDraining && active.isEmpty }

    /// Takes what the peer sent.
    package mutating func receive(_ event: FrameDecoder.Event) -> Action {
        switch event {
        case .unreadable(let reason):
            return .close(reason: reason)
        case .oversize(let streamID, let length):
            if active[streamID] != nil { active[streamID] = .answered }
            return .answer(
                streamID: streamID,
                Status(
                    .resourceExhausted, "a frame of \(length) bytes is over the limit of \(Limits.frameBytes)",
                    hint: "send fewer messages in one call"))
        case .frame(let frame):
            // Responses are for servers to send; kinds not known are for later versions to explain. Data belongs to streaming
            // calls, of which there are none: a client that closes its sending half says so with one.
            guard frame.kind == Frame.Kind.request.rawValue else { return .ignore }
            return receive(request: frame)
        }
    }

    private mutating func receive(request frame: Frame) -> Action {
        guard frame.streamID % 2 == 1 else {
            return .answer(
                streamID: frame.streamID, Status(.invalidArgument, "stream id \(frame.streamID) is even; a client's are odd"))
        }
        guard active[frame.streamID] == nil else {
            // The call goes on and counts until it ends; its own answer would be a second one on this stream.
            active[frame.streamID] = .answered
            return .answer(
                streamID: frame.streamID, Status(.invalidArgument, "stream id \(frame.streamID) is in use by a call under way"))
        }
        guard !isDraining else {
            return .answer(streamID: frame.streamID, Status(.unavailable, "the daemon is stopping", hint: "try again"))
        }
        active[frame.streamID] = .open
        return .serve(streamID: frame.streamID, envelope: frame.data)
    }

    /// Ends a call. False when its stream was answered before: then nothing may be sent.
    package mutating func finish(_ streamID: UInt32) -> Bool {
        active.removeValue(forKey: streamID) == .open
    }

    /// Takes no further calls.
    package mutating func drain() {
        isDraining = true
    }
}
