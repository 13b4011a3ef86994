import Messages
import Model
import RPC
import ServiceLifecycle
import Synchronization

/// Serves `WatchConfigurations`: tells senders which flags are off, under leases.
///
/// ## Invariant
/// Whoever was told of a sandbox's flags before a change may rely on them until its lease, which is known here, runs out; whatever is told
/// after the change has it.
final class FlagService: Service {
    private struct Watcher {
        let call: Call
        let sandbox: String
        /// What it knows; nil: nothing yet.
        var generation: Int?
        /// Until when it may rely on that, by the boot clock.
        var leaseUntil: Int64 = 0
        /// Whether an answer to it is on its way to the event loop.
        var isQueued = false
    }

    private struct State {
        var watchers: [UInt64: Watcher] = [:]
        var lastNumber: UInt64 = 0
        var isStopping = false
    }

    private let gate: AccessGate
    private let watchers = Allowance(limit: Limits.flagWatchers, share: Limits.flagWatchersPerConnection)
    private let state = Mutex(State())

    init(gate: AccessGate) {
        self.gate = gate
    }

    /// Serves a call. On an event loop.
    func watch(_ call: Call, _ request: [UInt8]) -> (any Cancellable)? {
        do throws(Status) {
            let entry = try gate.admit(call, to: try SandboxRequest(packed: request).sandbox, for: .ingest)
            guard watchers.take(1, of: call.connection) else {
                throw Status(.resourceExhausted, "too many calls watch configurations already", limit: watchers.share)
            }
            let number = try state.withLock { (state) throws(Status) -> UInt64 in
                guard !state.isStopping else {
                    watchers.giveBack(1, of: call.connection)
                    throw .stopping
                }
                state.lastNumber += 1
                state.watchers[state.lastNumber] = Watcher(call: call, sandbox: entry.sandbox.name)
                return state.lastNumber
            }
            call.release(messages: 1, bytes: request.count)
            tell { $0 == number }
            return Watch(self, number)
        } catch {
            call.answer(.failure(error))
            return nil
        }
    }

    private final class Watch: Cancellable {
        private let service: FlagService
        private let number: UInt64

        init(_ service: FlagService, _ number: UInt64) {
            self.service = service
            self.number = number
        }

        func cancel() {
            if let watcher = service.state.withLock({ $0.watchers.removeValue(forKey: number) }) { service.end(watcher) }
        }
    }

    private func end(_ watcher: Watcher, _ status: Status? = nil) {
        if let status { watcher.call.answer(.failure(status)) } else { watcher.call.finish() }
        watchers.giveBack(1, of: watcher.call.connection)
    }

    /// Returns when nobody relies any more on what was told of the sandbox before: after a change, to be called when it is in the
    /// snapshot.
    func waitForLeases(of sandbox: String) async {
        tell(watchersOf: sandbox)
        let until = state.withLock { state in
            state.watchers.values.filter { $0.sandbox == sandbox }.map(\.leaseUntil).max() ?? 0
        }
        while case let left = until - BootClock.milliseconds, left > 0 {
            // A change that is made is answered in time, whoever waits for it.
            guard (try? await Task.sleep(for: .milliseconds(left + 1))) != nil else { return }
        }
    }

    func tell(watchersOf sandbox: String) {
        let numbers = state.withLock { state in Set(state.watchers.filter { $0.value.sandbox == sandbox }.keys) }
        tell { numbers.contains($0) }
    }

    /// Queues an answer to each of these watchers that has none on its way.
    private func tell(_ isMeant: (UInt64) -> Bool) {
        let meant = state.withLock { state in
            state.watchers.filter { isMeant($0.key) && !$0.value.isQueued }.map { number, watcher in
                state.watchers[number]?.isQueued = true
                return (number, watcher.call)
            }
        }
        for (number, call) in meant { call.sendGathered { [self] in answer(number) } }
    }

    /// What a watcher is told now. On its event loop.
    private func answer(_ number: UInt64) -> [UInt8] {
        state.withLock { state in
            guard var watcher = state.watchers[number] else { return [] }
            // Read within the lock that a change waits with: what is told later than that has the change.
            let entry = gate.directory.snapshot.entries[watcher.sandbox]
            let generation = entry?.generation ?? 0
            let flags =
                watcher.generation == generation
                ? nil
                : (entry?.configurations.values).map { configurations in
                    configurations.map { .init(name: $0.name, isDisabled: $0.state == .active && !$0.messageExport) }
                } ?? [ConfigurationFlags.Flag]()
            watcher.generation = generation
            watcher.leaseUntil = BootClock.milliseconds + Int64(Limits.flagLeaseMilliseconds)
            watcher.isQueued = false
            state.watchers[number] = watcher
            return ConfigurationFlags(
                generation: UInt64(max(0, generation)), flags: flags, leaseUntil: watcher.leaseUntil
            ).packed
        }
    }

    func run() async {
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            try? await cancelWhenGracefulShutdown {
                try await Task.sleep(for: .milliseconds(Limits.flagLeaseMilliseconds / 2))
            }
            endWithoutRight()
            tell { _ in true }
        }
        let ended = state.withLock { state in
            state.isStopping = true
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in ended { end(watcher, .stopping) }
    }

    /// A role that was taken away ends what it began.
    private func endWithoutRight() {
        let all = state.withLock { $0.watchers }
        for (number, watcher) in all {
            do throws(Status) {
                _ = try gate.admit(watcher.call, to: watcher.sandbox, for: .ingest)
            } catch {
                if let ended = state.withLock({ $0.watchers.removeValue(forKey: number) }) { end(ended, error) }
            }
        }
    }
}
