import Model
import NIOCore
import Synchronization

/// What handlers say of a connection's calls, on its way from any thread to the event loop: one hop and one write for all that gathers
/// meanwhile.
final class Outbox: Sendable {
    enum Item: Sendable {
        /// Ends the call with a packed Response.
        case response(CallID, [UInt8])
        case message(CallID, [UInt8])
        case gathered(CallID, @Sendable () -> [UInt8])
        /// Ends the call with a closing Data.
        case finish(CallID)
        case release(CallID, messages: Int, bytes: Int)

        var call: CallID {
            switch self {
            case .response(let call, _), .message(let call, _), .gathered(let call, _), .finish(let call),
                .release(let call, _, _):
                call
            }
        }

        var bytes: Int {
            switch self {
            case .response(_, let bytes), .message(_, let bytes): bytes.count
            case .gathered, .finish, .release: 0
            }
        }

        /// Whether it asks for a part of what all connections have for answers.
        var isLarge: Bool { bytes > Limits.frameBytesUnasked }
    }

    private struct State {
        var items: [Item] = []
        var bytes = 0
        var isScheduled = false
        var handler: NIOLoopBound<ServerConnectionHandler>?
        /// Who goes on when what gathered is written and the peer reads.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let eventLoop: any EventLoop
    private let memory: Allowance
    private let connection: UInt64
    private let state = Mutex(State())

    /// - Parameters:
    ///   - memory: what large answers of all connections may take.
    ///   - connection: the number of this one.
    init(eventLoop: any EventLoop, memory: Allowance, connection: UInt64) {
        self.eventLoop = eventLoop
        self.memory = memory
        self.connection = connection
    }

    /// Delivers to `handler` until `close`. On the event loop.
    func open(_ handler: ServerConnectionHandler) {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        state.withLock { $0.handler = bound }
    }

    /// Forgets what was not delivered: nobody is there, and all calls have ended.
    func close() {
        let (items, waiting) = state.withLock { state in
            defer { state = State() }
            return (state.items, state.waiting)
        }
        giveBack(Self.largeBytes(items))
        for continuation in waiting { continuation.resume() }
    }

    /// What is too much for what peers leave unread is replaced by an error.
    func send(_ item: Item) {
        guard item.isLarge, !memory.take(item.bytes, of: connection) else { return enqueue(item) }
        enqueue(
            .response(
                item.call,
                Call.envelope(
                    .failure(
                        Status(
                            .resourceExhausted, "too many bytes of answers wait to be read already",
                            hint: "read them, or try again later", reason: .temporary, limit: memory.share)))))
    }

    /// Sends a message, then waits until the peer has little to read; before, where it is large, until it may take its memory.
    func sendAndWait(_ item: Item) async throws(Status) {
        let mayBeSent = item.isLarge ? await memory.wait(item.bytes, of: connection) : true
        if mayBeSent { await withCheckedContinuation { enqueue(item, $0) } }
        // Whoever waited for the call is gone when its task was cancelled.
        if !mayBeSent || Task.isCancelled { throw Status(.cancelled, "nobody waits for the call any more") }
    }

    /// What items that are sent, or never will be, took.
    func giveBack(_ large: Int) { memory.giveBack(large, of: connection) }

    static func largeBytes(_ items: [Item]) -> Int { items.reduce(0) { $0 + ($1.isLarge ? $1.bytes : 0) } }

    private func enqueue(_ item: Item, _ sender: CheckedContinuation<Void, Never>? = nil) {
        enum Next {
            case deliver(NIOLoopBound<ServerConnectionHandler>)
            case isScheduled
            case isGone
        }
        let next = state.withLock { state -> Next in
            guard let handler = state.handler else { return .isGone }
            state.items.append(item)
            state.bytes += item.bytes
            if let sender { state.waiting.append(sender) }
            guard !state.isScheduled else { return .isScheduled }
            state.isScheduled = true
            return .deliver(handler)
        }
        switch next {
        case .deliver(let handler): eventLoop.execute { handler.value.deliver() }
        case .isScheduled: break
        case .isGone:
            giveBack(Self.largeBytes([item]))
            sender?.resume()
        }
    }

    /// Whether as much gathered as may: what is served now waits for it to be written.
    var isFull: Bool { state.withLock { $0.bytes >= Limits.answerBytesGathered } }

    /// All that gathered. On the event loop.
    func take() -> [Item] {
        state.withLock { state in
            state.isScheduled = false
            state.bytes = 0
            defer { state.items = [] }
            return state.items
        }
    }

    /// Lets those go on who wait for the peer to read. On the event loop.
    func resumeSenders() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
