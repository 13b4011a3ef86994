import GRDB
package import Model

extension CatalogStore {
    /// Makes a configuration: a draft, or with `submit` an active one.
    package func createConfiguration(
        sandboxID: String, name: ResourceName, channel: Channel, messageExport: Bool, submit: Bool
    ) async throws(CatalogError) -> ChannelConfiguration {
        let now = time.now
        let id = CatalogStore.newID()
        let state: ChannelConfiguration.State = submit ? .active : .draft
        return try await write { db in
            try db.requireFree(name, in: "configuration", of: sandboxID, what: "channel configuration")
            try db.execute(
                sql: "INSERT INTO configuration VALUES (?, ?, ?, ?, ?, 1, ?)",
                arguments: [id, sandboxID, name.value, channel.rawValue, state.rawValue, now.milliseconds])
            try db.execute(
                sql: "INSERT INTO configuration_version VALUES (?, 1, ?, ?)", arguments: [id, messageExport, now.milliseconds])
            return try db.configuration(name, of: sandboxID)
        }
    }

    /// Puts a draft in force.
    package func submitConfiguration(sandboxID: String, name: ResourceName) async throws(CatalogError) -> ChannelConfiguration {
        try await write { db in
            let configuration = try db.configuration(name, of: sandboxID)
            guard configuration.state == .draft else {
                throw CatalogError(
                    .failedPrecondition,
                    "channel configuration \(name) is \(configuration.state.rawValue): only a draft is submitted")
            }
            try db.execute(
                sql: "UPDATE configuration SET state = ? WHERE id = ?",
                arguments: [ChannelConfiguration.State.active.rawValue, configuration.id])
            return try db.configuration(name, of: sandboxID)
        }
    }

    /// What ingesting depends on, as one consistent view.
    package func ingestView() async throws(CatalogError) -> IngestView {
        try await read { db in
            let entitled = try Bool.fetchOne(db, sql: "SELECT message_export FROM organization") ?? false
            var configurations: [String: [ChannelConfiguration]] = [:]
            for sandboxID in try String.fetchAll(db, sql: "SELECT id FROM sandbox WHERE state = 'active'") {
                configurations[sandboxID] = try Row.fetchAll(
                    db, sql: selectConfiguration + " ORDER BY name", arguments: [sandboxID]
                ).map(ChannelConfiguration.init)
            }
            return IngestView(generation: db.totalChangesCount, messageExport: entitled, configurations: configurations)
        }
    }
}

/// What ingesting depends on at one moment.
package struct IngestView: Hashable, Sendable {
    /// Of two views of one opened catalog, the later has the higher.
    package let generation: Int
    /// Whether the organization is entitled to message export.
    package let messageExport: Bool
    /// Those of each active sandbox, by its id.
    package let configurations: [String: [ChannelConfiguration]]
}

private let selectConfiguration = """
    SELECT configuration.*, configuration_version.message_export FROM configuration
    JOIN configuration_version
        ON configuration_version.configuration_id = configuration.id AND configuration_version.version = configuration.version
    WHERE sandbox_id = ?
    """

extension Database {
    fileprivate func configuration(_ name: ResourceName, of sandboxID: String) throws -> ChannelConfiguration {
        let row = try Row.fetchOne(self, sql: selectConfiguration + " AND name = ?", arguments: [sandboxID, name.value])
        guard let row else { throw CatalogError(.notFound, "there is no channel configuration named \(name)", field: "name") }
        return try ChannelConfiguration(row)
    }
}

extension ChannelConfiguration {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: row["id"], name: row["name"], channel: try known(row["channel"]), state: try known(row["state"]),
            version: row["version"], messageExport: row["message_export"], createdAt: Instant(milliseconds: row["created_at"]))
    }
}

/// The value a column spells.
func known<Value: RawRepresentable<String>>(_ spelling: String) throws -> Value {
    guard let value = Value(rawValue: spelling) else {
        throw CatalogError(.io, "the catalog holds a \(Value.self) this program does not know: \(spelling)")
    }
    return value
}
