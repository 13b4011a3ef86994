package import Messages
package import Model
package import NIOCore

/// Who is at the other end of a connection, as the kernel said when it was accepted.
package struct Peer: Hashable, Sendable {
    /// User id.
    package let uid: UInt32
    /// Group id.
    package let gid: UInt32
    /// Supplementary groups.
    package let groups: [UInt32]
    /// Name of the one sandbox that the socket is for; nil: it is for all.
    package var sandbox: String?

    package init(uid: UInt32, gid: UInt32, groups: [UInt32] = [], sandbox: String? = nil) {
        self.uid = uid
        self.gid = gid
        self.groups = groups
        self.sandbox = sandbox
    }
}

/// A call to be served.
///
/// Whoever gets it ends it exactly once, from any thread, also after it was cancelled: with `answer`, or `finish` where any number of
/// messages is answered. Until then it counts against the bounds of its connection.
package struct Call: Sendable {
    /// What is called.
    package let method: MethodDescription
    /// Who calls.
    package let peer: Peer
    /// Keys lowercased, values of one key in order.
    package let metadata: [RequestEnvelope.Metadata]
    /// When the caller gives up, and the call is cancelled; nil: never.
    package let deadline: NIODeadline?
    /// The connection it came on: no other of this server has the same number.
    package let connection: UInt64

    let id: CallID
    let outbox: Outbox
    let turnEnd: TurnEnd

    /// Runs `work` on the event loop when all that had come on any connection was received: once for all that it brought. On the event loop
    /// only.
    ///
    /// - Parameter work: is told whether nothing else waits for this turn's end; must take no longer than a change of threads, some 50 µs
    ///   to 1 ms, or leave it to another one.
    package func atTurnEnd(_ work: @escaping @Sendable (_ isAlone: Bool) -> Void) { turnEnd.add(work) }

    /// Ends the call with its one result, or any call with an error. What is too large for a frame, or too much for a peer that does
    /// not read its answers, ends it with `resourceExhausted`.
    package func answer(_ result: Result<[UInt8], Status>) {
        outbox.send(.response(id, Call.envelope(result)))
    }

    /// Answers one of any number of messages; waits while the peer has much to read.
    ///
    /// - Throws: `cancelled` when nobody waits for it any more; `resourceExhausted` when it does not fit a frame, or peers leave too
    ///   much unread. The call is still to be ended.
    package func send(_ message: [UInt8]) async throws(Status) {
        guard message.count <= Limits.frameBytes else { throw Call.tooLarge(message.count) }
        try await outbox.sendAndWait(.message(id, message))
    }

    /// Answers one of any number of messages and goes on at once. For what is bounded by what the peer sends: its calls are held up
    /// while much is unread. What is too large for a frame, or too much for that, ends the call with `resourceExhausted`.
    package func post(_ message: [UInt8]) {
        guard message.count <= Limits.frameBytes else { return answer(.failure(Call.tooLarge(message.count))) }
        outbox.send(.message(id, message))
    }

    /// Answers one of any number of messages, made when it is written: with all that has gathered until then. `make` is called once,
    /// on the event loop, also when nobody waits any more; must not block. What is too large for a frame ends the call with
    /// `resourceExhausted`.
    package func sendGathered(_ make: @escaping @Sendable () -> [UInt8]) {
        outbox.send(.gathered(id, make))
    }

    /// Ends a call that has answered any number of messages, or none.
    package func finish() {
        outbox.send(.finish(id))
    }

    /// Says that this many of the messages that came need no memory any more; more may be read then.
    ///
    /// - Parameter bytes: of these messages.
    package func release(messages: Int, bytes: Int) {
        outbox.send(.release(id, messages: messages, bytes: bytes))
    }

    static func envelope(_ result: Result<[UInt8], Status>) -> [UInt8] {
        let packed: [UInt8]
        switch result {
        case .success(let payload): packed = ResponseEnvelope.success(payload).packed
        case .failure(let status): packed = ResponseEnvelope.failure(status).packed
        }
        guard packed.count > Limits.frameBytes else { return packed }
        return ResponseEnvelope.failure(tooLarge(packed.count)).packed
    }

    /// Clients refuse, or break on, a larger frame.
    static func tooLarge(_ bytes: Int) -> Status {
        Status(
            .resourceExhausted, "the answer has \(bytes) bytes, over the limit of \(Limits.frameBytes)", limit: Limits.frameBytes)
    }
}

/// Someone who is told when nobody waits for a call any more: its deadline passed, its peer broke a rule or went away.
package protocol Cancellable: AnyObject {
    /// Called at most once, on the connection's event loop. Stops what can be stopped; the call is still to be ended.
    func cancel()
}

/// What takes the messages of a call, on the connection's event loop: must not block.
package protocol MessageReceiver: Cancellable {
    /// A message; give it back with `Call.release` when it needs no memory any more.
    func receive(_ message: [UInt8])
    /// What had come of messages was received, or others have their turn first: what was gathered of them is to be gone on with.
    func endTurn()
    /// There are no more.
    func close()
    /// The server stops: what still comes need not be taken; the call is to be ended, with `stopping` where its peer would have sent
    /// more, once what came is answered.
    func stop()
}

extension Status {
    /// Why nothing is begun any more.
    package static let stopping = Status(.unavailable, "the daemon is stopping", hint: "try again")
}

extension MessageReceiver {
    /// Nothing was gathered.
    package func endTurn() {}
}

/// Serves a method. Called on a connection's event loop: must not block.
package enum MethodHandler: Sendable {
    /// Takes one message; what is returned, if anything, is told of a cancellation.
    case single(@Sendable (Call, [UInt8]) -> (any Cancellable)?)
    /// Takes any number of messages.
    case stream(@Sendable (Call) -> any MessageReceiver)

    var takesStream: Bool {
        switch self {
        case .single: false
        case .stream: true
        }
    }
}

/// A method with what is said of it, and who serves it.
package struct Method: Sendable {
    let description: MethodDescription
    let handler: MethodHandler

    /// - Precondition: the handler takes one message or many, as the description says.
    package init(_ description: MethodDescription, _ handler: MethodHandler) {
        precondition(handler.takesStream == description.clientStreams, "\(description.name) takes one message, or many")
        self.description = description
        self.handler = handler
    }
}
