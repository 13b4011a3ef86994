import Audit
import Catalog
import Dataset
import Disk
import Formats
import Messages
import Model
import RPC

extension ManagementHandlers {
    func eraseRecords(_ request: EraseRecordsRequest, _ call: Call) async throws(Status) -> ErasureReceipt {
        guard !request.sandbox.isEmpty else {
            throw Status(
                .invalidArgument, "there is no default for this", field: "sandbox", hint: "name it with --sandbox",
                reason: .missing)
        }
        let entry = try named(request.sandbox)
        let recipient = Recipient.normalized(request.recipient)
        guard !recipient.isEmpty else {
            throw Status(.invalidArgument, "no recipient is named", field: "recipient", reason: .missing)
        }
        guard Recipient.normalized(request.confirm) == recipient else {
            throw Status(
                .invalidArgument, "this destroys all records that were sent to the recipient, who is to be named again",
                field: "confirm", reason: .missing)
        }
        let person = person(recipient)
        func record(_ outcome: AuditEvent.Outcome, _ count: UInt64, _ detail: String) async throws(Status) {
            let deed = Deed(
                user: call.peer.uid, chain: entry.sandbox.id, action: .recordErase, object: "recipient \(person)",
                outcome: outcome, count: count, detail: detail)
            try await unlessCatalogFails { () async throws(CatalogError) in try await audit.record([deed]) }
        }
        try await record(.intended, 0, "")
        let erasure: RecordStore.Erasure
        do throws(DatasetError) {
            erasure = try await entry.store.erase(Term.sent(to: recipient)) { stored in
                // What cannot be decoded cannot be kept for somebody else's sake either.
                (try? Record(stored, sandbox: "").message.wasSent(to: recipient)) ?? true
            }
        } catch {
            try await record(.failed, 0, error.message)
            throw Status(error)
        }
        try await record(.done, erasure.records, "\(erasure.segments) segments, up to sequence \(erasure.throughSequence)")
        return receipt(of: erasure, person, entry.sandbox)
    }

    private func receipt(of erasure: RecordStore.Erasure, _ person: String, _ sandbox: Sandbox) -> ErasureReceipt {
        var json = JSONWriter()
        json.object { json in
            json.member("sandbox", sandbox.name)
            json.member("epoch", UInt64(sandbox.epoch))
            json.member("recipientFingerprint", person)
            json.member("recordsErased", erasure.records)
            json.member("segmentsRewritten", UInt64(erasure.segments))
            json.member("throughSequence", erasure.throughSequence)
            json.member("erasedAt", time.now.description)
        }
        return ErasureReceipt(
            statement: json.text, signature: signingKey.signature(of: Array(json.text.utf8)), records: erasure.records,
            segments: erasure.segments, throughSequence: erasure.throughSequence)
    }

    func compactDataset(_ request: SandboxRequest, _ call: Call) async throws(Status) -> CompactReport {
        let entry = try named(request.sandbox.isEmpty ? defaultSandbox : request.sandbox)
        func record(_ outcome: AuditEvent.Outcome, _ count: Int) async throws(Status) {
            let deed = Deed(
                user: call.peer.uid, chain: entry.sandbox.id, action: .datasetCompact, object: entry.sandbox.name,
                outcome: outcome, count: UInt64(count))
            try await unlessCatalogFails { () async throws(CatalogError) in try await audit.record([deed]) }
        }
        let before = entry.store.totals.bytes
        try await record(.intended, 0)
        let segments: Int
        do throws(DatasetError) { segments = try await entry.store.compact(isForced: true) } catch {
            try await record(.failed, 0)
            throw Status(error)
        }
        try await record(.done, segments)
        return CompactReport(segments: UInt32(segments), bytesBefore: before, bytesAfter: entry.store.totals.bytes)
    }

    func verifyDataset(_ request: SandboxRequest, in place: Place) async throws(Status) {
        let store = place.entry.store
        let (progress, told) = AsyncStream.makeStream(of: DatasetVerification.self, bufferingPolicy: .bufferingNewest(1))
        let queue = verifications
        async let verified = queue.run { () -> Result<RecordStore.Verification, Status> in
            defer { told.finish() }
            do {
                return .success(
                    try store.verify { soFar in
                        // Nobody waits for it any more.
                        if case .terminated = told.yield(.init(bytes: soFar.bytes, bytesToRead: soFar.bytesToRead)) {
                            throw Status(.cancelled, "nobody waits for the call any more")
                        }
                    })
            } catch let error as DatasetError {
                return .failure(Status(error))
            } catch {
                return .failure(Status(.cancelled, "\(error)"))
            }
        }
        for await step in progress {
            do throws(Status) { try await place.call.send(step.packed) } catch {
                told.finish()
                throw error
            }
        }
        let found = try await verified.get()
        let problems =
            found.problems.prefix(Limits.problemsTold) + (found.problems.count > Limits.problemsTold ? ["and more"] : [])
        try await place.call.send(
            DatasetVerification(
                bytes: found.bytes, bytesToRead: found.bytesToRead, isLast: true, segments: found.segments,
                batches: found.batches, records: found.records, problems: Array(problems)
            ).packed)
    }
}
