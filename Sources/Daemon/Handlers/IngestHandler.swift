import Dataset
import Messages
import Model
import RPC
import Synchronization

/// Serves `Ingest`: one answer for all messages of a call.
struct IngestHandler: Sendable {
    let ingester: Ingester

    /// What was handed to the dataset cannot be called back: there is nothing to cancel.
    func serve(_ call: Call, _ request: [UInt8]) -> (any Cancellable)? {
        do throws(Status) {
            let request = try CheckedIngest(packed: request)
            let entry = try ingester.entry(request.sandbox, of: call)
            let gathering = Gathering(call, count: request.messages.count)
            entry.store.append(
                request.messages.enumerated().compactMap { index, message in
                    ingester.decide(message, at: "messages[\(index)]", of: call, into: entry) { gathering.put($0, at: index) }
                }, turnEnd: call.atTurnEnd)
        } catch {
            call.answer(.failure(error))
        }
        return nil
    }
}

/// Gathers the results of one call's messages and answers it with the last.
private final class Gathering: Sendable {
    private struct State {
        var results: [Result<IngestResult, Status>]
        var missing: Int
    }

    private let call: Call
    private let state: Mutex<State>

    init(_ call: Call, count: Int) {
        self.call = call
        let unanswered = Result<IngestResult, Status>.failure(Status(.internal, "not answered"))
        state = Mutex(State(results: Array(repeating: unanswered, count: count), missing: count))
    }

    func put(_ result: Result<IngestResult, Status>, at index: Int) {
        let complete = state.withLock { state -> [Result<IngestResult, Status>]? in
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.results : nil
        }
        if let complete { call.answer(.success(IngestResponse(results: complete).packed)) }
    }
}
