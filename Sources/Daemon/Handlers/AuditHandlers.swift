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
        return try await catalog.auditVerdict(of: chain.id)
    }
}
