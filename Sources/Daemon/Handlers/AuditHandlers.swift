import Audit
import Catalog
import Messages
import Model
import RPC

extension ManagementHandlers {
    func listAuditEvents(_ request: ListAuditEventsRequest, of chain: Chain) async throws(Status) {
        await audit.flush()
        var filter = AuditFilter()
        filter.user = request.user
        filter.action = request.action
        filter.outcome = request.outcome
        filter.since = request.since
        filter.until = request.until
        var after: UInt64 = 0
        if request.limit > 0 {
            let filter = filter
            after = try await unlessCatalogFails { () async throws(CatalogError) in
                try await catalog.auditNumber(before: Int(request.limit), in: chain.id, filter: filter)
            }
        }
        while true {
            let (cursor, wanted) = (after, filter)
            let events = try await unlessCatalogFails { () async throws(CatalogError) in
                try await catalog.auditEvents(chain.id, after: cursor, filter: wanted, limit: Limits.auditEventsAnswered)
            }
            guard let last = events.last else { break }
            after = last.number
            try await chain.call.send(AuditAnswer(events: events).packed)
        }
        let head = try await unlessCatalogFails { () async throws(CatalogError) in try await catalog.auditHead(chain.id) }
        try await chain.call.send(AuditAnswer(events: [], head: head).packed)
    }

    func verifyAudit(_ request: VerifyAuditRequest, of chain: Chain) async throws(Status) -> AuditVerdict {
        await audit.flush()
        let (publicKey, head) = try await unlessCatalogFails { () async throws(CatalogError) in
            (try await catalog.organization().signingKey, try await catalog.auditHead(chain.id))
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
                let events = try await catalog.auditEvents(chain.id, after: cursor, limit: Limits.auditEventsAnswered)
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
