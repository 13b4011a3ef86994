import Dataset
import Disk
import Messages
import Model
import RPC

/// Serves one `IngestChunks` or `IngestSealed`: puts a message together, then ingests it.
final class IngestChunksHandler: MessageReceiver {
    private enum State {
        case empty
        case gathering(SandboxDirectory.Entry, size: Int, spoolKey: [UInt8], content: [UInt8])
        /// The call has been ended, or its message is being ingested.
        case over
    }

    private let call: Call
    private let ingester: Ingester
    private let memory: Allowance
    private let queue: DiskQueue
    private let spool: SpoolGate?
    private var state = State.empty

    /// - Parameters:
    ///   - memory: what the messages of all such calls may take together.
    ///   - queue: where whole messages are decoded, one at a time: a large one takes several times its size meanwhile, and its time.
    ///   - spool: opens what comes sealed; nil: it does not.
    init(_ call: Call, _ ingester: Ingester, _ memory: Allowance, _ queue: DiskQueue, spool: SpoolGate? = nil) {
        self.call = call
        self.ingester = ingester
        self.memory = memory
        self.queue = queue
        self.spool = spool
    }

    func receive(_ message: [UInt8]) {
        do throws(Status) {
            let chunk = try IngestChunk(packed: message)
            guard !chunk.content.isEmpty else {
                throw Status(.invalidArgument, "a chunk is empty", field: "content", reason: .missing)
            }
            if case .empty = state { try begin(chunk) }
            try append(chunk.content)
            call.release(messages: 1, bytes: message.count)
        } catch {
            end(error)
        }
    }

    private func begin(_ chunk: IngestChunk) throws(Status) {
        let entry = try ingester.entry(chunk.sandbox, of: call)
        guard chunk.messageBytes > 0 else {
            throw Status(.invalidArgument, "the first chunk tells the message's bytes", field: "message_bytes", reason: .missing)
        }
        let most = spool == nil ? Limits.messageBytes : Limits.sealedBytes
        guard chunk.messageBytes <= UInt64(most) else {
            throw Status(
                .invalidArgument, "the message has \(chunk.messageBytes) bytes, at most \(most) are allowed",
                field: "message_bytes", limit: most)
        }
        let size = Int(chunk.messageBytes)
        guard memory.take(size, of: call.connection) else {
            throw Status(
                .resourceExhausted, "too many bytes of messages come in chunks at the moment",
                hint: "try again later, with one message at a time", reason: .temporary, limit: memory.share)
        }
        state = .gathering(entry, size: size, spoolKey: chunk.spoolKey, content: [])
    }

    private func append(_ piece: [UInt8]) throws(Status) {
        guard case .gathering(let entry, let size, let key, var content) = state else { return }
        // One owner at a time: the bytes are not copied for each chunk.
        state = .over
        if content.isEmpty { content.reserveCapacity(size) }
        let fits = content.count + piece.count <= size
        if fits { content += piece }
        state = .gathering(entry, size: size, spoolKey: key, content: content)
        guard fits else {
            throw Status(
                .invalidArgument, "the chunks have more bytes than the \(size) that the first one told", field: "content",
                reason: .conflict)
        }
    }

    func close() {
        switch state {
        case .empty: end(Status(.invalidArgument, "no chunk came", reason: .missing))
        case .over: break
        case .gathering(let entry, let size, let key, let content):
            guard content.count == size else {
                return end(
                    Status(
                        .invalidArgument, "\(content.count) bytes came of the \(size) that the first chunk told",
                        field: "content", reason: .conflict))
            }
            state = .over
            ingest(content, sealedTo: key, into: entry)
        }
    }

    private func ingest(_ content: [UInt8], sealedTo key: [UInt8], into entry: SandboxDirectory.Entry) {
        let (call, memory, ingester, spool) = (call, memory, ingester, spool)
        queue.start {
            let message: Result<CheckedMessage, Status>
            var spooledAt: Instant?
            do throws(Status) {
                let opened = try spool?.open(content, sealedTo: key, of: call, into: entry)
                spooledAt = opened?.spooledAt
                message = .success(try CheckedMessage(packed: opened?.message ?? content))
            } catch {
                message = .failure(error)
            }
            let decided = ingester.decide(message, of: call, into: entry, handedOverAt: spooledAt) { result in
                memory.giveBack(content.count, of: call.connection)
                call.answer(result.map(\.packed))
            }
            if let decided { entry.store.append([decided]) }
        }
    }

    func stop() { end(.stopping) }

    /// Lets go of what came; what is handed to the dataset cannot be called back.
    func cancel() { end(Status(.cancelled, "the call was cancelled")) }

    private func end(_ status: Status) {
        if case .over = state { return }
        if case .gathering(_, let size, _, _) = state { memory.giveBack(size, of: call.connection) }
        state = .over
        call.answer(.failure(status))
    }
}
