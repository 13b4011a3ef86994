import Foundation
import GRDB
package import Model

extension CatalogStore {
    /// Fixes a run: its window, from the dataflow's cursor to the end of what is there unless it is another one, and its folder. One run of a
    /// dataflow at a time.
    ///
    /// - Parameters:
    ///   - extent: what is there. Fails with `aborted` when the dataset has begun anew since.
    ///   - window: sequences of a run that moves no cursor; nil: what waits.
    ///   - destination: another one than the dataflow's; then no cursor is moved either.
    ///   - dueAt: of a run that the schedule begins. Fails with `failedPrecondition` when it is not due then.
    package func beginRun(
        by user: UInt32?, sandboxID: String, dataflow name: String, of extent: DatasetExtent, window: RunWindow? = nil,
        destination: String? = nil, dueAt: Instant? = nil
    ) async throws(CatalogError) -> RunOrder {
        let now = time.now
        return try await write { [self] db in
            let row = try db.dataflow(name, of: sandboxID, field: "dataflow")
            let dataflow = try Dataflow(row)
            try db.requireNoRun(of: [name], in: sandboxID)
            let sandbox = try db.sandbox(sandboxID)
            guard sandbox.epoch == extent.epoch else { throw CatalogError(.aborted, "the sandbox was reset meanwhile") }
            guard dueAt == nil || dataflow.isEnabled && dataflow.nextRunAt == dueAt else {
                throw CatalogError(.failedPrecondition, "dataflow \(name) is not due any more")
            }
            let destinationID: String = try destination.map { try db.destinationID($0, of: sandboxID) } ?? row["destination_id"]
            let target = try Destination(id: destinationID, db)
            let trigger: Run.Trigger = window != nil || destination != nil ? .window : dueAt != nil ? .scheduled : .onDemand
            // A full export takes all that is there, whatever was exported before.
            let start = dataflow.mode == .full ? extent.after : dataflow.cursor
            let run = Run(
                id: CatalogStore.newID(), dataflow: name, destination: target.name, trigger: trigger,
                after: window?.after ?? start, through: window?.through ?? max(extent.through, start), since: window?.since,
                until: window?.until, startedAt: now, folder: try db.folder(dataflow, target, at: now))
            try db.execute(
                sql: """
                    INSERT INTO run (id, dataflow_id, state, after_sequence, through_sequence, records_received, records_exported,
                        records_skipped, files, bytes, started_at, folder, trigger, destination_id, since, until, attempts)
                    VALUES (?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, 0)
                    """,
                arguments: [
                    run.id, dataflow.id, run.state.rawValue, Int64(run.after), Int64(run.through), now.milliseconds, run.folder,
                    trigger.rawValue, target.id, run.since?.milliseconds, run.until?.milliseconds,
                ])
            // What was due and passed meanwhile is in this run too.
            if trigger == .scheduled, dataflow.settings.schedule.recurrence == .once {
                try db.execute(sql: "UPDATE dataflow SET next_run_at = NULL WHERE id = ?", arguments: [dataflow.id])
            } else if trigger == .scheduled {
                try db.schedule(dataflow.id, in: sandboxID, from: Instant(milliseconds: now.milliseconds + 1))
            }
            try db.dropOldRuns(of: dataflow.id)
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .runStart, object: run.id, outcome: .intended,
                    detail: "dataflow \(name), sequences after \(run.after) through \(run.through), to \(target.name)"), db)
            return try db.order(run.id)
        }
    }

    /// Begins the next attempt of a run that waits for it, or that a stop of the daemon cut off.
    ///
    /// - Returns: nil when it is not under way any more.
    package func beginAttempt(of runID: String) async throws(CatalogError) -> RunOrder? {
        try await write { db in
            try db.execute(
                sql: """
                    UPDATE run SET attempts = attempts + 1, next_attempt_at = NULL WHERE id = ? AND state = 'PROCESSING'
                    """, arguments: [runID])
            return db.changesCount == 1 ? try db.order(runID) : nil
        }
    }

    /// A run as it is, with what it needs; nil: there is none. Nothing is begun.
    package func runOrder(_ runID: String) async throws(CatalogError) -> RunOrder? {
        try await read { db in
            let isThere = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM run WHERE id = ?)", arguments: [runID])
            return isThere == true ? try db.order(runID) : nil
        }
    }

    /// Dataflows of a sandbox that are due.
    package func dueDataflows(sandboxID: String, at now: Instant) async throws(CatalogError) -> [Dataflow] {
        try await read { db in
            try Row.fetchAll(
                db,
                sql: selectDataflow + """
                     WHERE dataflow.sandbox_id = ? AND enabled AND next_run_at <= ?
                        AND NOT EXISTS (SELECT 1 FROM run WHERE dataflow_id = dataflow.id AND state = 'PROCESSING')
                    ORDER BY next_run_at
                    """, arguments: [sandboxID, now.milliseconds]
            ).map(Dataflow.init)
        }
    }

    /// Lets a time pass at which a dataflow was due and there was nothing to export.
    package func skipRun(of dataflowID: String, sandboxID: String) async throws(CatalogError) {
        let now = time.now
        try await write { db in
            try db.schedule(dataflowID, in: sandboxID, from: Instant(milliseconds: now.milliseconds + 1))
        }
    }

    /// Lets a run wait to be tried again.
    ///
    /// - Returns: records that expired while the attempt was at them, and that it did not deliver.
    package func postpone(_ runID: String, until instant: Instant, error: String) async throws(CatalogError) -> UInt64 {
        try await write { [self] db in
            try db.execute(
                sql: "UPDATE run SET next_attempt_at = ?, error = ? WHERE id = ? AND state = 'PROCESSING'",
                arguments: [instant.milliseconds, error, runID])
            guard let chain = try db.sandboxID(ofRun: runID) else { return 0 }
            try append(
                Deed(
                    user: nil, chain: chain, action: .runAttempt, object: runID, outcome: .failed,
                    detail: "tried again at \(instant)"), db)
            return try settleExpiry(ofWaiting: runID, chain, db)
        }
    }

    /// Ends a run. Success moves the dataflow's cursor and its chain of manifests in the same transaction.
    ///
    /// - Parameters:
    ///   - user: who ended it; nil: it ended by itself.
    ///   - manifest: of a successful one: SHA-256 of what was delivered as the manifest.
    ///   - absent: sequences of its window that are in none of its files, in their order; all, where it did not succeed.
    ///   - isWithdrawn: of one that did not: whether nothing of it is at the destination any more.
    /// - Returns: records that expired while it was under way, and that it did not export.
    @discardableResult
    package func endRun(
        _ run: Run, by user: UInt32? = nil, manifest: [UInt8]? = nil, absent: [ClosedRange<UInt64>] = [],
        isWithdrawn: Bool = false
    ) async throws(CatalogError) -> UInt64 {
        precondition(run.state.isFinal, "a run ends in a final state")
        let now = time.now
        return try await write { [self] db in
            try db.execute(
                sql: """
                    UPDATE run SET state = ?, records_received = ?, records_exported = ?, records_skipped = ?, files = ?, bytes = ?,
                        ended_at = ?, manifest = ?, error = ?, next_attempt_at = NULL, document = NULL
                    WHERE id = ? AND state = 'PROCESSING'
                    """,
                arguments: [
                    run.state.rawValue, Int64(run.totals.received), Int64(run.totals.exported), Int64(run.totals.skipped),
                    run.totals.files, Int64(run.totals.bytes), (run.endedAt ?? now).milliseconds, run.manifest, run.error, run.id,
                ])
            guard db.changesCount == 1 else { throw CatalogError(.failedPrecondition, "run \(run.id) is not under way") }
            let chain = try db.sandboxID(ofRun: run.id) ?? ""
            try append(
                Deed(
                    user: user, chain: chain,
                    action: run.state == .cancelled ? .runCancel : .runEnd,
                    object: run.id, outcome: run.state == .failed ? .failed : .done,
                    detail: "\(run.totals.exported) records in \(run.totals.files) files"), db)
            let window = run.after < run.through ? [run.after + 1...run.through] : []
            if isWithdrawn { try db.execute(sql: "DELETE FROM run_part WHERE run_id = ?", arguments: [run.id]) }
            let lost = try settleExpiry(of: run, absent: run.state == .success ? absent : window, chain, db)
            guard run.state == .success, run.trigger != .window else { return lost }
            try db.execute(
                sql: """
                    UPDATE dataflow SET cursor = ?, manifest_run = ?, manifest_sha256 = ?
                    WHERE id = (SELECT dataflow_id FROM run WHERE id = ?)
                    """, arguments: [Int64(run.through), run.id, manifest.map { Data($0) }, run.id])
            return lost
        }
    }

    /// Takes up a run again that failed or was cancelled, with its window and names; one that waits is tried at once.
    package func retryRun(by user: UInt32?, sandboxID: String, id: String) async throws(CatalogError) -> Run {
        let now = time.now
        return try await write { [self] db in
            let run = try db.run(id, of: sandboxID)
            let dataflow = try Dataflow(db.dataflow(run.dataflow, of: sandboxID, field: "dataflow"))
            switch run.state {
            case .success: throw CatalogError(.failedPrecondition, "run \(id) has succeeded")
            case .processing where run.nextAttemptAt == nil: throw CatalogError(.failedPrecondition, "run \(id) is being done")
            case .processing: break
            case .failed, .cancelled:
                try db.requireNoRun(of: [run.dataflow], in: sandboxID)
                guard run.trigger == .window || dataflow.mode == .full || run.after == dataflow.cursor else {
                    throw CatalogError(
                        .failedPrecondition,
                        "what run \(id) was to export has been exported since, up to sequence \(dataflow.cursor)")
                }
                try db.redirectRun(id)
                // Its destination may be gone.
                _ = try db.order(id)
            }
            try db.execute(
                sql: "UPDATE run SET state = 'PROCESSING', ended_at = NULL, next_attempt_at = ? WHERE id = ?",
                arguments: [now.milliseconds, id])
            try append(Deed(user: user, chain: sandboxID, action: .runRetry, object: id), db)
            return try db.run(id, of: sandboxID)
        }
    }

    /// A run by its id.
    package func run(sandboxID: String, id: String) async throws(CatalogError) -> Run {
        try await read { db in try db.run(id, of: sandboxID) }
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

    /// The runs of a sandbox that are under way.
    package func runsUnderWay(sandboxID: String) async throws(CatalogError) -> [Run] {
        try await read { db in
            try Row.fetchAll(
                db, sql: selectRun + " WHERE dataflow.sandbox_id = ? AND run.state = 'PROCESSING'", arguments: [sandboxID]
            ).map(Run.init)
        }
    }

    // MARK: Ledgers. These block.

    /// Notes that a run is about to take a name at its destination.
    package func beginPart(_ number: Int, named name: String, of runID: String) throws(CatalogError) {
        try writeNow { db in
            try db.execute(
                sql: "INSERT OR REPLACE INTO run_part VALUES (?, ?, ?, 0, NULL)", arguments: [runID, number, name])
        }
    }

    /// Notes that a file is at its destination, whole, and what is to be known of it.
    package func endPart(_ number: Int, lastSequence: UInt64, document: [UInt8], of runID: String) throws(CatalogError) {
        try writeNow { db in
            try db.execute(
                sql: "UPDATE run_part SET last_sequence = ?, document = ? WHERE run_id = ? AND number = ?",
                arguments: [Int64(lastSequence), Data(document), runID, number])
        }
    }

    /// Notes the manifest that is about to be delivered, and that its name is the run's: whatever becomes of this attempt, it is the one.
    package func noteManifest(_ document: [UInt8], named name: String, of runID: String) throws(CatalogError) {
        try writeNow { db in
            try db.execute(
                sql: "UPDATE run SET document = ?, manifest = ? WHERE id = ?", arguments: [Data(document), name, runID])
        }
    }

    /// Notes how many records a run's window had.
    package func note(expected: UInt64, of runID: String) throws(CatalogError) {
        try writeNow { db in
            try db.execute(sql: "UPDATE run SET expected = ? WHERE id = ?", arguments: [Int64(expected), runID])
        }
    }
}

private let selectRun = """
    SELECT run.*, dataflow.name AS dataflow, destination.name AS destination FROM run
    JOIN dataflow ON dataflow.id = run.dataflow_id LEFT JOIN destination ON destination.id = run.destination_id
    """

/// Whether something of a run may be at its destination.
private let hasBegunFiles = "manifest IS NOT NULL OR EXISTS (SELECT 1 FROM run_part WHERE run_id = run.id)"

extension Database {
    fileprivate func run(_ id: String, of sandboxID: String) throws -> Run {
        let row = try Row.fetchOne(
            self, sql: selectRun + " WHERE dataflow.sandbox_id = ? AND run.id = ?", arguments: [sandboxID, id])
        guard let row else { throw CatalogError(.notFound, "there is no run \(id)", field: "run_id") }
        return try Run(row)
    }

    fileprivate func sandboxID(ofRun id: String) throws -> String? {
        try String.fetchOne(
            self, sql: "SELECT sandbox_id FROM dataflow JOIN run ON run.dataflow_id = dataflow.id WHERE run.id = ?",
            arguments: [id])
    }

    fileprivate func order(_ runID: String) throws -> RunOrder {
        guard let runRow = try Row.fetchOne(self, sql: selectRun + " WHERE run.id = ?", arguments: [runID]),
            let row = try Row.fetchOne(
                self, sql: selectDataflow + " WHERE dataflow.id = ?", arguments: [runRow["dataflow_id"] as String])
        else { throw CatalogError(.io, "run \(runID) belongs to no dataflow") }
        let run = try Run(runRow)
        let parts = try Row.fetchAll(self, sql: "SELECT * FROM run_part WHERE run_id = ? ORDER BY number", arguments: [runID])
        let (document, previousRun, previous): (Data?, String?, Data?) = (
            runRow["document"], row["manifest_run"], row["manifest_sha256"]
        )
        return RunOrder(
            run: run, dataflow: try Dataflow(row),
            destination: try Destination(id: runRow["destination_id"], self),
            parts: parts.map(RunOrder.Part.init), document: document.map(Array.init),
            previous: previousRun.flatMap { run in previous.map { (run, Array($0)) } })
    }

    /// Fails with `failedPrecondition` while a run of one of these dataflows is under way.
    func requireNoRun(of dataflows: [String], in sandboxID: String) throws {
        for name in dataflows {
            let underWay = try Row.fetchOne(
                self,
                sql: """
                    SELECT run.id, next_attempt_at FROM run JOIN dataflow ON dataflow.id = run.dataflow_id
                    WHERE dataflow.sandbox_id = ? AND dataflow.name = ? AND state = 'PROCESSING'
                    """, arguments: [sandboxID, name])
            guard let underWay else { continue }
            let (id, next): (String, Int64?) = (underWay["id"], underWay["next_attempt_at"])
            let state = next.map { "waits to be tried again at \(Instant(milliseconds: $0))" } ?? "is under way"
            throw CatalogError(.failedPrecondition, "run \(id) of dataflow \(name) \(state)")
        }
    }

    /// Fails with `failedPrecondition` where a run of these dataflows delivers, or waits to be tried again and has delivered something.
    func requireNothingDelivered(by dataflows: [String], in sandboxID: String) throws {
        for name in dataflows {
            let runs = try Row.fetchAll(
                self,
                sql: """
                    SELECT run.id, next_attempt_at, \(hasBegunFiles) AS has_delivered
                    FROM run JOIN dataflow ON dataflow.id = run.dataflow_id
                    WHERE dataflow.sandbox_id = ? AND dataflow.name = ? AND state = 'PROCESSING'
                    """, arguments: [sandboxID, name])
            for row in runs {
                let (id, next, hasDelivered): (String, Int64?, Bool) = (row["id"], row["next_attempt_at"], row["has_delivered"])
                guard next != nil, !hasDelivered else {
                    let state = next == nil ? "is under way" : "waits to be tried again, and has begun to deliver"
                    throw CatalogError(
                        .failedPrecondition, "run \(id) of dataflow \(name) \(state): wait for its end, or cancel it")
                }
            }
        }
    }

    /// Sends a run where its dataflow delivers now, unless it was sent elsewhere, or has begun to deliver.
    /// - Throws: `notFound` when that is gone.
    func redirectRun(_ id: String) throws {
        let hasBegun = try Bool.fetchOne(self, sql: "SELECT \(hasBegunFiles) FROM run WHERE id = ?", arguments: [id])
        guard hasBegun == false else { return }
        try execute(
            sql: """
                UPDATE run SET destination_id = (SELECT destination_id FROM dataflow WHERE id = run.dataflow_id)
                WHERE id = ? AND trigger != 'WINDOW'
                """, arguments: [id])
        let order = try order(id)
        try execute(
            sql: "UPDATE run SET folder = ? WHERE id = ?",
            arguments: [try folder(order.dataflow, order.destination, at: order.run.startedAt), id])
    }

    /// Where the files of a dataflow's run go.
    fileprivate func folder(_ dataflow: Dataflow, _ destination: Destination, at time: Instant) throws -> String {
        let row = try Row.fetchOne(
            self,
            sql: """
                SELECT sandbox.name, organization.name AS organization FROM dataflow
                JOIN sandbox ON sandbox.id = dataflow.sandbox_id, organization WHERE dataflow.id = ?
                """, arguments: [dataflow.id])
        let (sandbox, organization): (String, String) = (row?["name"] ?? "", row?["organization"] ?? "")
        return dataflow.settings.folder.folder(
            .init(
                dataset: "message-export-\(sandbox)", destinationType: destination.settings.type.rawValue,
                destinationName: destination.name,
                destinationID: destination.id, sandbox: sandbox, organization: organization, time: time))
    }

    fileprivate func dropOldRuns(of dataflowID: String) throws {
        try execute(
            sql: """
                DELETE FROM run WHERE dataflow_id = ? AND state != 'PROCESSING' AND started_at < (
                    SELECT started_at FROM run WHERE dataflow_id = ? ORDER BY started_at DESC LIMIT 1 OFFSET ?)
                """, arguments: [dataflowID, dataflowID, Limits.runsKept])
    }
}

extension RunOrder.Part {
    fileprivate init(_ row: Row) {
        let document: Data? = row["document"]
        self.init(name: row["name"], document: document.map(Array.init))
    }
}

extension Run {
    fileprivate init(_ row: Row) throws {
        func instant(_ column: String) -> Instant? {
            let value: Int64? = row[column]
            return value.map { Instant(milliseconds: $0) }
        }
        self.init(
            id: row["id"], dataflow: row["dataflow"], destination: row["destination"] ?? "", state: try known(row["state"]),
            trigger: try known(row["trigger"]), after: row["after_sequence"], through: row["through_sequence"],
            since: instant("since"), until: instant("until"), expected: row["expected"],
            totals: Totals(
                received: row["records_received"], exported: row["records_exported"], skipped: row["records_skipped"],
                files: row["files"], bytes: row["bytes"]),
            attempts: row["attempts"], nextAttemptAt: instant("next_attempt_at"),
            startedAt: Instant(milliseconds: row["started_at"]), endedAt: instant("ended_at"), folder: row["folder"],
            manifest: row["manifest"], error: row["error"])
    }
}
