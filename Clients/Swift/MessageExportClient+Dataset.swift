import Messages
public import Model
import RPC

extension MessageExportClient {
    /// The retained records with a message id: one for each submitter that used it.
    /// - Throws: `notFound` when there is none.
    public func records(messageID: String, view: RecordView = .row) async throws(Status) -> [Record] {
        try await records(.readRecords, GetRecordsRequest(sandbox: sandbox, messageID: messageID, view: view).packed)
    }

    /// The newest records, the newest first, as rows hold them; fewer than `count` when there are no more.
    public func newestRecords(_ count: Int) async throws(Status) -> [Record] {
        var newest: [Record] = []
        while newest.count < count {
            let limit = UInt32(min(count - newest.count, Limits.recordsPreviewed))
            let request = PreviewRecordsRequest(sandbox: sandbox, beforeSequence: newest.last?.sequence ?? 0, limit: limit)
            let next = try await records(.previewRecords, request.packed)
            newest += next
            guard next.count == limit else { break }
        }
        return newest
    }

    /// Puts records together from their chunks.
    private func records(_ method: MethodName, _ request: [UInt8]) async throws(Status) -> [Record] {
        try await client.stream(method.described, request, timeout: timeout) { (stream) throws(Status) in
            var records: [Record] = []
            var packed: [UInt8] = []
            try await stream.forEachMessage { (message) throws(Status) in
                let chunk = try RecordChunk(packed: message)
                packed += chunk.content
                guard chunk.isLast else { return }
                records.append(try Record(packed: packed))
                packed = []
            }
            return records
        }
    }

    /// How much there is, and when it expires.
    public func dataset() async throws(Status) -> DatasetSummary {
        try await call(.getDataset, SandboxRequest(sandbox: sandbox))
    }
}
