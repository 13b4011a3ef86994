import Messages
public import Model
import RPC

extension MessageExportClient {
    /// Hands over one message, to 64 MiB. When this returns `stored` or `duplicate`, it is on disk, encrypted.
    ///
    /// While `keepFlags` runs, a message whose configuration's flag is off is answered `exportDisabled` without a call.
    public func ingest(_ message: Message) async throws(Status) -> IngestResult {
        if flags.isDisabled(message.configuration) { return IngestResult(outcome: .exportDisabled) }
        let packed = message.packed
        guard packed.count <= Limits.messageFrameBytes - Limits.nameBytes else { return try await ingestInChunks(packed) }
        guard let result = try await ingest([message]).first else {
            throw Status(.internal, "the daemon answered for no message")
        }
        return try result.get()
    }

    private func ingestInChunks(_ packed: [UInt8]) async throws(Status) -> IngestResult {
        guard packed.count <= Limits.messageBytes else {
            throw Status(
                .invalidArgument,
                "the message has \(packed.count) bytes with all parts, at most \(Limits.messageBytes) are allowed",
                limit: Limits.messageBytes)
        }
        return try await send(packed, as: .ingestChunks)
    }

    /// Hands over what waited in a spool: a sealed `SpooledMessage`.
    func ingest(sealed box: [UInt8], to spoolKey: [UInt8]) async throws(Status) -> IngestResult {
        try await send(box, as: .ingestSealed, spoolKey: spoolKey)
    }

    /// The key to seal to.
    func spoolKey() async throws(Status) -> SpoolKey { try await call(.getSpoolKey, SandboxRequest(sandbox: sandbox)) }

    private func send(
        _ content: [UInt8], as method: MethodName, spoolKey: [UInt8] = []
    ) async throws(Status) -> IngestResult {
        try await client.stream(method.described, timeout: timeout) { (stream) throws(Status) in
            do throws(Status) {
                for start in Swift.stride(from: 0, to: content.count, by: Limits.chunkBytes) {
                    var chunk = IngestChunk(content: Array(content[start..<min(start + Limits.chunkBytes, content.count)]))
                    if start == 0 {
                        (chunk.sandbox, chunk.messageBytes, chunk.spoolKey) = (sandbox, UInt64(content.count), spoolKey)
                    }
                    try await stream.send(chunk.packed)
                }
                try await stream.finish()
            } catch {
                // Refused on the way: the answer tells why.
                guard error.code == .cancelled else { throw error }
            }
            return try IngestResult(packed: try await stream.answer())
        }
    }

    /// Hands over 1 to 1,000 messages that fit one frame (4 MiB) together. The results are in the order of the messages, each for
    /// itself.
    public func ingest(_ messages: [Message]) async throws(Status) -> [Result<IngestResult, Status>] {
        let request = IngestRequest(sandbox: sandbox, messages: messages).packed
        return try IngestResponse(packed: await client.call(MethodName.ingest.described, request, timeout: timeout)).results
    }

    /// Keeps up with which flags are off, for as long as it runs: until it is cancelled, or fails. To be run in a task of the caller's
    /// beside its ingests.
    ///
    /// No message is lost to it: what is known is relied on for two seconds at most, and the daemon answers a change that turns a flag
    /// on when nobody relies on the old one any more. Not found out is whether a message that is not kept now was kept before.
    public func keepFlags() async throws(Status) {
        let keeping = client.another()
        let result: Result<Void, Status>
        do throws(Status) {
            let request = SandboxRequest(sandbox: sandbox).packed
            try await keeping.stream(MethodName.watchConfigurations.described, request, timeout: nil) { (stream) throws(Status) in
                try await stream.forEachMessage { (message) throws(Status) in flags.take(try ConfigurationFlags(packed: message))
                }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await keeping.close()
        try result.get()
    }

    /// Hands over many messages: `body` sends them and takes their results, at the same time, on one call.
    ///
    /// For bulk: nothing waits for an answer of its own, and sending waits while the daemon has much to write. Not tried again when the
    /// connection is lost: what has no result yet is ingested again by whoever has it.
    public func withIngestStream<Value: Sendable>(
        _ body: (IngestStream) async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let sandbox = sandbox
        return try await client.stream(MethodName.ingestStream.described, timeout: nil) { (stream) throws(Status) in
            try await body(IngestStream(stream: stream, sandbox: sandbox))
        }
    }
}

/// Messages on their way, and what became of them.
public struct IngestStream: Sendable {
    let stream: ClientStream
    let sandbox: String

    /// Sends a message that fits a frame; waits while the daemon is not ready for more.
    ///
    /// - Parameter tag: comes back with its result.
    /// - Throws: `cancelled` when the call is over: `results` tells why.
    public func send(_ message: Message, tag: UInt64) async throws(Status) {
        try await stream.send(IngestStreamRequest(sandbox: sandbox, tag: tag, message: message).packed)
    }

    /// Says that no more messages follow: the results end when all are answered.
    public func finish() async throws(Status) {
        try await stream.finish()
    }

    /// Hands the results to `body`, some at a time, in the order in which they are answered, until the call ends. Call it once.
    ///
    /// - Throws: how the call ended, when it failed.
    public func forEachResults(
        _ body: ([(tag: UInt64, result: Result<IngestResult, Status>)]) throws(Status) -> Void
    ) async throws(Status) {
        try await stream.forEachMessage { (message) throws(Status) in
            try body(try IngestStreamResponse(packed: message).results.map { ($0.tag, $0.result) })
        }
    }
}
