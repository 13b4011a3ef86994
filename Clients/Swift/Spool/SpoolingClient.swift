package import Disk
public import Logging
import Messages
public import Model
package import RPC
import SealedBox
import Synchronization

/// A client that holds no send up: what the daemon does not acknowledge in time waits in a `Spool`, sealed so that only the daemon can
/// read it, and is handed over later. Ids make it exactly once.
///
/// What is refused for good (a configuration that is not there, content that is not well formed) is thrown, as by `MessageExportClient`.
public final class SpoolingClient: Sendable {
    let client: MessageExportClient
    let spool: Spool
    let folder: SpoolFolder
    let clock: any Clock<Duration>
    let logger: Logger?
    let disk = DiskQueue("spool")
    let key: Mutex<SpoolKey?>
    /// The sandbox that is asked for; empty: the daemon's default.
    private let sandbox: String
    private let dropped = Atomic<Int>(0)
    private let spooled = Atomic(false)
    /// Of messages that wait for the spool's disk.
    private let waitingBytes = Mutex(0)
    let (added, addition) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Lends a client to `body`, and hands over what waits meanwhile. It begins whether the daemon is there or not; what is not handed over
    /// when `body` ends stays for the next client, or for `msgexport spool send`.
    ///
    /// Logger and trace context are those of `MessageExportClient.connect`; the logger is told of what the daemon refuses, too.
    /// - Throws: `failedPrecondition` when the spool cannot be used, or is another sandbox's; what `body` throws.
    public static func withClient<Value: Sendable>(
        socket: String, sandbox: String = defaultSandbox, spool: Spool, logger: Logger? = nil,
        traceParent: (@Sendable () -> String?)? = nil,
        _ body: @Sendable (SpoolingClient) async throws -> Value
    ) async throws -> Value {
        let client = try SpoolingClient(
            socket: socket, sandbox: sandbox, spool: spool, hooks: ClientHooks(logger: logger, traceParent: traceParent),
            logger: logger)
        let result: Result<Value, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { await client.keepHandingOver() }
            let result: Result<Value, any Error>
            do { result = .success(try await body(client)) } catch { result = .failure(error) }
            group.cancelAll()
            return result
        }
        await client.close()
        return try result.get()
    }

    /// - Parameter clock: what the deadline is told by.
    package init(
        socket: String, sandbox: String, spool: Spool, clock: any Clock<Duration> = ContinuousClock(),
        files: any Files = PosixFiles(), hooks: ClientHooks = ClientHooks(), logger: Logger? = nil
    ) throws(Status) {
        // What waits in the spool is tried again, and nobody waits for it.
        client = MessageExportClient(
            socket: socket, sandbox: sandbox, timeout: max(spool.deadline, .seconds(Limits.clientCallSeconds)), retryTime: .zero,
            hooks: hooks)
        self.spool = spool
        self.sandbox = sandbox
        self.clock = clock
        self.logger = logger
        folder = try SpoolFolder(spool, files: files)
        let known = folder.key()
        key = Mutex(known)
        if let known { try requireSandbox(of: known) }
    }

    /// What waits in a spool is of one sandbox: nothing of another may come in through it.
    private func requireSandbox(of key: SpoolKey) throws(Status) {
        guard sandbox.isEmpty || sandbox == key.sandbox else {
            throw Status(
                .failedPrecondition, "the spool \(spool.folder) is sandbox \(key.sandbox)'s",
                hint: "name another folder for sandbox \(sandbox)")
        }
    }

    /// Closes the connection. No call may follow.
    package func close() async { await client.close() }

    /// Whether the daemon did not take something in time since this client began.
    package var hasSpooled: Bool { spooled.load(ordering: .relaxed) }

    /// Messages that a full spool has let go of since this client began.
    public var messagesDropped: Int { dropped.load(ordering: .relaxed) }

    /// Hands over one message, or puts it into the spool. Returns or throws when the spool's deadline has passed, if not before.
    ///
    /// - Throws: what the daemon refused it for; `resourceExhausted` when the spool is full and told to fail; `deadlineExceeded` when
    ///   neither daemon nor disk answered: it may be stored, and the same message again settles it; `cancelled` when the task was.
    public func ingest(_ message: Message) async throws(Status) -> Handover {
        let start = WallClock.now
        let elapsed = stopwatch(clock)
        let reserve = min(spool.deadline / 4, .milliseconds(Limits.spoolWriteMilliseconds))
        let failure: Status
        do throws(Status) {
            return .answered(
                try await within(spool.deadline - reserve, { [client] () throws(Status) in try await client.ingest(message) }))
        } catch {
            guard error.mayPass else { throw error }
            failure = error
        }
        do throws(Status) {
            try await put(message, at: start, within: spool.deadline - elapsed(), insteadOf: failure)
            spooled.store(true, ordering: .relaxed)
            addition.yield()
            return .spooled
        } catch {
            guard error.code == .resourceExhausted, spool.whenFull == .drop else { throw error }
            dropped.add(1, ordering: .relaxed)
            return .dropped
        }
    }

    private func put(
        _ message: Message, at instant: Instant, within time: Duration, insteadOf failure: Status
    ) async throws(Status) {
        // Whatever is sealed to a key has days to be handed over.
        let margin = Int64(Limits.spoolKeyMarginDays) * Day.milliseconds
        guard let key = key.withLock({ $0 }), WallClock.now.milliseconds < key.keptUntil.milliseconds - margin else {
            throw Status(
                failure.code, "\(failure.message); and the spool has no key yet",
                hint: "it gets one, and keeps it, when the daemon answers for the first time: msgexport spool send FOLDER")
        }
        let packed = message.packed
        try takeMemory(packed.count)
        let spooled = SpooledMessage(sandbox: key.sandbox, user: key.user, spooledAt: instant, message: packed)
        let written = Once<Status?>()
        disk.start { [self] in
            defer { waitingBytes.withLock { $0 -= packed.count } }
            // Its caller has gone by without it.
            guard !written.isSet else { return }
            var problem: Status?
            if let box = SealedBox.seal(spooled.packed, to: key.publicKey) {
                do throws(Status) { try folder.put(box, sealedTo: key.publicKey, at: instant) } catch { problem = error }
            } else {
                problem = Status(.internal, "the spool's key is none")
            }
            written.set(problem)
        }
        let late = Status(
            .deadlineExceeded, "neither the daemon nor the spool's disk answered in time: the message may be stored",
            hint: "the same message again settles it")
        // The disk cannot be called back: who waits for it is.
        let problem = await withTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in
                try? await clock.sleep(for: time)
                written.set(late)
            }
            let problem = await written.value
            group.cancelAll()
            return problem
        }
        guard let problem else { return }
        guard !Task.isCancelled || problem != late else {
            throw Status(.cancelled, "the call was cancelled; it may have been served, or be spooled")
        }
        throw problem
    }

    /// While the disk is slow so many wait for it, and no more.
    private func takeMemory(_ bytes: Int) throws(Status) {
        let hasRoom = waitingBytes.withLock { waiting in
            guard waiting == 0 || waiting + bytes <= Limits.spoolWaitingBytes else { return false }
            waiting += bytes
            return true
        }
        guard hasRoom else {
            throw Status(
                .resourceExhausted, "the disk of the spool \(spool.folder) does not keep up", hint: "try again later",
                reason: .temporary)
        }
    }

    /// What `work` throws or returns, unless the time is over before.
    func within<Value: Sendable>(
        _ time: Duration, _ work: @escaping @Sendable () async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let first = await withTaskGroup(of: Result<Value, Status>?.self) { group in
            group.addTask {
                do throws(Status) { return .success(try await work()) } catch { return .failure(error) }
            }
            group.addTask { [clock] in
                try? await clock.sleep(for: time)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        if let first { return try first.get() }
        guard !Task.isCancelled else { throw Status(.cancelled, "the call was cancelled; it may have been served") }
        throw Status(.deadlineExceeded, "the daemon did not answer in time")
    }
}

extension Status {
    /// Whether a send that fails so is better spooled than given up.
    fileprivate var mayPass: Bool {
        switch code {
        case .unavailable, .deadlineExceeded, .resourceExhausted, .aborted, .internal, .unknown: true
        default: false
        }
    }
}

/// Tells the time since the call.
private func stopwatch(_ clock: some Clock<Duration>) -> () -> Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
}

/// A value that is set once; whoever waits for it gets the first one.
private final class Once<Value: Sendable>: Sendable {
    private let state = Mutex<(value: Value?, waiting: CheckedContinuation<Value, Never>?)>((nil, nil))

    var isSet: Bool { state.withLock { $0.value != nil } }

    func set(_ value: Value) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, Never>? in
            guard state.value == nil else { return nil }
            state.value = value
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: value)
    }

    /// To be awaited by one.
    var value: Value {
        get async {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state -> Value? in
                    if state.value == nil { state.waiting = continuation }
                    return state.value
                }
                if let known { continuation.resume(returning: known) }
            }
        }
    }
}
