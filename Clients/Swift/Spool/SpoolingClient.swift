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
    private let client: MessageExportClient
    private let spool: Spool
    private let folder: SpoolFolder
    private let clock: any Clock<Duration>
    private let disk = DiskQueue("spool")
    private let key: Mutex<SpoolKey?>
    private let dropped = Atomic<Int>(0)
    private let (added, addition) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Lends a client to `body`, and hands over what waits meanwhile. It begins whether the daemon is there or not; what is not handed over
    /// when `body` ends stays for the next client, or for `msgexport spool send`.
    ///
    /// Logger and trace context are those of `MessageExportClient.connect`.
    /// - Throws: `failedPrecondition` when the spool cannot be used; what `body` throws.
    public static func withClient<Value: Sendable>(
        socket: String, sandbox: String = defaultSandbox, spool: Spool, logger: Logger? = nil,
        traceParent: (@Sendable () -> String?)? = nil,
        _ body: @Sendable (SpoolingClient) async throws -> Value
    ) async throws -> Value {
        let client = try SpoolingClient(
            socket: socket, sandbox: sandbox, spool: spool, hooks: ClientHooks(logger: logger, traceParent: traceParent))
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
        files: any Files = PosixFiles(), hooks: ClientHooks = ClientHooks()
    ) throws(Status) {
        // What waits in the spool is tried again, and nobody waits for it.
        client = MessageExportClient(socket: socket, sandbox: sandbox, retryTime: .zero, hooks: hooks)
        self.spool = spool
        self.clock = clock
        folder = try SpoolFolder(spool, files: files)
        key = Mutex(folder.key())
    }

    /// Closes the connection. No call may follow.
    package func close() async { await client.close() }

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
        guard let key = key.withLock({ $0 }), WallClock.now < key.keptUntil else {
            throw Status(
                failure.code, "\(failure.message); and the spool has no key yet",
                hint: "it gets one when the daemon answers for the first time, and keeps it")
        }
        let spooled = SpooledMessage(sandbox: key.sandbox, user: key.user, spooledAt: instant, message: message.packed)
        let written = Once<Status?>()
        disk.start { [folder] in
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
        if let problem { throw problem }
    }

    /// What `work` throws or returns, unless the time is over before.
    private func within<Value: Sendable>(
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

    // MARK: Handing over

    /// Hands over what waits, the oldest first, until nothing does or the daemon takes no more.
    ///
    /// - Throws: `aborted` while another process does, `unavailable` when the folder cannot be read.
    public func handOver() async throws(Status) -> Spool.HandedOver {
        var outcome = Spool.HandedOver()
        let folder = folder
        guard let lock = try await onDisk({ () throws(DiskError) in try folder.claim() }) else {
            throw Status(.aborted, "another process hands the spool \(spool.folder) over")
        }
        defer { withExtendedLifetime(lock) {} }
        do throws(Status) { try await renewKey() } catch {
            outcome.stopped = error
            return outcome
        }
        let hourAgo = Instant(milliseconds: WallClock.now.milliseconds - 3_600_000)
        try await onDisk { () throws(DiskError) in try folder.removeUnfinished(before: hourAgo) }
        for name in try await onDisk({ () throws(DiskError) in try folder.waiting() }) {
            do throws(Status) {
                guard let entry = try await disk.run({ () throws(Status) in try folder.read(name) }) else { continue }
                _ = try await client.ingest(sealed: entry.box, to: entry.publicKey)
                try await onDisk { () throws(DiskError) in try folder.remove(name) }
                outcome.taken += 1
            } catch {
                guard !error.isOfTheMoment else {
                    outcome.stopped = error
                    return outcome
                }
                try await onDisk { () throws(DiskError) in try folder.setAside(name) }
                outcome.refused += 1
                outcome.firstRefusal = outcome.firstRefusal ?? error
            }
        }
        return outcome
    }

    /// Asks for a newer key when the one that is known has had its day; waits no longer than for an ingest.
    package func renewKey() async throws(Status) {
        if let known = key.withLock({ $0 }), WallClock.now < known.renewAt { return }
        let new = try await within(spool.deadline) { [client] () throws(Status) in try await client.spoolKey() }
        let folder = folder
        try await onDisk { () throws(DiskError) in try folder.keep(new) }
        key.withLock { $0 = new }
    }

    /// Hands over whatever waits, until it is cancelled.
    private func keepHandingOver() async {
        let pauses = Limits.spoolPauseMilliseconds
        var pause = pauses.lowerBound
        while !Task.isCancelled {
            let outcome = try? await handOver()
            let isStuck = outcome.map { $0.stopped != nil } ?? true
            pause = isStuck ? min(pause * 2, pauses.upperBound) : pauses.lowerBound
            if isStuck {
                try? await clock.sleep(for: .milliseconds(pause))
            } else {
                await additionOrPause(.milliseconds(pauses.upperBound))
            }
        }
    }

    private func additionOrPause(_ time: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [clock] in try? await clock.sleep(for: time) }
            group.addTask { [added] in
                var additions = added.makeAsyncIterator()
                _ = await additions.next()
            }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: The folder

    /// What is in the spool.
    public func content() async throws(Status) -> Spool.Content {
        let folder = folder
        return try await onDisk { () throws(DiskError) in try folder.content() }
    }

    /// Puts what was refused among what waits again, for when what it was refused for is mended.
    public func takeUpRefused() async throws(Status) {
        let folder = folder
        try await onDisk { () throws(DiskError) in try folder.takeUpRefused() }
    }

    /// Destroys what was refused; returns how many there were.
    public func discardRefused() async throws(Status) -> Int {
        let folder = folder
        return try await onDisk { () throws(DiskError) in try folder.discardRefused() }
    }

    private func onDisk<Value: Sendable>(
        _ work: @escaping @Sendable () throws(DiskError) -> Value
    ) async throws(Status) -> Value {
        do throws(DiskError) { return try await disk.run(work) } catch { throw Status(.unavailable, "the spool: \(error)") }
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

    /// Whether it tells of the daemon, or of who waits for it, and not of the message: others would fare no better now.
    fileprivate var isOfTheMoment: Bool {
        switch code {
        case .unavailable, .deadlineExceeded, .resourceExhausted, .aborted, .cancelled: true
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
