import GRDB
package import Model

extension CatalogStore {
    /// Gives a role, in a sandbox or, of an administrator, in the organization. What is there already stays as it is.
    ///
    /// - Parameter sandboxID: empty: the organization.
    package func createGrant(by user: UInt32?, _ role: Role, to subject: Subject, in sandboxID: String) async throws(CatalogError)
        -> Grant
    {
        let now = time.now
        return try await write { [self] db in
            if let grant = try db.grant(role, subject, sandboxID) { return grant }
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM access_grant") ?? 0
            guard count < Limits.grants else {
                throw CatalogError(.limit, "there are \(count) grants, and more are not allowed")
            }
            try db.execute(
                sql: "INSERT INTO access_grant VALUES (?, ?, ?, ?, ?)",
                arguments: [role.rawValue, subject.kind, subject.id, sandboxID, now.milliseconds])
            try append(
                Deed(user: user, chain: sandboxID, action: .grantCreate, object: "\(role.rawValue) to \(subject)"), db)
            return try db.requireGrant(role, subject, sandboxID)
        }
    }

    /// Takes a role away; returns what it was.
    package func deleteGrant(by user: UInt32?, _ role: Role, of subject: Subject, in sandboxID: String) async throws(CatalogError)
        -> Grant
    {
        try await write { [self] db in
            let grant = try db.requireGrant(role, subject, sandboxID)
            try db.execute(
                sql: "DELETE FROM access_grant WHERE role = ? AND subject_kind = ? AND subject_id = ? AND sandbox_id = ?",
                arguments: [role.rawValue, subject.kind, subject.id, sandboxID])
            let administrators =
                try Int.fetchOne(db, sql: "SELECT count(*) FROM access_grant WHERE role = 'administrator'") ?? 0
            guard role != .administrator || administrators > 0 else {
                throw CatalogError(.failedPrecondition, "it is the last administrator: nobody could give a grant any more")
            }
            try append(
                Deed(user: user, chain: sandboxID, action: .grantDelete, object: "\(role.rawValue) of \(subject)"), db)
            return grant
        }
    }

    /// All grants, or those of a sandbox, by sandbox, role and subject.
    package func grants(sandboxID: String? = nil) async throws(CatalogError) -> [Grant] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: selectGrant + """
                     WHERE ? IS NULL OR sandbox_id = ? ORDER BY sandbox.name, role, subject_kind DESC, subject_id
                    """, arguments: [sandboxID, sandboxID]
            ).map(Grant.init)
        }
    }

    /// Makes a user an administrator where there is none: at the first start.
    package func requireAdministrator(uid: UInt32) async throws(CatalogError) {
        let hasNone = try await read { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM access_grant WHERE role = 'administrator'") == 0
        }
        if hasNone { _ = try await createGrant(by: nil, .administrator, to: .user(uid), in: "") }
    }
}

private let selectGrant = """
    SELECT access_grant.*, sandbox.name AS sandbox FROM access_grant LEFT JOIN sandbox ON sandbox.id = access_grant.sandbox_id
    """

extension Database {
    /// The grants of a sandbox; empty: of the organization.
    func grants(of sandboxID: String) throws -> [Grant] {
        try Row.fetchAll(self, sql: selectGrant + " WHERE sandbox_id = ?", arguments: [sandboxID]).map(Grant.init)
    }

    fileprivate func grant(_ role: Role, _ subject: Subject, _ sandboxID: String) throws -> Grant? {
        try Row.fetchOne(
            self, sql: selectGrant + " WHERE role = ? AND subject_kind = ? AND subject_id = ? AND sandbox_id = ?",
            arguments: [role.rawValue, subject.kind, subject.id, sandboxID]
        ).map(Grant.init)
    }

    fileprivate func requireGrant(_ role: Role, _ subject: Subject, _ sandboxID: String) throws -> Grant {
        guard let grant = try grant(role, subject, sandboxID) else {
            throw CatalogError(.notFound, "\(subject) is no \(role.rawValue) there", field: "role")
        }
        return grant
    }
}

extension Subject {
    fileprivate var kind: String {
        switch self {
        case .user: "user"
        case .group: "group"
        }
    }

    fileprivate var id: UInt32 {
        switch self {
        case .user(let id), .group(let id): id
        }
    }
}

extension Grant {
    fileprivate init(_ row: Row) throws {
        let id: UInt32 = row["subject_id"]
        self.init(
            role: try known(row["role"]), subject: row["subject_kind"] == "user" ? .user(id) : .group(id),
            sandbox: row["sandbox"], createdAt: Instant(milliseconds: row["created_at"]))
    }
}
