import Foundation
import GRDB
package import Model
package import SystemPackage

extension CatalogStore {
    /// Copies a catalog, of this moment, while a daemon may be at work with it; it waits for nobody. Blocks.
    ///
    /// - Parameter target: a file that is not there. When it returns, it is whole, in one file, and checked.
    /// - Returns: whether the organization was ever set up: what its name is.
    /// - Throws: `newerVersion` when a newer program made it, `io` when it cannot be read, copied, or is not whole.
    package static func copy(_ path: FilePath, to target: FilePath) throws(CatalogError) -> String {
        do {
            var configuration = GRDB.Configuration()
            configuration.readonly = true
            let source = try DatabaseQueue(path: path.string, configuration: configuration)
            let migrator = catalogMigrations(now: 0, newID: newID)
            guard try source.read({ try !migrator.hasBeenSuperseded($0) }) else {
                throw CatalogError(.newerVersion, "\(path) was made by a newer version of this program")
            }
            let copy = try DatabaseQueue(path: target.string)
            try source.backup(to: copy)
            let (problems, name) = try copy.writeWithoutTransaction { db in
                _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE")
                let problems = try String.fetchAll(db, sql: "PRAGMA integrity_check(1)").filter { $0 != "ok" }
                return (problems, try String.fetchOne(db, sql: "SELECT name FROM organization"))
            }
            try copy.close()
            try source.close()
            guard problems.isEmpty, let name else {
                throw CatalogError(.io, "\(path) is damaged: \(problems.first ?? "it is empty")")
            }
            return name
        } catch {
            throw CatalogError(error)
        }
    }

    /// Takes note that this catalog is a backup's, and that no record there was is there any more: sequences go on far above, runs under way
    /// have failed, and both chains of each sandbox tell of it.
    ///
    /// - Parameter madeAt: when the backup was made.
    package func noteRestore(of madeAt: Instant) async throws(CatalogError) {
        let now = time.now
        let sandboxes = try await sandboxes()
        var floors: [String: UInt64] = [:]
        for sandbox in sandboxes {
            floors[sandbox.id] = try await highestSequence(sandboxID: sandbox.id) + Limits.restoredSequences
        }
        let restored = floors
        try await write { [self] db in
            for sandbox in sandboxes {
                let floor = Int64(restored[sandbox.id] ?? 0)
                try db.execute(
                    sql: "UPDATE sandbox SET highest_sequence = ?, restored_through = ?, revision = revision + 1 WHERE id = ?",
                    arguments: [floor, floor, sandbox.id])
                try append(
                    Deed(
                        user: nil, chain: sandbox.id, action: .dataRestore, object: sandbox.name,
                        detail: "from a backup of \(madeAt)"), db)
            }
            try db.execute(
                sql: """
                    UPDATE run SET state = 'FAILED', ended_at = ?, next_attempt_at = NULL,
                        error = 'the daemon was restored from a backup, and what it was exporting is not there'
                    WHERE state = 'PROCESSING'
                    """, arguments: [now.milliseconds])
            try append(Deed(user: nil, action: .dataRestore, detail: "from a backup of \(madeAt)"), db)
        }
    }

    /// All sequences through this one are of before a restore; 0: there was none. Blocks.
    package func restoredThrough(sandboxID: String) throws(CatalogError) -> UInt64 {
        do {
            return try database.read { db in
                try UInt64.fetchOne(db, sql: "SELECT restored_through FROM sandbox WHERE id = ?", arguments: [sandboxID]) ?? 0
            }
        } catch {
            throw CatalogError(error)
        }
    }
}
