import Dataset
import Messages
import Model
import RPC
import Synchronization

/// Serves one `IngestStream`: messages as they come, their results as they gather.
final class IngestStreamHandler: MessageReceiver {
    private let call: Call
    private let ingester: Ingester
    private let results: Results
    private var isOver = false
    /// What came in this turn, and the dataset it is for: handed over together.
    private var gathered: (store: RecordStore, entries: [RecordStore.Entry])?

    init(_ call: Call, _ ingester: Ingester) {
        self.call = call
        self.ingester = ingester
        results = Results(call)
    }

    func receive(_ message: [UInt8]) {
        guard !isOver else { return }
        do throws(Status) {
            let request = try CheckedStreamIngest(packed: message)
            results.begin()
            do throws(Status) {
                let entry = try ingester.entry(request.sandbox, of: call)
                let decided = ingester.decide(request.message, at: "message", of: call, into: entry) { [results] result in
                    results.put(.init(tag: request.tag, result: result), bytes: message.count)
                }
                if let decided { gather(decided, for: entry.store) }
            } catch {
                results.put(.init(tag: request.tag, result: .failure(error)), bytes: message.count)
            }
        } catch {
            // Without a tag there is no other way to say so.
            isOver = true
            results.end(error)
        }
    }

    private func gather(_ entry: RecordStore.Entry, for store: RecordStore) {
        if let gathered, gathered.store !== store { endTurn() }
        if gathered == nil { gathered = (store, []) }
        gathered?.entries.append(entry)
    }

    func endTurn() {
        guard let (store, entries) = gathered else { return }
        gathered = nil
        store.append(entries, turnEnd: call.atTurnEnd)
    }

    func close() { results.end(nil) }

    func stop() {
        isOver = true
        results.end(.stopping)
    }

    /// What was handed to the dataset cannot be called back; the call ends when all of it is answered.
    func cancel() { results.end(nil) }

    /// Results on their way: whatever gathers until the event loop writes goes as one message.
    private final class Results: Sendable {
        private struct State {
            var gathered: [IngestStreamResponse.TaggedResult] = []
            /// Of the gathered results' messages.
            var bytes = 0
        }

        /// What is the event loop's alone.
        private struct Progress {
            var unanswered = 0
            /// Nothing more comes; how the call ends when all is answered.
            var end: Result<Void, Status>?
            var hasEnded = false
        }

        private let call: Call
        private let state = Mutex(State())
        private let progress = Mutex(Progress())

        init(_ call: Call) {
            self.call = call
        }

        func begin() {
            progress.withLock { $0.unanswered += 1 }
        }

        func put(_ result: IngestStreamResponse.TaggedResult, bytes: Int) {
            let isFirst = state.withLock { state in
                state.gathered.append(result)
                state.bytes += bytes
                return state.gathered.count == 1
            }
            if isFirst { call.sendGathered { [self] in take() } }
        }

        /// On the event loop. All that is answered is let go of, and the call ended with the last.
        private func take() -> [UInt8] {
            let (gathered, bytes) = state.withLock { state in
                defer { (state.gathered, state.bytes) = ([], 0) }
                return (state.gathered, state.bytes)
            }
            progress.withLock { $0.unanswered -= gathered.count }
            call.release(messages: gathered.count, bytes: bytes)
            endIfDone()
            return IngestStreamResponse(results: gathered).packed
        }

        func end(_ status: Status?) {
            progress.withLock { progress in
                if progress.end == nil { progress.end = status.map { .failure($0) } ?? .success(()) }
            }
            endIfDone()
        }

        private func endIfDone() {
            let end = progress.withLock { progress -> Result<Void, Status>? in
                guard progress.unanswered == 0, !progress.hasEnded, let end = progress.end else { return nil }
                progress.hasEnded = true
                return end
            }
            switch end {
            case .success: call.finish()
            case .failure(let status): call.answer(.failure(status))
            case nil: break
            }
        }
    }
}
