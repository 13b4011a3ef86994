import GRDB
package import Model

/// What requests are decided by, of the organization, at one moment.
package struct OrganizationView: Hashable, Sendable {
    /// Of two views of one opened catalog, the later has the higher.
    package let generation: Int
    /// Whether it is entitled to message export.
    package let messageExport: Bool
    /// Since when it is, or is not.
    package let entitledSince: Instant
    /// Administrators.
    package let grants: [Grant]
}

/// What requests are decided by, of a sandbox, at one moment.
package struct SandboxView: Hashable, Sendable {
    /// Of two views of one opened catalog, the later has the higher.
    package let generation: Int
    /// As it is.
    package let sandbox: Sandbox
    /// Roles in it.
    package let grants: [Grant]
    /// All of it, by name.
    package let configurations: [ChannelConfiguration]
}

extension CatalogStore {
    /// The organization's view, consistent in itself.
    package func organizationView() async throws(CatalogError) -> OrganizationView {
        try await read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT message_export, entitled_since FROM organization") else {
                throw CatalogError(.io, "the catalog holds no organization")
            }
            return OrganizationView(
                generation: db.totalChangesCount, messageExport: row["message_export"],
                entitledSince: Instant(milliseconds: row["entitled_since"]), grants: try db.grants(of: ""))
        }
    }

    /// A sandbox's view, consistent in itself.
    package func sandboxView(_ id: String) async throws(CatalogError) -> SandboxView {
        try await read { db in
            SandboxView(
                generation: db.totalChangesCount, sandbox: try db.sandbox(id), grants: try db.grants(of: id),
                configurations: try db.configurations(of: id))
        }
    }
}
