import Catalog
import Crypto
import Dataset
import Messages
import Model
import RPC
import Synchronization

/// Serves `Ingest`, on the event loop: checks, looks up the snapshot, and hands over to the dataset. Never touches the catalog.
struct IngestHandler: Sendable {
    let directory: SandboxDirectory
    let time: any TimeSource

    func serve(_ call: Call) {
        do throws(Status) {
            let request = try CheckedIngest(packed: call.payload)
            let snapshot = directory.snapshot
            let entry = try directory.entry(request.sandbox)
            let gathering = Gathering(call, count: request.messages.count)
            for (index, message) in request.messages.enumerated() {
                do throws(Status) {
                    try ingest(message.get(), from: call.peer, into: entry, of: snapshot) { gathering.put($0, at: index) }
                } catch {
                    gathering.put(.failure(error), at: index)
                }
            }
        } catch {
            call.answer(.failure(error))
        }
    }

    private func ingest(
        _ message: CheckedMessage, from peer: Peer, into entry: SandboxDirectory.Entry, of snapshot: SandboxDirectory.Snapshot,
        completion: @escaping @Sendable (Result<IngestResult, Status>) -> Void
    ) throws(Status) {
        guard let configuration = entry.configurations[message.configuration] else {
            throw Status(
                .notFound, "there is no channel configuration of that name in sandbox \(entry.sandbox.name)",
                field: "configuration")
        }
        guard configuration.channel == message.channel else {
            throw Status(
                .invalidArgument,
                "channel configuration \(configuration.name) is for \(configuration.channel.name), the content is \(message.channel.name)",
                field: message.channel.rawValue)
        }
        guard configuration.state == .active else {
            throw Status(
                .failedPrecondition, "channel configuration \(configuration.name) is \(configuration.state.rawValue), not ACTIVE",
                field: "configuration", hint: configuration.state == .deactivated ? "activate it first" : "submit it first")
        }
        guard snapshot.messageExport else {
            throw Status(.failedPrecondition, "the organization is not entitled to message export")
        }
        let stored = StoredMessage(
            message: message.packed, configurationID: configuration.id, configurationVersion: configuration.version,
            sentAt: message.sentAt ?? time.now)
        let submission = Submission(
            submitter: peer.uid, id: message.id, contentSHA256: Array(SHA256.hash(data: message.packed)), payload: stored.packed)
        entry.store.append(submission, keep: configuration.messageExport) { result in
            completion(result.map(IngestResult.init).mapError { Status($0) })
        }
    }
}

extension IngestResult {
    fileprivate init(_ appended: RecordStore.Appended) {
        switch appended {
        case .stored(let ingestedAt, let expiresAt):
            self.init(outcome: .stored, ingestedAt: ingestedAt, expiresAt: expiresAt)
        case .duplicate(let ingestedAt, let expiresAt):
            self.init(outcome: .duplicate, ingestedAt: ingestedAt, expiresAt: expiresAt)
        case .notKept:
            self.init(outcome: .exportDisabled)
        }
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
