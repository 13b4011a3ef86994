import Audit
import Foundation
import GRDB
package import Model

/// What is to be changed of a sandbox; nil: it stays as it is.
package struct SandboxChange: Hashable, Sendable {
    /// For people.
    package var title: String?
    /// Whose days count, from the next day on.
    package var zone: Zone?
    /// How long records are kept, from the next day on.
    package var retention: Retention?
    /// Bytes stored; 0: no limit of its own.
    package var quotaBytes: UInt64?
    /// Records stored on one day; 0: no limit of its own.
    package var quotaRecordsPerDay: UInt64?
    /// Records stored in one second; 0: no limit of its own.
    package var quotaRecordsPerSecond: UInt64?

    package init() {}
}

extension CatalogStore {
    // MARK: Organization

    /// The one organization.
    package func organization() async throws(CatalogError) -> Organization {
        try await read { [signingKey] db in try db.organization(signingKey.publicKey) }
    }

    /// Changes name or entitlement; nil: it stays as it is.
    ///
    /// - Parameter revision: that the change was made for; nil: whatever it is.
    package func editOrganization(
        by user: UInt32?, name: String?, messageExport: Bool?, ifRevision revision: UInt64?
    ) async throws(CatalogError) -> Organization {
        let now = time.now
        return try await write { [self] db in
            let organization = try db.organization(signingKey.publicKey)
            try requireRevision(revision, organization.revision, "the organization")
            var changes: [String] = []
            if let name, name != organization.name {
                try db.execute(sql: "UPDATE organization SET name = ?", arguments: [name])
                changes.append("name")
            }
            if let messageExport, messageExport != organization.messageExport {
                try db.execute(
                    sql: "UPDATE organization SET message_export = ?, entitled_since = ?",
                    arguments: [messageExport, now.milliseconds])
                changes.append("message export \(messageExport ? "on" : "off")")
            }
            guard !changes.isEmpty else { return organization }
            try db.execute(sql: "UPDATE organization SET revision = revision + 1")
            try append(
                Deed(user: user, action: .organizationEdit, detail: changes.joined(separator: ", ")), db)
            return try db.organization(signingKey.publicKey)
        }
    }

    /// Id of the master key the data was made under; nil before the first start ended.
    package func masterKeyID() async throws(CatalogError) -> [UInt8]? {
        try await read { db in
            let id: Data? = try Row.fetchOne(db, sql: "SELECT master_key_id FROM organization")?["master_key_id"]
            return id.map { Array($0) }
        }
    }

    /// Remembers the key that the data is made under, so that a wrong one is noticed at the next start.
    package func setMasterKeyID(_ id: [UInt8]) async throws(CatalogError) {
        try await write { db in try db.execute(sql: "UPDATE organization SET master_key_id = ?", arguments: [Data(id)]) }
    }

    /// Public part of the key that signed so far; nil before the first start ended.
    package func signingPublicKey() async throws(CatalogError) -> [UInt8]? {
        try await read { db in
            let key: Data? = try Row.fetchOne(db, sql: "SELECT signing_public_key FROM organization")?["signing_public_key"]
            return key.map { Array($0) }
        }
    }

    /// Makes sure that the key that signs is the one that signed so far.
    package func requireSigningKey() async throws(CatalogError) {
        let known = try await signingPublicKey()
        guard known == nil || known == signingKey.publicKey else {
            throw CatalogError(.failedPrecondition, "the signing key is not the one that signed the audit so far")
        }
        try await write { [signingKey] db in
            try db.execute(
                sql: "UPDATE organization SET signing_public_key = ?", arguments: [Data(signingKey.publicKey)])
        }
    }

    // MARK: Sandboxes

    /// Those that are not deleted, by name.
    package func sandboxes() async throws(CatalogError) -> [Sandbox] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM sandbox WHERE state <> 'deleted' ORDER BY name").map(Sandbox.init)
        }
    }

    /// A sandbox that is being made: its dataset is for the caller to make, and then its state to set.
    package func createSandbox(
        by user: UInt32?, name: SandboxName, title: String, kind: Sandbox.Kind, zone: Zone, retention: Retention
    ) async throws(CatalogError) -> Sandbox {
        let now = time.now
        let id = CatalogStore.newID()
        return try await write { [self] db in
            let taken = try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM sandbox WHERE name = ?)", arguments: [name.value])
            guard taken != true else {
                throw CatalogError(.alreadyExists, "there is, or was, a sandbox named \(name)", field: "name")
            }
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM sandbox WHERE state <> 'deleted'") ?? 0
            guard count < Limits.sandboxes else {
                throw CatalogError(.limit, "there are \(count) sandboxes, and more are not allowed")
            }
            try db.execute(
                sql: """
                    INSERT INTO sandbox (id, name, title, type, state, epoch, time_zone, retention_days, created_at)
                    VALUES (?, ?, ?, ?, 'creating', 1, ?, ?, ?)
                    """,
                arguments: [
                    id, name.value, title.isEmpty ? name.value : title, kind.rawValue, zone.name, retention.days,
                    now.milliseconds,
                ])
            for chain in ["", id] {
                try append(Deed(user: user, chain: chain, action: .sandboxCreate, object: name.value), db)
            }
            return try db.sandbox(id)
        }
    }

    /// Says that its dataset is there, or cannot be.
    package func setSandboxState(_ id: String, _ state: Sandbox.State) async throws(CatalogError) -> Sandbox {
        try await write { db in
            try db.execute(sql: "UPDATE sandbox SET state = ? WHERE id = ?", arguments: [state.rawValue, id])
            return try db.sandbox(id)
        }
    }

    /// Changes title or settings.
    ///
    /// - Parameter revision: that the change was made for; nil: whatever it is.
    package func editSandbox(
        by user: UInt32?, _ id: String, _ change: SandboxChange, ifRevision revision: UInt64?
    ) async throws(CatalogError) -> Sandbox {
        try await write { [self] db in
            let sandbox = try db.sandbox(id)
            try requireRevision(revision, sandbox.revision, "sandbox \(sandbox.name)")
            let columns: [(name: String, value: (any DatabaseValueConvertible)?)] = [
                ("title", change.title), ("time_zone", change.zone?.name), ("retention_days", change.retention?.days),
                ("quota_bytes", change.quotaBytes.map(Int64.init(clamping:))),
                ("quota_records_per_day", change.quotaRecordsPerDay.map(Int64.init(clamping:))),
                ("quota_records_per_second", change.quotaRecordsPerSecond.map(Int64.init(clamping:))),
            ]
            let given = columns.compactMap { column in column.value.map { (column.name, $0) } }
            for (name, value) in given {
                try db.execute(sql: "UPDATE sandbox SET \(name) = ? WHERE id = ?", arguments: [value, id])
            }
            try db.execute(sql: "UPDATE sandbox SET revision = revision + 1 WHERE id = ?", arguments: [id])
            let detail = given.map { name, value in name == "title" ? name : "\(name) \(value)" }.joined(separator: ", ")
            try append(Deed(user: user, chain: id, action: .sandboxEdit, object: sandbox.name, detail: detail), db)
            return try db.sandbox(id)
        }
    }

    /// Forgets all that is in a sandbox but its grants, and begins a new epoch: it is being made again. Refused while a run is under way.
    package func resetSandbox(by user: UInt32?, _ id: String) async throws(CatalogError) -> Sandbox {
        try await write { [self] db in
            let sandbox = try db.sandbox(id)
            try db.empty(id)
            try db.execute(
                sql:
                    "UPDATE sandbox SET epoch = epoch + 1, state = 'creating', highest_sequence = 0, revision = revision + 1 WHERE id = ?",
                arguments: [id])
            try append(
                Deed(
                    user: user, chain: id, action: .sandboxReset, object: sandbox.name, outcome: .intended,
                    detail: "epoch \(sandbox.epoch) ends"), db)
            return try db.sandbox(id)
        }
    }

    /// Forgets all that is in a sandbox, its grants too. Refused for the default one, and while a run is under way.
    package func deleteSandbox(by user: UInt32?, _ id: String) async throws(CatalogError) -> Sandbox {
        try await write { [self] db in
            let sandbox = try db.sandbox(id)
            guard sandbox.name != defaultSandbox else {
                throw CatalogError(.failedPrecondition, "the default sandbox can be reset, not deleted")
            }
            try db.empty(id)
            try db.execute(sql: "DELETE FROM access_grant WHERE sandbox_id = ?", arguments: [id])
            try db.execute(
                sql: "UPDATE sandbox SET state = 'deleted', revision = revision + 1 WHERE id = ?", arguments: [id])
            for chain in ["", id] {
                try append(
                    Deed(user: user, chain: chain, action: .sandboxDelete, object: sandbox.name, outcome: .intended), db)
            }
            return try db.sandbox(id)
        }
    }

    /// - Throws: `aborted` when a change was made for another revision than there is.
    func requireRevision(_ wanted: UInt64?, _ found: UInt64, _ what: String) throws(CatalogError) {
        guard let wanted, wanted != found else { return }
        throw CatalogError(.aborted, "\(what) has version \(found), not \(wanted): somebody else changed it")
    }
}

extension Database {
    fileprivate func organization(_ publicKey: [UInt8]) throws -> Organization {
        guard let row = try Row.fetchOne(self, sql: "SELECT * FROM organization") else {
            throw CatalogError(.io, "the catalog holds no organization")
        }
        return Organization(
            name: row["name"], messageExport: row["message_export"], signingKey: publicKey, revision: row["revision"],
            createdAt: Instant(milliseconds: row["created_at"]))
    }

    func sandbox(_ id: String) throws -> Sandbox {
        guard let row = try Row.fetchOne(self, sql: "SELECT * FROM sandbox WHERE id = ?", arguments: [id]) else {
            throw CatalogError(.notFound, "there is no such sandbox", field: "sandbox")
        }
        return try Sandbox(row)
    }

    /// Deletes all that belongs to a sandbox, but its grants.
    fileprivate func empty(_ id: String) throws {
        try requireNothingDelivered(
            by: String.fetchAll(self, sql: "SELECT name FROM dataflow WHERE sandbox_id = ?", arguments: [id]), in: id)
        for table in ["alert", "expired_range", "dataflow", "destination", "configuration"] {
            try execute(sql: "DELETE FROM \(table) WHERE sandbox_id = ?", arguments: [id])
        }
    }
}

extension Sandbox {
    init(_ row: Row) throws {
        func quota(_ column: String) -> UInt64? {
            let value: Int64? = row[column]
            return value.flatMap { $0 > 0 ? UInt64($0) : nil }
        }
        self.init(
            id: row["id"], name: row["name"], title: row["title"], kind: try known(row["type"]), state: try known(row["state"]),
            epoch: row["epoch"], timeZone: row["time_zone"], retention: Retention(days: row["retention_days"]),
            quotas: Quotas(
                bytes: quota("quota_bytes"), recordsPerDay: quota("quota_records_per_day"),
                recordsPerSecond: quota("quota_records_per_second")),
            revision: row["revision"], createdAt: Instant(milliseconds: row["created_at"]))
    }
}
