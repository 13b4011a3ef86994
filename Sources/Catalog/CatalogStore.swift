import Foundation
import GRDB
package import Model
package import SystemPackage

/// The organization of a daemon.
package struct Organization: Hashable, Sendable {
    /// What people know it by.
    package let name: String
    /// Whether it is entitled to message export.
    package let messageExport: Bool
    /// Id of the master key the data was made under; nil before the first start ended.
    package let masterKeyID: [UInt8]?
}

/// A sandbox: everything else belongs to one.
package struct Sandbox: Hashable, Sendable {
    /// Given when it was made, and never again.
    package let id: String
    /// Unique; never changes.
    package let name: String
    /// Counts the lives of its dataset between resets, from 1.
    package let epoch: UInt32
    /// Name of the zone whose days count.
    package let timeZone: String
    /// How long records ingested from now on are kept.
    package let retention: Retention
}

/// All that is not content, in SQLite: organization, sandboxes, configurations, destinations, dataflows, runs.
///
/// Each method is one transaction. When a method that changes something returns, the change is durable.
package final class CatalogStore: Sendable {
    let database: DatabaseQueue
    let time: any TimeSource

    /// Opens the catalog, making it or bringing it to this version where needed. Blocks.
    ///
    /// - Throws: `newerVersion` when a newer program made it, `io` when it is no catalog or cannot be read or written.
    package init(path: FilePath, time: any TimeSource) throws(CatalogError) {
        self.time = time
        do {
            var configuration = GRDB.Configuration()
            configuration.journalMode = .wal
            database = try DatabaseQueue(path: path.string, configuration: configuration)
            // The queue has one connection, and GRDB sets it to NORMAL, under which a power cut may take the last transactions.
            try database.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            let migrator = catalogMigrations(now: time.now.milliseconds, newID: CatalogStore.newID)
            guard try database.read({ try !migrator.hasBeenSuperseded($0) }) else {
                throw CatalogError(.newerVersion, "\(path) was made by a newer version of this program")
            }
            try migrator.migrate(database)
            try database.read { db in
                let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
                let synchronous = try Int.fetchOne(db, sql: "PRAGMA synchronous")
                guard mode == "wal", synchronous == 2 else {
                    throw CatalogError(.io, "\(path) does not keep to journal_mode=WAL and synchronous=FULL")
                }
            }
        } catch {
            throw CatalogError(error)
        }
    }

    /// Lets go of the file. No call may follow.
    package func close() throws(CatalogError) {
        do { try database.close() } catch { throw CatalogError(error) }
    }

    static func newID() -> String { UUID().uuidString.lowercased() }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(CatalogError) -> Value {
        do { return try await database.read(body) } catch { throw CatalogError(error) }
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(CatalogError) -> Value {
        do { return try await database.write(body) } catch { throw CatalogError(error) }
    }

    // MARK: Organization and sandboxes

    /// The one organization.
    package func organization() async throws(CatalogError) -> Organization {
        try await read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT name, message_export, master_key_id FROM organization") else {
                throw CatalogError(.io, "the catalog holds no organization")
            }
            let keyID: Data? = row["master_key_id"]
            return Organization(name: row["name"], messageExport: row["message_export"], masterKeyID: keyID.map { Array($0) })
        }
    }

    /// Remembers the key that the data is made under, so that a wrong one is noticed at the next start.
    package func setMasterKeyID(_ id: [UInt8]) async throws(CatalogError) {
        try await write { db in try db.execute(sql: "UPDATE organization SET master_key_id = ?", arguments: [Data(id)]) }
    }

    /// The active sandboxes, by name.
    package func sandboxes() async throws(CatalogError) -> [Sandbox] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM sandbox WHERE state = 'active' ORDER BY name")
                .map {
                    Sandbox(
                        id: $0["id"], name: $0["name"], epoch: $0["epoch"], timeZone: $0["time_zone"],
                        retention: Retention(days: $0["retention_days"]))
                }
        }
    }
}

extension Database {
    /// Fails with `limit` when the sandbox's `table` has `limit` rows.
    func requireRoom(in table: String, of sandboxID: String, limit: Int, what: String) throws {
        let count = try Int.fetchOne(self, sql: "SELECT count(*) FROM \(table) WHERE sandbox_id = ?", arguments: [sandboxID]) ?? 0
        guard count < limit else { throw CatalogError(.limit, "the sandbox has \(count) \(what)s, and more are not allowed") }
    }

    /// Fails with `alreadyExists` when the sandbox's `table` has a row of that name.
    func requireFree(_ name: ResourceName, in table: String, of sandboxID: String, what: String) throws {
        let taken = try Bool.fetchOne(
            self, sql: "SELECT EXISTS (SELECT 1 FROM \(table) WHERE sandbox_id = ? AND name = ?)",
            arguments: [sandboxID, name.value])
        guard taken != true else { throw CatalogError(.alreadyExists, "there is already a \(what) named \(name)", field: "name") }
    }
}
