package import Messages
package import Model

/// A client's view of the calls of one connection: a pure state machine. Whatever a server sends has an answer here.
package struct ClientStreams: Sendable {
    /// What to do about what the server sent.
    package enum Action: Hashable, Sendable {
        /// A message of a call that goes on.
        case message(UInt32, [UInt8])
        /// The call is over: its last message, if any, and how it ended.
        case end(UInt32, message: [UInt8]?, Status?)
        case ignore
        /// Nothing that comes can be understood any more: all calls end with this.
        case close(Status)
    }

    private var open: [UInt32: MethodDescription] = [:]
    private var nextStreamID: UInt32 = 1

    package init() {}

    /// Begins a call; returns its stream's id.
    package mutating func begin(_ method: MethodDescription) -> UInt32 {
        // Ids come round after two thousand million calls; one may still be in use then.
        while open[nextStreamID] != nil { nextStreamID &+= 2 }
        defer { nextStreamID &+= 2 }
        open[nextStreamID] = method
        return nextStreamID
    }

    /// Forgets a call: what still comes for it is late. False when it is over already.
    package mutating func forget(_ streamID: UInt32) -> Bool {
        open.removeValue(forKey: streamID) != nil
    }

    /// Forgets all calls.
    package mutating func forgetAll() -> [UInt32] {
        defer { open = [:] }
        return open.keys.sorted()
    }

    /// Calls under way.
    package var count: Int { open.count }

    /// Takes what the server sent.
    package mutating func receive(_ event: FrameDecoder.Event) -> Action {
        switch event {
        case .unreadable(let reason):
            return .close(Status(.internal, "the daemon's answer cannot be understood: \(reason)"))
        case .oversize(let streamID, _, let length):
            return end(streamID, Status(.resourceExhausted, "the answer has \(length) bytes", limit: Limits.frameBytes))
        case .frame(let frame):
            guard let method = open[frame.streamID] else { return .ignore }
            switch Frame.Kind(rawValue: frame.kind) {
            case .response: return receive(response: frame, of: method)
            case .data: return receive(data: frame, of: method)
            case .request, nil: return .ignore
            }
        }
    }

    private mutating func receive(response frame: Frame, of method: MethodDescription) -> Action {
        do throws(Status) {
            switch try ResponseEnvelope(packed: frame.data) {
            case .failure(let status): return end(frame.streamID, status)
            case .success(let payload):
                // Some servers end a stream this way; then its payload is a message only if there is one.
                let message = method.serverStreams && payload.isEmpty ? nil : payload
                return end(frame.streamID, nil, message)
            }
        } catch {
            return end(frame.streamID, Status(.internal, "the daemon's answer cannot be understood: \(error.message)"))
        }
    }

    private mutating func receive(data frame: Frame, of method: MethodDescription) -> Action {
        guard method.serverStreams else {
            return end(frame.streamID, Status(.internal, "the daemon sent Data on a call that has one answer"))
        }
        let message = frame.flags.contains(.noData) ? nil : frame.data
        if frame.flags.contains(.remoteClosed) { return end(frame.streamID, nil, message) }
        return message.map { .message(frame.streamID, $0) } ?? .ignore
    }

    private mutating func end(_ streamID: UInt32, _ status: Status?, _ message: [UInt8]? = nil) -> Action {
        forget(streamID) ? .end(streamID, message: message, status) : .ignore
    }
}
