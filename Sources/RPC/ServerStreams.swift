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

    private var active: Set<UInt32> = []
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
        guard !active.contains(frame.streamID) else {
            // The stream ends with this answer: its first call's own answer would be a second one.
            active.remove(frame.streamID)
            return .answer(
                streamID: frame.streamID, Status(.invalidArgument, "stream id \(frame.streamID) is in use by a call under way"))
        }
        guard !isDraining else {
            return .answer(streamID: frame.streamID, Status(.unavailable, "the daemon is stopping", hint: "try again"))
        }
        active.insert(frame.streamID)
        return .serve(streamID: frame.streamID, envelope: frame.data)
    }

    /// Ends a stream with its answer. False when it has ended already: then nothing may be sent.
    package mutating func finish(_ streamID: UInt32) -> Bool {
        active.remove(streamID) != nil
    }

    /// Takes no further calls.
    package mutating func drain() {
        isDraining = true
    }
}
