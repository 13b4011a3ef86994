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
                ingester.ingest(request.message, at: "message", of: call, into: entry) { [results] result in
                    results.put(.init(tag: request.tag, result: result), bytes: message.count)
                }
            } catch {
                results.put(.init(tag: request.tag, result: .failure(error)), bytes: message.count)
            }
        } catch {
            // Without a tag there is no other way to say so.
            isOver = true
            results.end(error)
        }
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
            var unanswered = 0
            /// Nothing more comes; how the call ends when all is answered.
            var end: Result<Void, Status>?
            var hasEnded = false
        }

        private let call: Call
        private let state = Mutex(State())

        init(_ call: Call) {
            self.call = call
        }

        func begin() {
            state.withLock { $0.unanswered += 1 }
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
                state.unanswered -= state.gathered.count
                return (state.gathered, state.bytes)
            }
            call.release(messages: gathered.count, bytes: bytes)
            endIfDone()
            return IngestStreamResponse(results: gathered).packed
        }

        func end(_ status: Status?) {
            state.withLock { state in
                if state.end == nil { state.end = status.map { .failure($0) } ?? .success(()) }
            }
            endIfDone()
        }

        private func endIfDone() {
            let end = state.withLock { state -> Result<Void, Status>? in
                guard state.unanswered == 0, !state.hasEnded, let end = state.end else { return nil }
                state.hasEnded = true
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
