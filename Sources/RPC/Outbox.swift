import Model
import NIOCore
import Synchronization

/// Answers on their way from any thread to a connection's event loop: one hop and one write for all that gather meanwhile.
final class Outbox: Sendable {
    struct Answer {
        let streamID: UInt32
        let envelope: [UInt8]
    }

    private struct State {
        var answers: [Answer] = []
        var bytes = 0
        var isScheduled = false
        var handler: NIOLoopBound<ServerConnectionHandler>?
    }

    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    /// Delivers to `handler` until `close`. On the event loop.
    func open(_ handler: ServerConnectionHandler) {
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        state.withLock { $0.handler = bound }
    }

    /// Forgets what was not delivered: the peer is gone.
    func close() {
        state.withLock {
            $0.handler = nil
            $0.answers = []
            $0.bytes = 0
        }
    }

    func send(_ streamID: UInt32, _ envelope: [UInt8]) {
        let handler = state.withLock { state -> NIOLoopBound<ServerConnectionHandler>? in
            guard let handler = state.handler else { return nil }
            state.answers.append(Answer(streamID: streamID, envelope: envelope))
            state.bytes += envelope.count
            guard !state.isScheduled else { return nil }
            state.isScheduled = true
            return handler
        }
        guard let handler else { return }
        eventLoop.execute { handler.value.deliver() }
    }

    /// Whether as much gathered as may: what is served now waits for it to be written.
    var isFull: Bool { state.withLock { $0.bytes >= Limits.answerBytesGathered } }

    /// All that gathered. On the event loop.
    func take() -> [Answer] {
        state.withLock { state in
            state.isScheduled = false
            state.bytes = 0
            defer { state.answers = [] }
            return state.answers
        }
    }
}
