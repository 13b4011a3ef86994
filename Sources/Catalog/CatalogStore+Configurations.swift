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
            try db.insertConfiguration(
                id: id, sandboxID: sandboxID, name: name, channel: channel, state: state, messageExport: messageExport, now: now)
            return try db.configuration(name, of: sandboxID)
        }
    }

    /// Makes a draft with the settings that another configuration has in force.
    package func duplicateConfiguration(
        sandboxID: String, name: ResourceName, as newName: ResourceName
    ) async throws(CatalogError) -> ChannelConfiguration {
        let now = time.now
        let id = CatalogStore.newID()
        return try await write { db in
            let original = try db.configuration(name, of: sandboxID)
            try db.insertConfiguration(
                id: id, sandboxID: sandboxID, name: newName, channel: original.channel, state: .draft,
                messageExport: original.messageExport, now: now)
            return try db.configuration(newName, of: sandboxID)
        }
    }

    /// Changes a draft, or the pending version of an active configuration, making one where none is pending; with `submit` puts that
    /// in force.
    ///
    /// - Parameter messageExport: nil: as it is.
    package func editConfiguration(
        sandboxID: String, name: ResourceName, messageExport: Bool?, submit: Bool
    ) async throws(CatalogError) -> ChannelConfiguration {
        let now = time.now
        return try await write { db in
            let configuration = try db.configuration(name, of: sandboxID)
            guard [.draft, .active].contains(configuration.state) else {
                throw CatalogError(
                    .failedPrecondition,
                    "channel configuration \(name) is \(configuration.state.rawValue): only a draft or an active one is edited")
            }
            // Nothing to change: what is there is submitted.
            guard let messageExport else { return submit ? try db.submit(configuration, of: sandboxID) : configuration }
            let version = configuration.version + (configuration.state == .draft ? 0 : 1)
            try db.execute(
                sql: """
                    INSERT INTO configuration_version VALUES (?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET message_export = excluded.message_export, created_at = excluded.created_at
                    """, arguments: [configuration.id, version, messageExport, now.milliseconds])
            let edited = try db.configuration(name, of: sandboxID)
            return submit ? try db.submit(edited, of: sandboxID) : edited
        }
    }

    /// Puts a draft, or a pending version, in force.
    package func submitConfiguration(sandboxID: String, name: ResourceName) async throws(CatalogError) -> ChannelConfiguration {
        try await write { db in
            try db.submit(db.configuration(name, of: sandboxID), of: sandboxID)
        }
    }

    /// Takes an active configuration out of force, or a deactivated one back into it.
    package func setConfiguration(
        sandboxID: String, name: ResourceName, active: Bool
    ) async throws(CatalogError) -> ChannelConfiguration {
        let (from, to): (ChannelConfiguration.State, ChannelConfiguration.State) =
            active ? (.deactivated, .active) : (.active, .deactivated)
        return try await write { db in
            let configuration = try db.configuration(name, of: sandboxID)
            guard configuration.state == from else {
                throw CatalogError(
                    .failedPrecondition,
                    "channel configuration \(name) is \(configuration.state.rawValue), not \(from.rawValue)")
            }
            try db.execute(sql: "UPDATE configuration SET state = ? WHERE id = ?", arguments: [to.rawValue, configuration.id])
            return try db.configuration(name, of: sandboxID)
        }
    }

    /// A configuration by its name.
    package func configuration(sandboxID: String, name: ResourceName) async throws(CatalogError) -> ChannelConfiguration {
        try await read { db in try db.configuration(name, of: sandboxID) }
    }

    /// All of a sandbox, by name.
    package func configurations(sandboxID: String) async throws(CatalogError) -> [ChannelConfiguration] {
        try await read { db in
            try Row.fetchAll(db, sql: selectConfiguration + " ORDER BY name", arguments: [sandboxID])
                .map(ChannelConfiguration.init)
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
    SELECT configuration.*, current.message_export, pending.message_export AS pending_message_export FROM configuration
    JOIN configuration_version AS current
        ON current.configuration_id = configuration.id AND current.version = configuration.version
    LEFT JOIN configuration_version AS pending
        ON pending.configuration_id = configuration.id AND pending.version = configuration.version + 1
    WHERE sandbox_id = ?
    """

extension Database {
    fileprivate func configuration(_ name: ResourceName, of sandboxID: String) throws -> ChannelConfiguration {
        let row = try Row.fetchOne(self, sql: selectConfiguration + " AND name = ?", arguments: [sandboxID, name.value])
        guard let row else { throw CatalogError(.notFound, "there is no channel configuration named \(name)", field: "name") }
        return try ChannelConfiguration(row)
    }

    fileprivate func insertConfiguration(
        id: String, sandboxID: String, name: ResourceName, channel: Channel, state: ChannelConfiguration.State,
        messageExport: Bool, now: Instant
    ) throws {
        try requireFree(name, in: "configuration", of: sandboxID, what: "channel configuration")
        try requireRoom(in: "configuration", of: sandboxID, limit: Limits.configurations, what: "channel configuration")
        try execute(
            sql: "INSERT INTO configuration VALUES (?, ?, ?, ?, ?, 1, ?)",
            arguments: [id, sandboxID, name.value, channel.rawValue, state.rawValue, now.milliseconds])
        try execute(
            sql: "INSERT INTO configuration_version VALUES (?, 1, ?, ?)", arguments: [id, messageExport, now.milliseconds])
    }

    fileprivate func submit(_ configuration: ChannelConfiguration, of sandboxID: String) throws -> ChannelConfiguration {
        let isPending = configuration.state == .active && configuration.pendingMessageExport != nil
        guard configuration.state == .draft || isPending else {
            throw CatalogError(
                .failedPrecondition,
                configuration.state == .active
                    ? "channel configuration \(configuration.name) is ACTIVE and has no change to submit"
                    : "channel configuration \(configuration.name) is \(configuration.state.rawValue): activate it first")
        }
        try execute(
            sql: "UPDATE configuration SET state = ?, version = version + ? WHERE id = ?",
            arguments: [ChannelConfiguration.State.active.rawValue, isPending ? 1 : 0, configuration.id])
        return try self.configuration(try ResourceName(configuration.name), of: sandboxID)
    }
}

extension ChannelConfiguration {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: row["id"], name: row["name"], channel: try known(row["channel"]), state: try known(row["state"]),
            version: row["version"], messageExport: row["message_export"],
            pendingMessageExport: row["pending_message_export"], createdAt: Instant(milliseconds: row["created_at"]))
    }
}

/// The value a column spells.
func known<Value: RawRepresentable<String>>(_ spelling: String) throws -> Value {
    guard let value = Value(rawValue: spelling) else {
        throw CatalogError(.io, "the catalog holds a \(Value.self) this program does not know: \(spelling)")
    }
    return value
}
