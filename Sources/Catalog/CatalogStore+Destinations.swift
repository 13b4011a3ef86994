import Foundation
import GRDB
package import Model

/// A destination as its owner wants it, checked by the caller, its secrets sealed.
package struct DestinationDraft: Sendable {
    /// Where it is.
    package let settings: Destination.Settings
    /// What is to be kept of its secrets, by name: those that are new.
    package let sealed: [String: [UInt8]]
    /// Secrets that are to go.
    package let dropped: Set<String>
    /// When what it signs in with ends; nil: that is not written in it.
    package let expiresAt: Instant?

    package init(
        settings: Destination.Settings, sealed: [String: [UInt8]] = [:], dropped: Set<String> = [], expiresAt: Instant? = nil
    ) {
        self.settings = settings
        self.sealed = sealed
        self.dropped = dropped
        self.expiresAt = expiresAt
    }
}

extension CatalogStore {
    /// Makes a destination; whether anything can be delivered there is for the caller to try.
    ///
    /// - Parameter id: of `newDestinationID`, which its secrets are sealed for.
    package func createDestination(
        by user: UInt32?, sandboxID: String, id: String = newID(), name: ResourceName, _ draft: DestinationDraft
    ) async throws(CatalogError) -> Destination {
        let now = time.now
        return try await write { [self] db in
            try db.requireFree(name, in: "destination", of: sandboxID, what: "destination")
            try db.requireRoom(in: "destination", of: sandboxID, limit: Limits.destinations, what: "destination")
            let type = draft.settings.type.rawValue
            try db.execute(
                sql: "INSERT INTO destination (id, sandbox_id, name, type, created_at) VALUES (?, ?, ?, ?, ?)",
                arguments: [id, sandboxID, name.value, type, now.milliseconds])
            try db.set(draft, of: id, now: now)
            try append(Deed(user: user, chain: sandboxID, action: .destinationCreate, object: name.value, detail: type), db)
            return try db.destination(name, of: sandboxID)
        }
    }

    /// A destination by its name.
    package func destination(sandboxID: String, name: ResourceName) async throws(CatalogError) -> Destination {
        try await read { db in try db.destination(name, of: sandboxID) }
    }

    /// All of a sandbox, by name.
    package func destinations(sandboxID: String) async throws(CatalogError) -> [Destination] {
        try await read { db in
            try Row.fetchAll(db, sql: selectDestination + " WHERE sandbox_id = ? ORDER BY name", arguments: [sandboxID])
                .map(Destination.init)
        }
    }

    /// Changes a destination; the runs to come deliver there, and those that wait to be tried again. Where it is elsewhere then: refused where
    /// that would leave behind what one delivered.
    package func editDestination(
        by user: UInt32?, sandboxID: String, name: ResourceName, _ draft: DestinationDraft
    ) async throws(CatalogError) -> Destination {
        let now = time.now
        return try await write { [self] db in
            let destination = try db.destination(name, of: sandboxID)
            if draft.settings.isElsewhere(than: destination.settings) {
                try db.requireNothingDelivered(by: db.dataflows(to: destination), in: sandboxID)
                try db.requireNoRun(to: destination)
            }
            try db.set(draft, of: destination.id, now: now)
            let changed =
                DestinationDraft.changed(from: destination.settings, to: draft.settings) + draft.sealed.keys + draft.dropped
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .destinationEdit, object: name.value,
                    detail: Set(changed).sorted().joined(separator: ", ")), db)
            return try db.destination(name, of: sandboxID)
        }
    }

    /// Removes a destination that no dataflow exports to; returns what it was.
    package func deleteDestination(by user: UInt32?, sandboxID: String, name: ResourceName) async throws(CatalogError)
        -> Destination
    {
        try await write { [self] db in
            let destination = try db.destination(name, of: sandboxID)
            let dataflows = try db.dataflows(to: destination)
            guard dataflows.isEmpty else {
                throw CatalogError(
                    .failedPrecondition, "dataflows export to destination \(name): \(dataflows.joined(separator: ", "))")
            }
            try db.requireNoRun(to: destination)
            try db.execute(sql: "DELETE FROM destination WHERE id = ?", arguments: [destination.id])
            try append(Deed(user: user, chain: sandboxID, action: .destinationDelete, object: name.value), db)
            return destination
        }
    }

    // MARK: Secrets

    /// An id for a destination that is to be made.
    package static func newDestinationID() -> String { newID() }

    /// A destination's secrets as they were sealed, by name.
    package func sealedSecrets(of destinationID: String) async throws(CatalogError) -> [String: [UInt8]] {
        try await read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT name, sealed FROM destination_secret WHERE destination_id = ?", arguments: [destinationID])
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["name"], [UInt8]($0["sealed"] as Data)) })
        }
    }

    /// Seals all secrets anew, and takes note of the master key that they are sealed under: both or neither.
    ///
    /// - Parameter seal: makes of a destination's id, a name and what was sealed what is sealed now; nil: it cannot be opened, and stays.
    /// - Returns: what stayed, by destination and name.
    package func changeMasterKey(
        _ id: [UInt8], seal: @escaping @Sendable (String, String, [UInt8]) -> [UInt8]?
    ) async throws(CatalogError) -> [String] {
        try await write { db in
            var left: [String] = []
            for row in try Row.fetchAll(db, sql: "SELECT destination_id, name, sealed FROM destination_secret") {
                let (destination, name): (String, String) = (row["destination_id"], row["name"])
                guard let sealed = seal(destination, name, [UInt8](row["sealed"] as Data)) else {
                    left.append("\(name) of destination \(destination)")
                    continue
                }
                try db.execute(
                    sql: "UPDATE destination_secret SET sealed = ? WHERE destination_id = ? AND name = ?",
                    arguments: [Data(sealed), destination, name])
            }
            try db.execute(sql: "UPDATE organization SET master_key_id = ?", arguments: [Data(id)])
            return left
        }
    }
}

extension DestinationDraft {
    fileprivate static func changed(from old: Destination.Settings, to new: Destination.Settings) -> [String] {
        Set(old.values.keys).union(new.values.keys).filter { old.values[$0] != new.values[$0] }
    }
}

private let selectDestination = """
    SELECT *, (SELECT json_group_object(name, set_at) FROM destination_secret WHERE destination_id = destination.id) AS secrets
    FROM destination
    """

extension Database {
    fileprivate func set(_ draft: DestinationDraft, of id: String, now: Instant) throws {
        try execute(
            sql: "UPDATE destination SET settings = ?, expires_at = ? WHERE id = ?",
            arguments: [try jsonText(draft.settings.values), draft.expiresAt?.milliseconds, id])
        for name in draft.dropped {
            try execute(sql: "DELETE FROM destination_secret WHERE destination_id = ? AND name = ?", arguments: [id, name])
        }
        for (name, sealed) in draft.sealed {
            try execute(
                sql: "INSERT OR REPLACE INTO destination_secret VALUES (?, ?, ?, ?)",
                arguments: [id, name, Data(sealed), now.milliseconds])
        }
    }

    fileprivate func destination(_ name: ResourceName, of sandboxID: String) throws -> Destination {
        let row = try Row.fetchOne(
            self, sql: selectDestination + " WHERE sandbox_id = ? AND name = ?", arguments: [sandboxID, name.value])
        guard let row else { throw CatalogError(.notFound, "there is no destination named \(name)", field: "name") }
        return try Destination(row)
    }

    /// Fails with `failedPrecondition` while a run that was sent there, and not to its dataflow's own destination, is under way.
    fileprivate func requireNoRun(to destination: Destination) throws {
        let run = try String.fetchOne(
            self, sql: "SELECT id FROM run WHERE destination_id = ? AND state = 'PROCESSING' AND trigger = 'WINDOW'",
            arguments: [destination.id])
        guard let run else { return }
        throw CatalogError(.failedPrecondition, "run \(run) to destination \(destination.name) is under way")
    }

    /// Names of the dataflows that export to it.
    fileprivate func dataflows(to destination: Destination) throws -> [String] {
        try String.fetchAll(
            self, sql: "SELECT name FROM dataflow WHERE destination_id = ? ORDER BY name", arguments: [destination.id])
    }
}

extension Destination {
    init(id: String, _ db: Database) throws {
        guard let row = try Row.fetchOne(db, sql: selectDestination + " WHERE id = ?", arguments: [id]) else {
            throw CatalogError(.notFound, "the destination is not there any more", field: "destination")
        }
        try self.init(row)
    }

    fileprivate init(_ row: Row) throws {
        let end: Int64? = row["expires_at"]
        let secrets: [String: Int64] = try jsonValue(row["secrets"])
        self.init(
            id: row["id"], name: row["name"],
            settings: Settings(type: try known(row["type"]), values: try jsonValue(row["settings"])),
            secrets: secrets.mapValues(Instant.init), expiresAt: end.map { Instant(milliseconds: $0) },
            createdAt: Instant(milliseconds: row["created_at"]))
    }
}
