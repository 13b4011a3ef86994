import Messages
import Model
import RPC
import ServiceLifecycle

/// Runs the management calls that connections hand over, some at the same time; what cannot be queued is refused.
struct ManagementService: Service {
    private struct Work: Sendable {
        let call: Call
        let serve: @Sendable (Call) async throws(Status) -> [UInt8]
    }

    private let stream: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(Limits.managementCallsQueued))
    }

    /// A handler for a connection's event loop that queues its calls here.
    func handler<Request: WireMessage, Response: WireMessage>(
        _ serve: @escaping @Sendable (Request) async throws(Status) -> Response
    ) -> MethodHandler {
        { call in
            guard call.payload.count <= Limits.managementRequestBytes else {
                let message = "a request of \(call.payload.count) bytes is over the limit of \(Limits.managementRequestBytes)"
                return call.answer(.failure(Status(.resourceExhausted, message)))
            }
            let work = Work(call: call) { call throws(Status) in try await serve(Request(packed: call.payload)).packed }
            switch continuation.yield(work) {
            case .enqueued: break
            case .dropped:
                let message = "\(Limits.managementCallsQueued) management calls are waiting already"
                call.answer(.failure(Status(.resourceExhausted, message, hint: "try again later")))
            case .terminated: call.answer(.failure(Status(.unavailable, "the daemon is stopping", hint: "try again")))
            @unknown default: call.answer(.failure(Status(.internal, "the call could not be queued")))
            }
        }
    }

    /// Calls end with the sockets that brought them: when this is told to stop, none is left.
    func run() async {
        await withGracefulShutdownHandler {
            await stream.forEach(atOnce: Limits.managementCallsAtOnce) { work in
                do throws(Status) {
                    work.call.answer(.success(try await work.serve(work.call)))
                } catch {
                    work.call.answer(.failure(error))
                }
            }
        } onGracefulShutdown: {
            continuation.finish()
        }
    }
}
