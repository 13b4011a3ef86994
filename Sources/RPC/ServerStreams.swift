package import Messages
package import Model
package import NIOCore

/// One call of a connection. Stream ids may be used again once their call is over; this never is.
package struct CallID: Hashable, Sendable {
    /// Its stream.
    package let streamID: UInt32
    /// Counts the calls of the connection.
    package let serial: UInt64

    package init(streamID: UInt32, serial: UInt64) {
        self.streamID = streamID
        self.serial = serial
    }
}

/// The server's view of the calls of one connection: a pure state machine. Whatever a peer sends has an answer here.
///
/// ## Invariants
/// - A call that has begun counts until its handler has ended it, whatever the peer does meanwhile.
/// - What a call holds of the bounds is given back when its handler says so, and with its end at the latest.
/// - Nothing is sent on a stream after its Response, or its closing Data.
package struct ServerStreams: Sendable {
    /// What to do about what the peer sent.
    package enum Action: Hashable, Sendable {
        /// A call begins; `end` it.
        case begin(CallID, Beginning)
        /// A further message of a call.
        case message(CallID, [UInt8], isLast: Bool)
        /// There are no more messages of a call.
        case close(CallID)
        /// The call is over for the peer, with this status: to be sent, and its handler told.
        case cancel(CallID, Status)
        /// Answer at once; no call has begun.
        case answer(streamID: UInt32, Status)
        case ignore
    }

    /// What a call begins with.
    package struct Beginning: Hashable, Sendable {
        /// What is called.
        package let method: MethodDescription
        /// Keys lowercased, values of one key in order.
        package let metadata: [RequestEnvelope.Metadata]
        /// When the caller gives up; nil: never.
        package let deadline: NIODeadline?
        /// The request or, for a method that takes many messages, the first one where it came with the call.
        package let message: [UInt8]?
        /// Whether there are no further messages.
        package let isLast: Bool
    }

    private struct Held {
        var messages = 0
        var bytes = 0
    }

    private struct Stream {
        let serial: UInt64
        let method: MethodDescription
        let deadline: NIODeadline?
        /// When the last message must be there.
        var wholeBy: NIODeadline?
        var isClosedByPeer: Bool
        var held: Held
    }

    private let methods: [MethodName: MethodDescription]
    private let services: Set<String>
    private var open: [UInt32: Stream] = [:]
    /// Calls that are over for the peer, and that their handlers have not ended.
    private var abandoned: [UInt64: Held] = [:]
    private var held = Held()
    private var streaming = 0
    private var nextSerial: UInt64 = 0
    private var highestStreamID: UInt32 = 0
    private var isDraining = false
    /// No call expires before.
    private var earliestExpiry: NIODeadline?

    /// - Parameter methods: what is served.
    package init(methods: [MethodName: MethodDescription]) {
        self.methods = methods
        services = Set(methods.keys.map(\.service))
    }

    /// Whether more may be read from the peer now.
    package var mayRead: Bool {
        open.count + abandoned.count < Limits.callsPerConnection && held.messages < Limits.messagesInFlightPerConnection
            && held.bytes < Limits.bytesInFlightPerConnection
    }

    /// Bytes of messages that came and were not given back.
    package var bytesHeld: Int { held.bytes }

    /// Whether nothing is under way and nothing more will be taken.
    package var isDrained: Bool { isDraining && open.isEmpty && abandoned.isEmpty }

    /// Whether the peer waits for more of a call.
    package func isOpen(_ call: CallID) -> Bool { open[call.streamID]?.serial == call.serial }

    // MARK: What the peer sends

    /// Takes a frame.
    package mutating func receive(_ frame: Frame, now: NIODeadline) -> Action {
        switch Frame.Kind(rawValue: frame.kind) {
        case .request: receive(request: frame, now: now)
        case .data: receive(data: frame)
        // Responses are for servers to send; kinds not known are for later versions to explain.
        case .response, nil: .ignore
        }
    }

    /// Takes note of a frame that was too large to be kept.
    package mutating func receiveOversize(streamID: UInt32, kind: UInt8, length: Int) -> Action {
        let status = Status(
            .resourceExhausted, "a frame of \(length) bytes is over the limit of \(Limits.frameBytes)",
            hint: "send fewer messages in one call, or a large one with IngestChunks", limit: Limits.frameBytes)
        guard kind == Frame.Kind.request.rawValue || kind == Frame.Kind.data.rawValue else { return .ignore }
        if kind == Frame.Kind.request.rawValue { highestStreamID = max(highestStreamID, streamID) }
        if let cancelled = abandon(streamID) { return .cancel(cancelled, status) }
        return kind == Frame.Kind.request.rawValue ? .answer(streamID: streamID, status) : .ignore
    }

    private mutating func receive(request frame: Frame, now: NIODeadline) -> Action {
        guard frame.streamID % 2 == 1 else { return .answer(streamID: frame.streamID, even(frame.streamID)) }
        highestStreamID = max(highestStreamID, frame.streamID)
        if let inUse = abandon(frame.streamID) {
            // Two calls cannot be told apart by their answers: the first is given up, the second not begun.
            return .cancel(
                inUse, Status(.invalidArgument, "stream id \(frame.streamID) is in use by a call under way", reason: .conflict))
        }
        do throws(Status) {
            guard !isDraining else { throw .stopping }
            return try begin(frame, now: now)
        } catch {
            return .answer(streamID: frame.streamID, error)
        }
    }

    private mutating func begin(_ frame: Frame, now: NIODeadline) throws(Status) -> Action {
        let request = try RequestEnvelope(packed: frame.data)
        // What is beside the message is kept as long as the call.
        guard frame.data.count - request.payload.count <= Limits.envelopeBytes else {
            throw Status(
                .resourceExhausted, "names and metadata of the call are over the limit of \(Limits.envelopeBytes) bytes",
                field: "metadata", limit: Limits.envelopeBytes)
        }
        let name = MethodName(service: request.service, method: request.method)
        guard let method = methods[name] else {
            throw services.contains(name.service)
                ? Status(.unimplemented, "service \(name.service) has no such method", field: "method")
                : Status(.unimplemented, "there is no such service", field: "service")
        }
        guard request.timeout >= 0 else { throw Status(.deadlineExceeded, "the call's deadline had passed when it was sent") }
        let isStreaming = method.clientStreams || method.serverStreams
        guard !isStreaming || streaming < Limits.streamsPerConnection else {
            throw Status(
                .resourceExhausted, "\(Limits.streamsPerConnection) streaming calls are under way on this connection",
                hint: "end one of them first, or open another connection", limit: Limits.streamsPerConnection)
        }
        // The longest deadline is some 146 years away: sums stay within Int64.
        let deadline = request.timeout == 0 ? nil : now + .nanoseconds(min(request.timeout, .max >> 1))
        // Of a method that takes many, the first may come along; no bytes are none then. A method that takes one takes this.
        let hasMessage = !method.clientStreams || !request.payload.isEmpty
        let isLast = !method.clientStreams || frame.flags.contains(.remoteClosed)
        nextSerial += 1
        // Whoever sends pieces of one message holds memory until the last.
        let isInPieces = method.clientStreams && !method.serverStreams && !isLast
        var stream = Stream(
            serial: nextSerial, method: method, deadline: deadline,
            wholeBy: isInPieces ? now + .seconds(Int64(Limits.chunksSeconds)) : nil, isClosedByPeer: isLast, held: Held())
        if hasMessage { hold(request.payload, &stream) }
        open[frame.streamID] = stream
        if isStreaming { streaming += 1 }
        noteExpiry(of: stream)
        return .begin(
            CallID(streamID: frame.streamID, serial: nextSerial),
            Beginning(
                method: method, metadata: request.metadata, deadline: deadline, message: hasMessage ? request.payload : nil,
                isLast: isLast))
    }

    private mutating func receive(data frame: Frame) -> Action {
        guard frame.streamID % 2 == 1 else { return .answer(streamID: frame.streamID, even(frame.streamID)) }
        let message = frame.flags.contains(.noData) ? nil : frame.data
        let isLast = frame.flags.contains(.remoteClosed)
        guard var stream = open[frame.streamID] else {
            // A server may end a call first; what the client had sent by then is late, and nobody's fault.
            guard frame.streamID > highestStreamID else { return .ignore }
            return .answer(
                streamID: frame.streamID,
                Status(.invalidArgument, "no call was begun on stream \(frame.streamID)", reason: .unknown))
        }
        let call = CallID(streamID: frame.streamID, serial: stream.serial)
        guard !stream.isClosedByPeer else {
            // Some clients close a side that never was open: that says nothing new.
            guard message != nil else { return .ignore }
            _ = abandon(frame.streamID)
            let why = stream.method.clientStreams ? "after it was closed" : "but \(stream.method.name) takes one message"
            return .cancel(call, Status(.invalidArgument, "Data came on stream \(frame.streamID) \(why)", reason: .state))
        }
        guard message != nil || isLast else { return .ignore }
        if let message { hold(message, &stream) }
        stream.isClosedByPeer = isLast
        if isLast { stream.wholeBy = nil }
        open[frame.streamID] = stream
        return message.map { .message(call, $0, isLast: isLast) } ?? .close(call)
    }

    private func even(_ streamID: UInt32) -> Status {
        Status(.invalidArgument, "stream id \(streamID) is even; a client's are odd")
    }

    private mutating func hold(_ message: [UInt8], _ stream: inout Stream) {
        let bytes = message.count + Limits.messageOverheadBytes
        stream.held.messages += 1
        stream.held.bytes += bytes
        held.messages += 1
        held.bytes += bytes
    }

    // MARK: What handlers do

    /// Gives back some of what a call holds: that many of its messages with their bytes need no memory any more.
    package mutating func release(_ call: CallID, messages: Int, bytes: Int) {
        if var stream = open[call.streamID], stream.serial == call.serial {
            release(&stream.held, messages, bytes)
            open[call.streamID] = stream
        } else if var rest = abandoned[call.serial] {
            release(&rest, messages, bytes)
            abandoned[call.serial] = rest
        }
    }

    private mutating func release(_ part: inout Held, _ messages: Int, _ bytes: Int) {
        let whole = bytes + messages * Limits.messageOverheadBytes
        precondition(messages <= part.messages && whole <= part.bytes, "a call gives back what it holds, and no more")
        part.messages -= messages
        part.bytes -= whole
        held.messages -= messages
        held.bytes -= whole
    }

    /// Ends a call for its handler. False when it was over for the peer before: then nothing may be sent.
    package mutating func end(_ call: CallID) -> Bool {
        if let stream = open[call.streamID], stream.serial == call.serial {
            remove(call.streamID, stream)
            giveBack(stream.held)
            return true
        }
        if let rest = abandoned.removeValue(forKey: call.serial) { giveBack(rest) }
        return false
    }

    private mutating func giveBack(_ rest: Held) {
        held.messages -= rest.messages
        held.bytes -= rest.bytes
    }

    private mutating func remove(_ streamID: UInt32, _ stream: Stream) {
        open[streamID] = nil
        if stream.method.clientStreams || stream.method.serverStreams { streaming -= 1 }
    }

    /// Ends a call for its peer; its handler is still to end it.
    private mutating func abandon(_ streamID: UInt32) -> CallID? {
        guard let stream = open[streamID] else { return nil }
        remove(streamID, stream)
        abandoned[stream.serial] = stream.held
        return CallID(streamID: streamID, serial: stream.serial)
    }

    // MARK: Time

    /// When `expire` may find something to do; nil: not as things are.
    package var nextExpiry: NIODeadline? { earliestExpiry }

    private mutating func noteExpiry(of stream: Stream) {
        if let time = stream.deadline { earliestExpiry = min(earliestExpiry ?? time, time) }
        if let time = stream.wholeBy { earliestExpiry = min(earliestExpiry ?? time, time) }
    }

    /// Gives up the calls whose time has run out.
    package mutating func expire(now: NIODeadline) -> [Action] {
        guard let earliestExpiry, earliestExpiry <= now else { return [] }
        var actions: [Action] = []
        for (streamID, stream) in open {
            let isLate = stream.deadline.map { $0 <= now } ?? false
            guard isLate || stream.wholeBy.map({ $0 <= now }) ?? false, let call = abandon(streamID) else { continue }
            let what =
                isLate
                ? "the call's deadline has passed; it may have been served"
                : "not all of its messages came in \(Limits.chunksSeconds) seconds"
            actions.append(
                .cancel(call, Status(.deadlineExceeded, what, hint: "the same message again settles it", reason: .temporary)))
        }
        self.earliestExpiry = nil
        for stream in open.values { noteExpiry(of: stream) }
        return actions
    }

    // MARK: The end

    /// Takes no further calls. Those that wait for more messages: to be told that none will be taken.
    package mutating func drain() -> [CallID] {
        isDraining = true
        return open.filter { !$0.value.isClosedByPeer }.map { CallID(streamID: $0.key, serial: $0.value.serial) }
            .sorted { $0.serial < $1.serial }
    }

    /// Gives up all calls: the peer is gone.
    package mutating func abandonAll() -> [CallID] {
        open.keys.sorted().compactMap { abandon($0) }
    }
}
