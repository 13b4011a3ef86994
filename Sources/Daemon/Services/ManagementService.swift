import Messages
import Model
import RPC
import ServiceLifecycle
import Synchronization

/// Runs the management calls that connections hand over, some at the same time; what cannot be queued is refused.
///
/// Calls that have one answer and calls that stream theirs are apart: who streams waits for its reader, and nobody else may.
struct ManagementService: Service {
    private let unary = Lane(atOnce: Limits.managementCallsAtOnce, queued: Limits.managementCallsQueued)
    private let streaming = Lane(atOnce: Limits.managementStreamsAtOnce, queued: Limits.managementCallsQueued)

    /// A handler for a connection's event loop that queues its calls here.
    func handler<Request: WireMessage, Response: WireMessage>(
        _ serve: @escaping @Sendable (Request) async throws(Status) -> Response
    ) -> MethodHandler {
        unary.handler { (call, request) throws(Status) in
            let response = try await serve(Request(packed: request)).packed
            return { call.answer(.success(response)) }
        }
    }

    /// The same for a method that answers with any number of messages: `serve` sends them.
    func streamingHandler<Request: WireMessage>(
        _ serve: @escaping @Sendable (Request, Call) async throws(Status) -> Void
    ) -> MethodHandler {
        streaming.handler { (call, request) throws(Status) in
            try await serve(Request(packed: request), call)
            return { call.finish() }
        }
    }

    /// Calls end with the sockets that brought them: when this is told to stop, none is left.
    func run() async {
        await withGracefulShutdownHandler {
            async let streams: Void = streaming.run()
            await unary.run()
            await streams
        } onGracefulShutdown: {
            unary.close()
            streaming.close()
        }
    }
}

/// Calls that wait for their turn.
private struct Lane: Sendable {
    private struct Work: Sendable {
        let call: Call
        let cancellation: Cancellation
        let perform: @Sendable () async -> Void
    }

    private let atOnce: Int
    private let queued: Int
    private let stream: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    init(atOnce: Int, queued: Int) {
        self.atOnce = atOnce
        self.queued = queued
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(queued))
    }

    /// - Parameter serve: does the work and returns how to end the call.
    func handler(
        _ serve: @escaping @Sendable (Call, [UInt8]) async throws(Status) -> @Sendable () -> Void
    ) -> MethodHandler {
        .single { call, request in
            guard request.count <= Limits.managementRequestBytes else {
                let message = "a request of \(request.count) bytes is over the limit of \(Limits.managementRequestBytes)"
                call.answer(.failure(Status(.resourceExhausted, message, limit: Limits.managementRequestBytes)))
                return nil
            }
            let work = Work(call: call, cancellation: Cancellation()) {
                do throws(Status) { try await serve(call, request)() } catch { call.answer(.failure(error)) }
            }
            switch continuation.yield(work) {
            case .enqueued: return work.cancellation
            case .dropped:
                let message = "\(queued) management calls are waiting already"
                call.answer(
                    .failure(
                        Status(.resourceExhausted, message, hint: "try again later", reason: .temporary, limit: queued)))
            case .terminated: call.answer(.failure(Status(.unavailable, "the daemon is stopping", hint: "try again")))
            @unknown default: call.answer(.failure(Status(.internal, "the call could not be queued")))
            }
            return nil
        }
    }

    func run() async {
        await stream.forEach(atOnce: atOnce) { work in
            if work.cancellation.isCancelled {
                work.call.answer(.failure(Status(.cancelled, "nobody waits for the call any more")))
            } else if work.call.method.isReadOnly {
                await work.cancellation.cancelling(work.perform)
            } else {
                // A change is made whole, or not at all.
                await work.perform()
            }
        }
    }

    func close() { continuation.finish() }
}

/// Carries the end of a call from its connection to the task that serves it.
private final class Cancellation: Cancellable, Sendable {
    private let stream: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation
    private let cancelled = Atomic(false)

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func cancel() {
        cancelled.store(true, ordering: .releasing)
        continuation.finish()
    }

    /// Runs `work` in a task that is cancelled with the call.
    func cancelling(_ work: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await work() }
            group.addTask { [stream] in for await _ in stream {} }
            await group.next()
            group.cancelAll()
        }
    }
}
