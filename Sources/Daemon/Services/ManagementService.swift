import Messages
import Model
import RPC
import ServiceLifecycle

/// Runs the management calls that connections hand over, some at the same time; what cannot be queued is refused.
///
/// Calls are apart by what they wait for: those that stream their answers wait for their readers, those that wait for a run for its
/// end, and the others for nobody.
struct ManagementService: Service {
    private let calls: Lane
    private let streams: Lane
    private let waits: Lane
    private let gate: AccessGate

    init(_ gate: AccessGate) {
        self.gate = gate
        let queued = Allowance(
            limit: Limits.managementCallsQueued, share: Limits.managementCallsQueuedPerConnection)
        calls = Lane(
            queued, atOnce: .init(limit: Limits.managementCallsAtOnce, share: Limits.managementCallsAtOncePerConnection))
        streams = Lane(
            queued, atOnce: .init(limit: Limits.managementStreamsAtOnce, share: Limits.managementStreamsAtOncePerConnection))
        waits = Lane(queued, atOnce: .init(limit: Limits.runWaitersAtOnce, share: Limits.runWaitersAtOncePerConnection))
    }

    /// A handler for a connection's event loop that queues its calls here, of a method that works in a sandbox.
    ///
    /// - Parameter right: what its caller must be allowed to do there.
    func sandboxed<Request: SandboxScoped, Response: WireMessage>(
        _ right: Rights, _ serve: @escaping @Sendable (Request, Place) async throws(Status) -> Response
    ) -> MethodHandler {
        answering(calls) { (request: Request, call) async throws(Status) in
            try await serve(request, try place(of: request, call, right))
        }
    }

    /// The same for a method that waits for the end of a run.
    func waiting<Request: SandboxScoped, Response: WireMessage>(
        _ right: Rights, _ serve: @escaping @Sendable (Request, Place) async throws(Status) -> Response
    ) -> MethodHandler {
        answering(waits) { (request: Request, call) async throws(Status) in
            try await serve(request, try place(of: request, call, right))
        }
    }

    /// The same for a method that answers with any number of messages: `serve` sends them.
    func streaming<Request: SandboxScoped>(
        _ right: Rights, _ serve: @escaping @Sendable (Request, Place) async throws(Status) -> Void
    ) -> MethodHandler {
        streams.handler { (request: Request, call) throws(Status) in
            try await serve(request, try place(of: request, call, right))
            return { call.finish() }
        }
    }

    private func place(of request: some SandboxScoped, _ call: Call, _ right: Rights) throws(Status) -> Place {
        Place(entry: try gate.admit(call, to: request.sandbox, for: right), call: call)
    }

    /// A handler of a method that works in the organization.
    ///
    /// - Parameter right: what its caller must be allowed to do.
    func organizational<Request: WireMessage, Response: WireMessage>(
        _ right: Rights, _ serve: @escaping @Sendable (Request, Call) async throws(Status) -> Response
    ) -> MethodHandler {
        answering(calls) { (request: Request, call) async throws(Status) in
            try gate.admitToOrganization(call, for: right)
            return try await serve(request, call)
        }
    }

    /// The same for a method that takes as long as there is much.
    func organizationalWaiting<Request: WireMessage, Response: WireMessage>(
        _ right: Rights, _ serve: @escaping @Sendable (Request, Call) async throws(Status) -> Response
    ) -> MethodHandler {
        answering(waits) { (request: Request, call) async throws(Status) in
            try gate.admitToOrganization(call, for: right)
            return try await serve(request, call)
        }
    }

    /// A handler of a method whose chain tells who may call it: a sandbox's, or the organization's.
    func auditing<Request: ChainScoped, Response: WireMessage>(
        _ serve: @escaping @Sendable (Request, Chain) async throws(Status) -> Response
    ) -> MethodHandler {
        answering(calls) { (request: Request, call) async throws(Status) in
            try await serve(request, try chain(of: request, call))
        }
    }

    /// The same for a method that answers with any number of messages.
    func auditStreaming<Request: ChainScoped>(
        _ serve: @escaping @Sendable (Request, Chain) async throws(Status) -> Void
    ) -> MethodHandler {
        streams.handler { (request: Request, call) throws(Status) in
            try await serve(request, try chain(of: request, call))
            return { call.finish() }
        }
    }

    private func chain(of request: some ChainScoped, _ call: Call) throws(Status) -> Chain {
        guard request.organization else {
            return Chain(id: try gate.admit(call, to: request.sandbox, for: .read).sandbox.id, call: call)
        }
        try gate.admitToOrganization(call, for: .administer)
        return Chain(id: "", call: call)
    }

    /// A handler of a method that anybody may call.
    func open<Request: WireMessage, Response: WireMessage>(
        _ serve: @escaping @Sendable (Request, Call) async throws(Status) -> Response
    ) -> MethodHandler {
        answering(calls, serve)
    }

    private func answering<Request: WireMessage, Response: WireMessage>(
        _ lane: Lane, _ serve: @escaping @Sendable (Request, Call) async throws(Status) -> Response
    ) -> MethodHandler {
        lane.handler { (request: Request, call) throws(Status) in
            let response = try await serve(request, call).packed
            return { call.answer(.success(response)) }
        }
    }

    /// Calls end with the sockets that brought them: when this is told to stop, none is left.
    func run() async {
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                for lane in [calls, streams, waits] { group.addTask { await lane.run() } }
            }
        } onGracefulShutdown: {
            for lane in [calls, streams, waits] { lane.close() }
        }
    }
}

/// Where a call works: its caller may.
struct Place: Sendable {
    let entry: SandboxDirectory.Entry
    let call: Call

    var sandbox: Sandbox { entry.sandbox }
    /// User id of the caller.
    var user: UInt32 { call.peer.uid }
}

/// A chain of the audit that a call reads: its caller may.
struct Chain: Sendable {
    /// Id of the sandbox; empty: the organization.
    let id: String
    let call: Call
}

/// Calls that wait for their turn.
private struct Lane: Sendable {
    private struct Work: Sendable {
        let call: Call
        let cancellation: Cancellation
        let perform: @Sendable () async -> Void
    }

    private let queued: Allowance
    private let atOnce: Allowance
    private let stream: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    /// - Parameters:
    ///   - queued: calls that wait, of this lane and others.
    ///   - atOnce: calls at work.
    init(_ queued: Allowance, atOnce: Allowance) {
        self.queued = queued
        self.atOnce = atOnce
        (stream, continuation) = AsyncStream.makeStream()
    }

    /// - Parameter serve: does the work and returns how to end the call.
    func handler<Request: WireMessage>(
        _ serve: @escaping @Sendable (Request, Call) async throws(Status) -> @Sendable () -> Void
    ) -> MethodHandler {
        .single { call, bytes in
            do throws(Status) {
                guard bytes.count <= Limits.managementRequestBytes else {
                    throw Status(
                        .resourceExhausted,
                        "a request of \(bytes.count) bytes is over the limit of \(Limits.managementRequestBytes)",
                        limit: Limits.managementRequestBytes)
                }
                let request = try Request(packed: bytes)
                // Whatever it waits for, its bytes are not counted among those that come.
                call.release(messages: 1, bytes: bytes.count)
                return try queue(call) {
                    do throws(Status) { try await serve(request, call)() } catch { call.answer(.failure(error)) }
                }
            } catch {
                call.answer(.failure(error))
                return nil
            }
        }
    }

    private func queue(_ call: Call, _ perform: @escaping @Sendable () async -> Void) throws(Status) -> Cancellation {
        guard queued.take(1, of: call.connection) else {
            throw Status(
                .resourceExhausted, "too many management calls are waiting already", hint: "try again later", reason: .temporary,
                limit: queued.share)
        }
        let work = Work(call: call, cancellation: Cancellation(), perform: perform)
        guard case .enqueued = continuation.yield(work) else {
            queued.giveBack(1, of: call.connection)
            throw .stopping
        }
        return work.cancellation
    }

    /// Each call is a task that waits for its turn.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await work in stream { group.addTask { await perform(work) } }
        }
    }

    private func perform(_ work: Work) async {
        let connection = work.call.connection
        let isReadOnly = work.call.method.isReadOnly
        let hasTurn = await work.cancellation.cancelling {
            let hasTurn = await atOnce.wait(1, of: connection)
            queued.giveBack(1, of: connection)
            if hasTurn, isReadOnly { await work.perform() }
            return hasTurn
        }
        guard hasTurn else {
            return work.call.answer(.failure(Status(.cancelled, "nobody waits for the call any more")))
        }
        // A change that has begun is made whole, whoever waits for it.
        if !isReadOnly { await work.perform() }
        atOnce.giveBack(1, of: connection)
    }

    func close() { continuation.finish() }
}

/// Carries the end of a call from its connection to the task that serves it.
private final class Cancellation: Cancellable, Sendable {
    private let stream: AsyncStream<Never>
    private let continuation: AsyncStream<Never>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func cancel() { continuation.finish() }

    /// Runs `work` in a task that is cancelled with the call. To be called once.
    func cancelling<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await work() }
            group.addTask { [stream] in
                for await _ in stream {}
                return nil
            }
            var value: Value?
            for await ended in group {
                value = value ?? ended
                group.cancelAll()
            }
            guard let value else { preconditionFailure("the work has ended") }
            return value
        }
    }
}
