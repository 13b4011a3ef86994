package import Model
import NIOCore

/// A call under way that sends or gets any number of messages.
///
/// Whoever gets it takes its messages to their end, once, or cancels it: what nobody takes holds up the other calls of its connection.
package final class ClientStream: Sendable {
    /// What the daemon sends, with back-pressure.
    typealias Messages = NIOThrowingAsyncSequenceProducer<
        [UInt8], any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, Demand
    >
    typealias Source = Messages.Source

    /// Tells the connection whether messages are wanted.
    final class Demand: NIOAsyncSequenceProducerDelegate {
        private let eventLoop: any EventLoop
        private let handler: NIOLoopBound<ClientConnectionHandler>
        private let streamID: EventLoopFuture<UInt32>

        init(handler: NIOLoopBound<ClientConnectionHandler>, streamID: EventLoopFuture<UInt32>) {
            eventLoop = streamID.eventLoop
            self.handler = handler
            self.streamID = streamID
        }

        func produceMore() {
            streamID.whenSuccess { [handler] in handler.value.wants($0) }
        }

        func didTerminate() {
            streamID.whenSuccess { [handler] in
                handler.value.forget($0, Status(.cancelled, "nobody takes its messages any more"))
            }
        }
    }

    private let handler: NIOLoopBound<ClientConnectionHandler>
    private let eventLoop: any EventLoop
    private let streamID: UInt32

    private let messages: Messages

    init(handler: NIOLoopBound<ClientConnectionHandler>, eventLoop: any EventLoop, streamID: UInt32, messages: Messages) {
        self.handler = handler
        self.eventLoop = eventLoop
        self.streamID = streamID
        self.messages = messages
    }

    /// Sends a message; waits while the daemon does not read.
    ///
    /// - Throws: `cancelled` when the call is over: `messages` tells how it ended; `resourceExhausted` when it does not fit a frame.
    package func send(_ message: [UInt8]) async throws(Status) {
        guard message.count <= Limits.frameBytes else {
            throw Status(
                .resourceExhausted, "a message of \(message.count) bytes does not fit a frame", limit: Limits.frameBytes)
        }
        try await write(message)
    }

    /// Says that no more messages follow.
    package func finish() async throws(Status) {
        try await write(nil)
    }

    private func write(_ message: [UInt8]?) async throws(Status) {
        let done = eventLoop.makePromise(of: Void.self)
        eventLoop.execute { [handler, streamID] in handler.value.send(message, on: streamID, done) }
        // Who is cancelled waits no longer for a daemon that does not read: the call is over.
        do {
            try await withTaskCancellationHandler {
                try await done.futureResult.get()
            } onCancel: {
                cancel()
            }
        } catch {
            throw Status(client: error)
        }
    }

    /// Hands each message to `body`, in order, until the call ends. One use: iterate once.
    ///
    /// - Throws: how the call ended, when it failed; `cancelled` when the task was.
    package func forEachMessage(_ body: ([UInt8]) throws(Status) -> Void) async throws(Status) {
        do {
            for try await message in messages { try body(message) }
        } catch {
            throw Status(client: error)
        }
        try checkIsWanted()
    }

    /// The one answer of a call that has one, or the first message.
    ///
    /// - Throws: how the call ended, when it failed or had no message; `cancelled` when the task was.
    package func answer() async throws(Status) -> [UInt8] {
        do {
            for try await message in messages { return message }
        } catch {
            throw Status(client: error)
        }
        try checkIsWanted()
        throw Status(.internal, "the daemon ended the call without an answer")
    }

    /// A cancelled task sees an end that is none.
    private func checkIsWanted() throws(Status) {
        if Task.isCancelled { throw Status(.cancelled, "the call was cancelled; it may have been served") }
    }

    /// Ends the call: nobody waits for it.
    package func cancel() {
        eventLoop.execute { [handler, streamID] in
            handler.value.forget(streamID, Status(.cancelled, "the call was cancelled"))
        }
    }
}

extension Status {
    /// What a future of a client fails with.
    init(client error: any Error) {
        self =
            switch error {
            case let status as Status: status
            case is CancellationError: Status(.cancelled, "the call was cancelled; it may have been served")
            default: Status(.unavailable, "the connection failed: \(error)")
            }
    }
}
