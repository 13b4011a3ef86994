import Foundation
import GRDB
package import Model

extension CatalogStore {
    /// Makes a configuration: a draft, or with `submit` one that comes into force or fails.
    package func createConfiguration(
        by user: UInt32?, sandboxID: String, name: ResourceName, channel: Channel, settings: ConfigurationSettings, submit: Bool
    ) async throws(CatalogError) -> ChannelConfiguration {
        try await write { [self] db in
            try insert(Self.newID(), sandboxID, name, channel, settings, db)
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .configurationCreate, object: name.value, detail: settings.summary), db)
            let created = try db.configuration(name, of: sandboxID)
            return submit ? try self.submit(created, by: user, of: sandboxID, db) : created
        }
    }

    /// Makes a draft with the settings that another configuration has in force.
    package func duplicateConfiguration(
        by user: UInt32?, sandboxID: String, name: ResourceName, as newName: ResourceName
    ) async throws(CatalogError) -> ChannelConfiguration {
        try await write { [self] db in
            let original = try db.configuration(name, of: sandboxID)
            try insert(Self.newID(), sandboxID, newName, original.channel, original.settings, db)
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .configurationDuplicate, object: newName.value,
                    detail: "of \(name), \(original.settings.summary)"), db)
            return try db.configuration(newName, of: sandboxID)
        }
    }

    /// Makes a new version of a draft, of a failed one, or of an active one; with `submit` brings it into force. The version in force
    /// stays so until then, and if it fails.
    ///
    /// - Parameter version: number of the newest version that the change was made for; nil: whatever it is.
    package func editConfiguration(
        by user: UInt32?, sandboxID: String, name: ResourceName, change: ConfigurationChange, submit: Bool,
        ifVersion version: UInt32?
    ) async throws(CatalogError) -> ChannelConfiguration {
        try await write { [self] db in
            var configuration = try db.configuration(name, of: sandboxID)
            try requireRevision(
                version.map(UInt64.init), UInt64(configuration.latestVersion), "channel configuration \(name)")
            guard [.draft, .failed, .active].contains(configuration.state) else {
                throw CatalogError(
                    .failedPrecondition,
                    "channel configuration \(name) is \(configuration.state.rawValue): activate it first, or duplicate it")
            }
            // Nothing to change: what is there is submitted.
            if !change.isEmpty {
                let settings = change.applied(to: configuration.pending?.settings ?? configuration.settings)
                try addVersion(settings, to: configuration, of: sandboxID, db)
                try append(
                    Deed(
                        user: user, chain: sandboxID, action: .configurationEdit, object: name.value,
                        detail: "version \(configuration.latestVersion + 1), \(settings.summary)"), db)
                configuration = try db.configuration(name, of: sandboxID)
            }
            return submit ? try self.submit(configuration, by: user, of: sandboxID, db) : configuration
        }
    }

    /// Brings a draft, or a pending version, into force, unless it fails.
    package func submitConfiguration(
        by user: UInt32?, sandboxID: String, name: ResourceName
    ) async throws(CatalogError) -> ChannelConfiguration {
        try await write { [self] db in
            try submit(db.configuration(name, of: sandboxID), by: user, of: sandboxID, db)
        }
    }

    /// Takes an active configuration out of force, or a deactivated one back into it.
    package func setConfiguration(
        by user: UInt32?, sandboxID: String, name: ResourceName, active: Bool
    ) async throws(CatalogError) -> ChannelConfiguration {
        let (from, to): (ChannelConfiguration.State, ChannelConfiguration.State) =
            active ? (.deactivated, .active) : (.active, .deactivated)
        return try await write { [self] db in
            let configuration = try db.configuration(name, of: sandboxID)
            guard configuration.state == from else {
                throw CatalogError(
                    .failedPrecondition,
                    "channel configuration \(name) is \(configuration.state.rawValue), not \(from.rawValue)")
            }
            try db.execute(sql: "UPDATE configuration SET state = ? WHERE id = ?", arguments: [to.rawValue, configuration.id])
            try append(
                Deed(
                    user: user, chain: sandboxID, action: active ? .configurationActivate : .configurationDeactivate,
                    object: name.value), db)
            return try db.configuration(name, of: sandboxID)
        }
    }

    /// A configuration by its name.
    package func configuration(sandboxID: String, name: ResourceName) async throws(CatalogError) -> ChannelConfiguration {
        try await read { db in try db.configuration(name, of: sandboxID) }
    }

    /// All of a sandbox, by name.
    package func configurations(sandboxID: String) async throws(CatalogError) -> [ChannelConfiguration] {
        try await read { db in try db.configurations(of: sandboxID) }
    }

    // MARK: In a transaction

    private func insert(
        _ id: String, _ sandboxID: String, _ name: ResourceName, _ channel: Channel, _ settings: ConfigurationSettings,
        _ db: Database
    ) throws {
        try db.requireFree(name, in: "configuration", of: sandboxID, what: "channel configuration")
        try db.requireRoom(in: "configuration", of: sandboxID, limit: Limits.configurations, what: "channel configuration")
        try db.requireEntitlement(for: settings)
        try db.execute(
            sql: """
                INSERT INTO configuration (id, sandbox_id, name, channel, state, version, created_at)
                VALUES (?, ?, ?, ?, 'DRAFT', 1, ?)
                """, arguments: [id, sandboxID, name.value, channel.rawValue, time.now.milliseconds])
        try insertVersion(1, settings, of: id, db)
    }

    private func insertVersion(_ version: UInt32, _ settings: ConfigurationSettings, of id: String, _ db: Database) throws {
        try db.execute(
            sql: """
                INSERT INTO configuration_version (configuration_id, version, message_export, created_at, settings)
                VALUES (?, ?, ?, ?, ?)
                """, arguments: [id, version, settings.messageExport, time.now.milliseconds, jsonText(settings)])
        try db.execute(
            sql: """
                DELETE FROM configuration_version WHERE configuration_id = ? AND version <= ?
                    AND version <> (SELECT version FROM configuration WHERE id = ?)
                """, arguments: [id, Int64(version) - Int64(Limits.configurationVersions), id])
    }

    private func addVersion(
        _ settings: ConfigurationSettings, to configuration: ChannelConfiguration, of sandboxID: String, _ db: Database
    ) throws {
        try db.requireEntitlement(for: settings)
        let version = configuration.latestVersion + 1
        try insertVersion(version, settings, of: configuration.id, db)
        try db.execute(
            sql: "UPDATE configuration SET latest_version = ? WHERE id = ?", arguments: [version, configuration.id])
        guard configuration.state != .active else { return }
        try db.execute(
            sql: "UPDATE configuration SET version = ?, state = 'DRAFT' WHERE id = ?", arguments: [version, configuration.id])
    }

    private func submit(
        _ configuration: ChannelConfiguration, by user: UInt32?, of sandboxID: String, _ db: Database
    ) throws -> ChannelConfiguration {
        let name = try ResourceName(configuration.name)
        guard configuration.state == .draft || (configuration.state == .active && configuration.pending != nil) else {
            let what =
                switch configuration.state {
                case .active: "is ACTIVE and has no change to submit"
                case .failed: "is FAILED: edit it first"
                case .deactivated: "is DEACTIVATED: activate it first"
                case .draft, .processing: "is \(configuration.state.rawValue)"
                }
            throw CatalogError(.failedPrecondition, "channel configuration \(name) \(what)")
        }
        let version = configuration.latestVersion
        let settings = configuration.pending?.settings ?? configuration.settings
        try db.requireEntitlement(for: settings)
        let failures = settings.failures(for: configuration.channel)
        if failures.isEmpty {
            // Since it is on: a change of something else does not begin anew.
            let since = settings.messageExport ? configuration.enabledSince ?? time.now : nil
            try db.execute(
                sql: "UPDATE configuration SET state = 'ACTIVE', version = ?, enabled_since = ? WHERE id = ?",
                arguments: [version, since?.milliseconds, configuration.id])
        } else {
            try db.execute(
                sql: "UPDATE configuration_version SET failures = ? WHERE configuration_id = ? AND version = ?",
                arguments: [jsonText(failures), configuration.id, version])
            if configuration.state == .draft {
                try db.execute(sql: "UPDATE configuration SET state = 'FAILED' WHERE id = ?", arguments: [configuration.id])
            }
        }
        try append(
            Deed(
                user: user, chain: sandboxID, action: .configurationSubmit, object: name.value,
                outcome: failures.isEmpty ? .done : .failed, detail: "version \(version), \(settings.summary)"), db)
        return try db.configuration(name, of: sandboxID)
    }
}

private let selectConfiguration = """
    SELECT configuration.*, current.settings, current.failures, newest.settings AS newest_settings,
        newest.failures AS newest_failures
    FROM configuration
    JOIN configuration_version AS current
        ON current.configuration_id = configuration.id AND current.version = configuration.version
    JOIN configuration_version AS newest
        ON newest.configuration_id = configuration.id AND newest.version = configuration.latest_version
    WHERE sandbox_id = ?
    """

extension Database {
    /// All of a sandbox, by name.
    func configurations(of sandboxID: String) throws -> [ChannelConfiguration] {
        try Row.fetchAll(self, sql: selectConfiguration + " ORDER BY name", arguments: [sandboxID])
            .map(ChannelConfiguration.init)
    }

    fileprivate func configuration(_ name: ResourceName, of sandboxID: String) throws -> ChannelConfiguration {
        let row = try Row.fetchOne(self, sql: selectConfiguration + " AND name = ?", arguments: [sandboxID, name.value])
        guard let row else { throw CatalogError(.notFound, "there is no channel configuration named \(name)", field: "name") }
        return try ChannelConfiguration(row)
    }

    /// While the entitlement is off nothing can be enabled.
    fileprivate func requireEntitlement(for settings: ConfigurationSettings) throws {
        guard settings.messageExport else { return }
        guard try Bool.fetchOne(self, sql: "SELECT message_export FROM organization") == true else {
            throw CatalogError(.failedPrecondition, "the organization is not entitled to message export", field: "message_export")
        }
    }
}

extension ChannelConfiguration {
    fileprivate init(_ row: Row) throws {
        let (version, newest): (UInt32, UInt32) = (row["version"], row["latest_version"])
        let since: Int64? = row["enabled_since"]
        let pending =
            newest == version
            ? nil
            : Pending(
                version: newest, settings: try jsonValue(row["newest_settings"]), failures: try jsonValue(row["newest_failures"]))
        self.init(
            id: row["id"], name: row["name"], channel: try known(row["channel"]), state: try known(row["state"]),
            version: version, settings: try jsonValue(row["settings"]), failures: try jsonValue(row["failures"]),
            pending: pending,
            enabledSince: since.map { Instant(milliseconds: $0) }, createdAt: Instant(milliseconds: row["created_at"]))
    }
}

extension ConfigurationSettings {
    /// What the audit tells of them.
    fileprivate var summary: String { "message export \(messageExport ? "on" : "off")" }
}
