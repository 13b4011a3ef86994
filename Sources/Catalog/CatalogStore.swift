package import Audit
import Foundation
import GRDB
package import Model
package import SystemPackage

/// All that is not content, in SQLite: organization, sandboxes, grants, configurations, destinations, dataflows, runs, audit.
///
/// Each method is one transaction. When a method that changes something returns, the change is durable, and so is the audit event that
/// tells of it.
package final class CatalogStore: Sendable {
    let database: DatabaseQueue
    let time: any TimeSource
    let signingKey: SigningKey

    /// Opens the catalog, making it or bringing it to this version where needed. Blocks.
    ///
    /// - Parameter signingKey: signs the heads of the audit's chains.
    /// - Throws: `newerVersion` when a newer program made it, `io` when it is no catalog or cannot be read or written.
    package init(path: FilePath, time: any TimeSource, signingKey: SigningKey) throws(CatalogError) {
        self.time = time
        self.signingKey = signingKey
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

    /// The same for whoever is on a thread of its own. Blocks.
    func writeNow<Value>(_ body: (Database) throws -> Value) throws(CatalogError) -> Value {
        do { return try database.write(body) } catch { throw CatalogError(error) }
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

extension CatalogStore {
    /// What SQLite finds wrong in the catalog; empty: nothing. Reads all of it.
    package func problems() async throws(CatalogError) -> [String] {
        try await read { db in
            let found = try String.fetchAll(db, sql: "PRAGMA integrity_check(100)").filter { $0 != "ok" }
            let dangling = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").count
            return found.map { "catalog: \($0)" }
                + (dangling > 0 ? ["catalog: \(dangling) rows refer to what is not there"] : [])
        }
    }
}
