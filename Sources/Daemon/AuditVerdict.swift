import Audit
import Catalog
import Messages
import Model

extension CatalogStore {
    /// Reads a whole chain of the audit, and tells whether it is as it was recorded.
    func auditVerdict(of chain: String) async throws(Status) -> AuditVerdict {
        let (publicKey, head): ([UInt8], AuditHead?)
        do throws(CatalogError) {
            (publicKey, head) = (try await organization().signingKey, try await auditHead(chain))
        } catch {
            throw Status(error)
        }
        guard let head else {
            // Every chain begins with what made it.
            return AuditVerdict(events: 0, failure: "the chain's head is missing", firstBroken: 0, head: nil)
        }
        var count: UInt64 = 0
        do {
            var verifier = try AuditVerifier(head, publicKey: publicKey)
            var after: UInt64 = 0
            while count <= head.number {
                let cursor = after
                let events = try await auditEvents(chain, after: cursor, limit: Limits.auditEventsAnswered)
                guard let last = events.last else { break }
                // What is added meanwhile is behind the head that is checked.
                for event in events where event.number <= head.number {
                    try verifier.take(event)
                    count += 1
                }
                after = last.number
            }
            try verifier.finish()
            return AuditVerdict(events: count, failure: nil, firstBroken: 0, head: head)
        } catch let error as AuditVerifier.Break {
            return AuditVerdict(events: count, failure: error.description, firstBroken: error.number ?? 0, head: head)
        } catch let error as CatalogError {
            // A row that cannot be read is not what was recorded.
            return AuditVerdict(events: count, failure: error.message, firstBroken: count + head.firstNumber, head: head)
        } catch {
            throw Status(.unavailable, "\(error)")
        }
    }
}
