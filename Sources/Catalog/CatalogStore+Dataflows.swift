import GRDB
package import Model

/// A run that was begun, with what it needs to be done.
package struct RunOrder: Hashable, Sendable {
    /// Its window and folder are fixed.
    package let run: Run
    /// As it was when the run began.
    package let dataflow: Dataflow
    /// As it was when the run began.
    package let destination: Destination
}

extension CatalogStore {
    // MARK: Dataflows

    /// Makes a dataflow to a destination, by that one's name.
    package func createDataflow(
        by user: UInt32?, sandboxID: String, name: ResourceName, destination: String, format: Format, compression: Compression,
        includeRaw: Bool
    ) async throws(CatalogError) -> Dataflow {
        let dataflow = Dataflow(
            id: CatalogStore.newID(), name: name.value, destination: destination, format: format, compression: compression,
            includeRaw: includeRaw, cursor: 0, createdAt: time.now)
        return try await write { [self] db in
            try db.requireFree(name, in: "dataflow", of: sandboxID, what: "dataflow")
            try db.requireRoom(in: "dataflow", of: sandboxID, limit: Limits.dataflows, what: "dataflow")
            let destinationID = try String.fetchOne(
                db, sql: "SELECT id FROM destination WHERE sandbox_id = ? AND name = ?", arguments: [sandboxID, destination])
            guard let destinationID else {
                throw CatalogError(.notFound, "there is no destination named \(destination)", field: "destination")
            }
            try db.execute(
                sql: "INSERT INTO dataflow VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?)",
                arguments: [
                    dataflow.id, sandboxID, destinationID, dataflow.name, format.rawValue, compression.rawValue,
                    dataflow.createdAt.milliseconds, includeRaw,
                ])
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .dataflowCreate, object: name.value, detail: "to \(destination)"), db)
            return dataflow
        }
    }

    /// A dataflow by its name.
    package func dataflow(sandboxID: String, name: ResourceName) async throws(CatalogError) -> Dataflow {
        try await read { db in try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name")) }
    }

    /// All of a sandbox, by name.
    package func dataflows(sandboxID: String) async throws(CatalogError) -> [Dataflow] {
        try await read { db in
            try Row.fetchAll(
                db, sql: selectDataflow + " WHERE dataflow.sandbox_id = ? ORDER BY dataflow.name", arguments: [sandboxID]
            ).map(Dataflow.init)
        }
    }

    /// Removes a dataflow and forgets its runs; returns what it was.
    package func deleteDataflow(by user: UInt32?, sandboxID: String, name: ResourceName) async throws(CatalogError)
        -> Dataflow
    {
        try await write { [self] db in
            let dataflow = try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name"))
            try db.requireNoRun(of: [dataflow.name], in: sandboxID)
            try db.execute(sql: "DELETE FROM dataflow WHERE id = ?", arguments: [dataflow.id])
            try append(Deed(user: user, chain: sandboxID, action: .dataflowDelete, object: name.value), db)
            return dataflow
        }
    }

    /// How many destinations and dataflows a sandbox has.
    package func counts(sandboxID: String) async throws(CatalogError) -> (destinations: UInt32, dataflows: UInt32) {
        try await read { db in
            func count(_ table: String) throws -> UInt32 {
                try UInt32.fetchOne(db, sql: "SELECT count(*) FROM \(table) WHERE sandbox_id = ?", arguments: [sandboxID]) ?? 0
            }
            return (try count("destination"), try count("dataflow"))
        }
    }

    // MARK: Runs

    /// Fixes a run's window, from the dataflow's cursor up to `through`, and its `folder`. One run of a dataflow at a time.
    package func beginRun(
        by user: UInt32?, sandboxID: String, dataflow name: String, through: UInt64, folder: String
    ) async throws(CatalogError) -> RunOrder {
        let now = time.now
        return try await write { [self] db in
            let row = try db.dataflow(name, of: sandboxID, field: "dataflow")
            let dataflow = try Dataflow(row)
            try db.requireNoRun(of: [name], in: sandboxID)
            let run = Run(
                id: CatalogStore.newID(), dataflow: name, state: .processing, after: dataflow.cursor,
                through: max(through, dataflow.cursor), startedAt: now, folder: folder)
            try db.execute(
                sql: "INSERT INTO run VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?, NULL, ?, NULL, NULL)",
                arguments: [
                    run.id, dataflow.id, run.state.rawValue, Int64(run.after), Int64(run.through), now.milliseconds, run.folder,
                ])
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .runStart, object: run.id, outcome: .intended,
                    detail: "dataflow \(name), sequences after \(run.after) through \(run.through)"), db)
            return try RunOrder(run: run, row)
        }
    }

    /// Ends a run. Success moves the dataflow's cursor in the same transaction.
    package func endRun(_ run: Run) async throws(CatalogError) {
        precondition(run.state.isFinal, "a run ends in a final state")
        let now = time.now
        try await write { [self] db in
            try db.execute(
                sql: """
                    UPDATE run SET state = ?, records_received = ?, records_exported = ?, records_skipped = ?, files = ?, bytes = ?,
                        ended_at = ?, manifest = ?, error = ? WHERE id = ? AND state = 'PROCESSING'
                    """,
                arguments: [
                    run.state.rawValue, Int64(run.totals.received), Int64(run.totals.exported), Int64(run.totals.skipped),
                    run.totals.files, Int64(run.totals.bytes), (run.endedAt ?? now).milliseconds, run.manifest, run.error, run.id,
                ])
            guard db.changesCount == 1 else { throw CatalogError(.failedPrecondition, "run \(run.id) is not under way") }
            let chain = try String.fetchOne(
                db, sql: "SELECT sandbox_id FROM dataflow JOIN run ON run.dataflow_id = dataflow.id WHERE run.id = ?",
                arguments: [run.id])
            try append(
                Deed(
                    user: nil, chain: chain ?? "", action: .runEnd, object: run.id,
                    outcome: run.state == .success ? .done : .failed,
                    detail: "\(run.totals.exported) records in \(run.totals.files) files"), db)
            guard run.state == .success else { return }
            try db.execute(
                sql: "UPDATE dataflow SET cursor = ? WHERE id = (SELECT dataflow_id FROM run WHERE id = ?)",
                arguments: [Int64(run.through), run.id])
        }
    }

    /// A run by its id.
    package func run(sandboxID: String, id: String) async throws(CatalogError) -> Run {
        try await read { db in
            let row = try Row.fetchOne(
                db, sql: selectRun + " WHERE dataflow.sandbox_id = ? AND run.id = ?", arguments: [sandboxID, id])
            guard let row else { throw CatalogError(.notFound, "there is no run \(id)", field: "run_id") }
            return try Run(row)
        }
    }

    /// The newest runs of a sandbox, or of one dataflow of it, the newest first.
    package func runs(sandboxID: String, dataflow: String?, limit: Int) async throws(CatalogError) -> [Run] {
        try await read { db in
            // A misspelt name is not a dataflow without runs.
            if let dataflow { _ = try db.dataflow(dataflow, of: sandboxID, field: "dataflow") }
            return try Row.fetchAll(
                db,
                sql: selectRun + """
                     WHERE dataflow.sandbox_id = ? AND (? IS NULL OR dataflow.name = ?)
                    ORDER BY run.started_at DESC, run.rowid DESC LIMIT ?
                    """, arguments: [sandboxID, dataflow, dataflow, limit]
            ).map(Run.init)
        }
    }

    /// The runs of a sandbox that are under way; at the start, those that an earlier daemon left.
    package func runsUnderWay(sandboxID: String) async throws(CatalogError) -> [RunOrder] {
        try await read { db in
            try Row.fetchAll(
                db, sql: selectRun + " WHERE dataflow.sandbox_id = ? AND run.state = 'PROCESSING'", arguments: [sandboxID]
            ).map { runRow in
                let run = try Run(runRow)
                let row = try Row.fetchOne(
                    db, sql: selectDataflow + " WHERE dataflow.id = ?", arguments: [runRow["dataflow_id"] as String])
                guard let row else { throw CatalogError(.io, "run \(run.id) belongs to no dataflow") }
                return try RunOrder(run: run, row)
            }
        }
    }

    /// The highest sequence that any cursor or run of the sandbox names, or that was noted for it.
    package func highestSequence(sandboxID: String) async throws(CatalogError) -> UInt64 {
        try await read { db in
            try UInt64.fetchOne(
                db,
                sql: """
                    SELECT max(
                        (SELECT highest_sequence FROM sandbox WHERE id = ?),
                        (SELECT coalesce(max(max(coalesce(run.through_sequence, 0), dataflow.cursor)), 0) FROM dataflow
                            LEFT JOIN run ON run.dataflow_id = dataflow.id WHERE dataflow.sandbox_id = ?))
                    """, arguments: [sandboxID, sandboxID]) ?? 0
        }
    }
}

private let selectRun = "SELECT run.*, dataflow.name AS dataflow FROM run JOIN dataflow ON dataflow.id = run.dataflow_id"

private let selectRunID = "SELECT run.id FROM run JOIN dataflow ON dataflow.id = run.dataflow_id"

private let selectDataflow = """
    SELECT dataflow.*, destination.name AS destination, destination.path AS destination_path,
        destination.created_at AS destination_created_at
    FROM dataflow JOIN destination ON destination.id = dataflow.destination_id
    """

extension Database {
    fileprivate func dataflow(_ name: String, of sandboxID: String, field: String) throws -> Row {
        let row = try Row.fetchOne(
            self, sql: selectDataflow + " WHERE dataflow.sandbox_id = ? AND dataflow.name = ?", arguments: [sandboxID, name])
        guard let row else { throw CatalogError(.notFound, "there is no dataflow named \(name)", field: field) }
        return row
    }

    /// Fails with `failedPrecondition` while a run of one of these dataflows is under way.
    func requireNoRun(of dataflows: [String], in sandboxID: String) throws {
        for name in dataflows {
            let underWay = try String.fetchOne(
                self, sql: "\(selectRunID) WHERE dataflow.sandbox_id = ? AND dataflow.name = ? AND state = 'PROCESSING'",
                arguments: [sandboxID, name])
            if let underWay {
                throw CatalogError(.failedPrecondition, "run \(underWay) of dataflow \(name) is under way")
            }
        }
    }
}

extension RunOrder {
    /// - Parameter row: of `selectDataflow`.
    fileprivate init(run: Run, _ row: Row) throws {
        let dataflow = try Dataflow(row)
        let destination = Destination(
            id: row["destination_id"], name: dataflow.destination, settings: .local(path: row["destination_path"]),
            createdAt: Instant(milliseconds: row["destination_created_at"]))
        self.init(run: run, dataflow: dataflow, destination: destination)
    }
}

extension Dataflow {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: row["id"], name: row["name"], destination: row["destination"], format: try known(row["format"]),
            compression: try known(row["compression"]), includeRaw: row["include_raw"], cursor: row["cursor"],
            createdAt: Instant(milliseconds: row["created_at"]))
    }
}

extension Run {
    fileprivate init(_ row: Row) throws {
        let endedAt: Int64? = row["ended_at"]
        self.init(
            id: row["id"], dataflow: row["dataflow"], state: try known(row["state"]), after: row["after_sequence"],
            through: row["through_sequence"],
            totals: Totals(
                received: row["records_received"], exported: row["records_exported"], skipped: row["records_skipped"],
                files: row["files"], bytes: row["bytes"]),
            startedAt: Instant(milliseconds: row["started_at"]), endedAt: endedAt.map { Instant(milliseconds: $0) },
            folder: row["folder"], manifest: row["manifest"], error: row["error"])
    }
}
