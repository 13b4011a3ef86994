import Foundation
import GRDB
package import Model

extension CatalogStore {
    /// What the administrator approved, by kind and value.
    package func approvals() async throws(CatalogError) -> [Approval] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM approval ORDER BY kind, value").map(Approval.init)
        }
    }

    /// Approves one thing more; what is approved already stays as it is.
    ///
    /// - Parameter publicKey: of an OpenPGP key.
    package func createApproval(
        by user: UInt32?, _ kind: Approval.Kind, _ value: String, label: String = "", publicKey: [UInt8]? = nil
    ) async throws(CatalogError) -> Approval {
        let now = time.now
        return try await write { [self] db in
            if let known = try db.approval(kind, value) { return known }
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM approval") ?? 0
            guard count < Limits.approvals else {
                throw CatalogError(.limit, "\(count) things are approved, and more are not allowed")
            }
            try db.execute(
                sql: "INSERT INTO approval VALUES (?, ?, ?, ?, ?)",
                arguments: [kind.rawValue, value, label, publicKey.map { Data($0) }, now.milliseconds])
            try append(
                Deed(
                    user: user, action: .approvalCreate, object: value,
                    detail: label.isEmpty ? kind.rawValue : "\(kind.rawValue), \(label)"), db)
            return Approval(kind: kind, value: value, label: label, createdAt: now)
        }
    }

    /// Withdraws an approval; returns what it was.
    package func deleteApproval(by user: UInt32?, _ kind: Approval.Kind, _ value: String) async throws(CatalogError) -> Approval {
        try await write { [self] db in
            guard let approval = try db.approval(kind, value) else {
                throw CatalogError(.notFound, "\(kind.rawValue) \(value) is not approved", field: "value")
            }
            try db.execute(sql: "DELETE FROM approval WHERE kind = ? AND value = ?", arguments: [kind.rawValue, value])
            try append(Deed(user: user, action: .approvalDelete, object: value, detail: kind.rawValue), db)
            return approval
        }
    }

    /// The approved public keys of these fingerprints, in their order.
    ///
    /// - Throws: `notFound` naming the first that is not approved.
    package func publicKeys(_ fingerprints: [String]) async throws(CatalogError) -> [[UInt8]] {
        try await read { db in
            try fingerprints.map { fingerprint in
                let key = try Data.fetchOne(
                    db, sql: "SELECT public_key FROM approval WHERE kind = ? AND value = ?",
                    arguments: [Approval.Kind.openPGP.rawValue, fingerprint])
                guard let key else {
                    throw CatalogError(.notFound, "the OpenPGP key \(fingerprint) is not approved", field: "encrypt_to")
                }
                return [UInt8](key)
            }
        }
    }
}

extension Database {
    fileprivate func approval(_ kind: Approval.Kind, _ value: String) throws -> Approval? {
        try Row.fetchOne(self, sql: "SELECT * FROM approval WHERE kind = ? AND value = ?", arguments: [kind.rawValue, value])
            .map(Approval.init)
    }
}

extension Approval {
    fileprivate init(_ row: Row) throws {
        self.init(
            kind: try known(row["kind"]), value: row["value"], label: row["label"],
            createdAt: Instant(milliseconds: row["created_at"]))
    }
}
