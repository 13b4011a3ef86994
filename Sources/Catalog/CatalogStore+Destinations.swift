import GRDB
package import Model

extension CatalogStore {
    /// Makes a destination; whether anything can be delivered there is for the caller to try.
    package func createDestination(
        by user: UInt32?, sandboxID: String, name: ResourceName, settings: Destination.Settings
    ) async throws(CatalogError) -> Destination {
        let destination = Destination(id: CatalogStore.newID(), name: name.value, settings: settings, createdAt: time.now)
        guard case .local(let path) = settings else { preconditionFailure("there is one type") }
        return try await write { [self] db in
            try db.requireFree(name, in: "destination", of: sandboxID, what: "destination")
            try db.requireRoom(in: "destination", of: sandboxID, limit: Limits.destinations, what: "destination")
            try db.execute(
                sql: "INSERT INTO destination VALUES (?, ?, ?, 'local', ?, ?)",
                arguments: [destination.id, sandboxID, destination.name, path, destination.createdAt.milliseconds])
            try append(Deed(user: user, chain: sandboxID, action: .destinationCreate, object: name.value, detail: "local"), db)
            return destination
        }
    }

    /// A destination by its name.
    package func destination(sandboxID: String, name: ResourceName) async throws(CatalogError) -> Destination {
        try await read { db in try db.destination(name, of: sandboxID) }
    }

    /// All of a sandbox, by name.
    package func destinations(sandboxID: String) async throws(CatalogError) -> [Destination] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM destination WHERE sandbox_id = ? ORDER BY name", arguments: [sandboxID])
                .map(Destination.init)
        }
    }

    /// Changes where a destination is; the runs to come deliver there, and those that wait to be tried again. Refused where that would leave
    /// behind what one delivered.
    package func editDestination(
        by user: UInt32?, sandboxID: String, name: ResourceName, settings: Destination.Settings
    ) async throws(CatalogError) -> Destination {
        guard case .local(let path) = settings else { preconditionFailure("there is one type") }
        return try await write { [self] db in
            let destination = try db.destination(name, of: sandboxID)
            try db.requireNothingDelivered(by: db.dataflows(to: destination), in: sandboxID)
            try db.requireNoRun(to: destination)
            try db.execute(sql: "UPDATE destination SET path = ? WHERE id = ?", arguments: [path, destination.id])
            try append(Deed(user: user, chain: sandboxID, action: .destinationEdit, object: name.value), db)
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
}

extension Database {
    fileprivate func destination(_ name: ResourceName, of sandboxID: String) throws -> Destination {
        let row = try Row.fetchOne(
            self, sql: "SELECT * FROM destination WHERE sandbox_id = ? AND name = ?", arguments: [sandboxID, name.value])
        guard let row else { throw CatalogError(.notFound, "there is no destination named \(name)", field: "name") }
        return Destination(row)
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
        guard let row = try Row.fetchOne(db, sql: "SELECT * FROM destination WHERE id = ?", arguments: [id]) else {
            throw CatalogError(.notFound, "the destination is not there any more", field: "destination")
        }
        self.init(row)
    }

    fileprivate init(_ row: Row) {
        self.init(
            id: row["id"], name: row["name"], settings: .local(path: row["path"]),
            createdAt: Instant(milliseconds: row["created_at"]))
    }
}
