import Exporter
import Model
import Synchronization

/// The runs that are being done: how far each is, who watches it, and whether it is to stop.
final class RunBoard: Sendable {
    private struct Entry {
        var totals = Run.Totals()
        var stop: RunStop?
        var cancelledBy: UInt32?
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var lastWatcher: UInt64 = 0
        var isStopping = false
    }

    private let state = Mutex(State())

    /// Takes a run on; false: it is there already.
    func begin(_ runID: String) -> Bool {
        state.withLock { state in
            guard state.entries[runID] == nil else { return false }
            state.entries[runID] = Entry()
            return true
        }
    }

    /// Lets go of a run: who watches it is told that it has ended.
    func end(_ runID: String) {
        let entry = state.withLock { $0.entries.removeValue(forKey: runID) }
        for watcher in entry?.watchers.values ?? [:].values { watcher.finish() }
    }

    func note(_ totals: Run.Totals, of runID: String) {
        let watchers = state.withLock { state in
            state.entries[runID]?.totals = totals
            return state.entries[runID]?.watchers.values.map { $0 } ?? []
        }
        for watcher in watchers { watcher.yield() }
    }

    /// How far it is; nil: it is not there.
    func totals(of runID: String) -> Run.Totals? { state.withLock { $0.entries[runID]?.totals } }

    /// Lets a run end at its next batch; nothing when it is not there.
    func cancel(_ runID: String, by user: UInt32) {
        state.withLock { state in
            state.entries[runID]?.stop = .cancelled
            state.entries[runID]?.cancelledBy = user
        }
    }

    /// Who cancelled it; nil: nobody, or it is not there.
    func cancelledBy(_ runID: String) -> UInt32? { state.withLock { $0.entries[runID]?.cancelledBy } }

    /// Lets all runs end at their next batch, to go on with the next daemon.
    func stopAll() { state.withLock { $0.isStopping = true } }

    /// Whether all are to end.
    var isStopping: Bool { state.withLock { $0.isStopping } }

    func stop(of runID: String) -> RunStop? {
        state.withLock { $0.entries[runID]?.stop ?? ($0.isStopping ? .daemon : nil) }
    }

    /// Yields whenever the run has moved on, and ends when it has ended, or at once when it is not there.
    func watch(_ runID: String) -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt64? in
            guard state.entries[runID] != nil else { return nil }
            state.lastWatcher += 1
            state.entries[runID]?.watchers[state.lastWatcher] = continuation
            return state.lastWatcher
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in _ = state.entries[runID]?.watchers.removeValue(forKey: number) }
        }
        return stream
    }
}
