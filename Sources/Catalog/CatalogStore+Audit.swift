import Audit
import Foundation
import GRDB
package import Model

/// Who makes a change, and what of it is recorded with it.
package struct Deed: Sendable {
    /// Who; nil: the daemon itself.
    package let user: UInt32?
    /// Id of the sandbox; empty: the organization.
    package let chain: String
    /// What.
    package let action: AuditEvent.Action
    /// On which thing.
    package let object: String
    /// How it ended, or that it is about to be done.
    package let outcome: AuditEvent.Outcome
    /// How often.
    package let count: UInt64
    /// More of it: no content.
    package let detail: String

    package init(
        user: UInt32?, chain: String = "", action: AuditEvent.Action, object: String = "",
        outcome: AuditEvent.Outcome = .done, count: UInt64 = 1, detail: String = ""
    ) {
        self.user = user
        self.chain = chain
        self.action = action
        self.object = object
        self.outcome = outcome
        self.count = count
        self.detail = detail
    }
}

/// Which events are asked for; nil: whatever it is.
package struct AuditFilter: Hashable, Sendable {
    /// User id.
    package var user: UInt32?
    /// What was done.
    package var action: AuditEvent.Action?
    /// How it ended.
    package var outcome: AuditEvent.Outcome?
    /// From then on.
    package var since: Instant?
    /// Before then.
    package var until: Instant?

    package init() {}
}

extension CatalogStore {
    /// Records what is no change of the catalog. When it returns, it is durable.
    ///
    /// What has happened has happened: it is recorded also where its task was cancelled meanwhile, as when a caller has gone away.
    package func record(_ deeds: [Deed]) async throws(CatalogError) {
        let recorded = await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, any Error>, Never>) in
            database.asyncWrite({ [self] db in
                for deed in deeds { try append(deed, db) }
            }) { _, result in
                continuation.resume(returning: result)
            }
        }
        do { try recorded.get() } catch { throw CatalogError(error) }
    }

    /// Adds an event to its chain, in the transaction of what it tells of.
    func append(_ deed: Deed, _ db: Database) throws {
        let now = time.now
        var head = try db.auditHead(deed.chain) ?? AuditChain.begin(deed.chain, at: now, key: signingKey)
        var event = AuditEvent(
            chain: deed.chain, number: 0, time: now, user: deed.user, action: deed.action, object: deed.object,
            outcome: deed.outcome, count: deed.count, detail: deed.detail)
        AuditChain.append(&event, to: &head, key: signingKey)
        try db.execute(
            sql: "INSERT INTO audit_event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                event.chain, Int64(event.number), event.time.milliseconds, event.user, event.action.rawValue, event.object,
                event.outcome.rawValue, Int64(event.count), event.detail, Data(event.hash),
            ])
        try db.save(head)
    }

    /// The same as `auditHead` for whoever is on a thread of its own. Blocks.
    package func auditHeadNow(_ chain: String) throws(CatalogError) -> AuditHead? {
        do { return try database.read { db in try db.auditHead(chain) } } catch { throw CatalogError(error) }
    }

    /// Ed25519 by the organization's signing key.
    package func signature(of bytes: [UInt8]) -> [UInt8] { signingKey.signature(of: bytes) }

    /// The head of a chain; nil when nothing was ever recorded in it.
    package func auditHead(_ chain: String) async throws(CatalogError) -> AuditHead? {
        try await read { db in try db.auditHead(chain) }
    }

    /// Events of a chain after a number, in order, at most `limit`.
    package func auditEvents(
        _ chain: String, after number: UInt64 = 0, filter: AuditFilter = AuditFilter(), limit: Int
    ) async throws(CatalogError) -> [AuditEvent] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * \(selectEvents) ORDER BY number LIMIT :limit",
                arguments: arguments(chain, after: number, filter, limit: limit)
            ).map(AuditEvent.init)
        }
    }

    /// Number of the event before the newest `count` of those asked for.
    package func auditNumber(before count: Int, in chain: String, filter: AuditFilter) async throws(CatalogError) -> UInt64 {
        try await read { db in
            try UInt64.fetchOne(
                db,
                sql: "SELECT coalesce(min(number), 1) - 1 FROM (SELECT number \(selectEvents) ORDER BY number DESC LIMIT :limit)",
                arguments: arguments(chain, after: 0, filter, limit: count)) ?? 0
        }
    }

    /// Chains that have a head, the organization's first.
    package func auditChains() async throws(CatalogError) -> [String] {
        try await read { db in try String.fetchAll(db, sql: "SELECT chain FROM audit_head ORDER BY chain") }
    }

    /// Lets go of events that are older than they are kept.
    package func dropOldAuditEvents() async throws(CatalogError) {
        let limit = time.now.milliseconds - Int64(Limits.auditDays) * 86_400_000
        try await write { [signingKey] db in
            for chain in try String.fetchAll(db, sql: "SELECT chain FROM audit_head") {
                // Times may go back within a chain: all before the first that is kept go.
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT * FROM audit_event WHERE chain = ? AND number < coalesce(
                            (SELECT min(number) FROM audit_event WHERE chain = ? AND time >= ?), 9223372036854775807)
                        ORDER BY number DESC LIMIT 1
                        """, arguments: [chain, chain, limit])
                guard let last = try row.map(AuditEvent.init), var head = try db.auditHead(chain) else { continue }
                AuditChain.drop(through: last, of: &head, key: signingKey)
                try db.execute(
                    sql: "DELETE FROM audit_event WHERE chain = ? AND number <= ?", arguments: [chain, Int64(last.number)])
                try db.save(head)
            }
        }
    }
}

private let selectEvents = """
    FROM audit_event WHERE chain = :chain AND number > :number
        AND (:user IS NULL OR user = :user) AND (:action IS NULL OR action = :action)
        AND (:outcome IS NULL OR outcome = :outcome) AND (:since IS NULL OR time >= :since)
        AND (:until IS NULL OR time < :until)
    """

private func arguments(_ chain: String, after number: UInt64, _ filter: AuditFilter, limit: Int) -> StatementArguments {
    [
        "chain": chain, "number": Int64(number), "user": filter.user, "action": filter.action?.rawValue,
        "outcome": filter.outcome?.rawValue, "since": filter.since?.milliseconds, "until": filter.until?.milliseconds,
        "limit": limit,
    ]
}

extension Database {
    fileprivate func auditHead(_ chain: String) throws -> AuditHead? {
        try Row.fetchOne(self, sql: "SELECT * FROM audit_head WHERE chain = ?", arguments: [chain]).map { row in
            let (previous, hash, signature): (Data, Data, Data) = (row["first_previous"], row["hash"], row["signature"])
            return AuditHead(
                chain: row["chain"], firstNumber: row["first_number"], firstPrevious: Array(previous), number: row["number"],
                hash: Array(hash), time: Instant(milliseconds: row["time"]), signature: Array(signature))
        }
    }

    fileprivate func save(_ head: AuditHead) throws {
        try execute(
            sql: "INSERT OR REPLACE INTO audit_head VALUES (?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                head.chain, Int64(head.firstNumber), Data(head.firstPrevious), Int64(head.number), Data(head.hash),
                head.time.milliseconds, Data(head.signature),
            ])
    }
}

extension AuditEvent {
    fileprivate init(_ row: Row) throws {
        let hash: Data = row["hash"]
        self.init(
            chain: row["chain"], number: row["number"], time: Instant(milliseconds: row["time"]), user: row["user"],
            action: try known(row["action"]), object: row["object"], outcome: try known(row["outcome"]), count: row["count"],
            detail: row["detail"], hash: Array(hash))
    }
}
