import GRDB
import Model

/// What expires of a dataset at a time.
package struct ExpiringRange: Sendable {
    /// Sequences of its records.
    package let sequences: ClosedRange<UInt64>
    /// How many of its records have sequences above one. Blocks.
    package let records: @Sendable (_ after: UInt64) throws -> UInt64

    package init(sequences: ClosedRange<UInt64>, records: @escaping @Sendable (_ after: UInt64) throws -> UInt64) {
        self.sequences = sequences
        self.records = records
    }
}

/// How many records expired before a dataflow exported them.
package struct UnexportedExpiry: Hashable, Sendable {
    /// Name of the dataflow.
    package let dataflow: String
    /// Those that are new.
    package let records: UInt64
}

extension CatalogStore {
    /// Notes that records are about to be destroyed, what each dataflow did not export of them, and the highest sequence that any of them had.
    ///
    /// What was noted before is not counted again, also after a stop between the two. What a run under way has in a file, or may have, is
    /// settled when that ends.
    package func noteDestruction(
        of deed: Deed, ranges: [ExpiringRange], highestSequence: UInt64
    ) async throws(CatalogError) -> [UnexportedExpiry] {
        let sandboxID = deed.chain
        return try await write { [self] db in
            try db.execute(
                sql: "UPDATE sandbox SET highest_sequence = max(highest_sequence, ?) WHERE id = ?",
                arguments: [Int64(highestSequence), sandboxID])
            // What was noted already was counted then.
            let new = try ranges.filter { range in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO expired_range VALUES (?, ?, ?)",
                    arguments: [sandboxID, Int64(range.sequences.lowerBound), Int64(range.sequences.upperBound)])
                return db.changesCount == 1
            }
            if !new.isEmpty || ranges.isEmpty { try append(deed, db) }
            var unexported: [UnexportedExpiry] = []
            // What is exported once need not have what came later.
            for dataflow in try db.dataflows(of: sandboxID) where dataflow.mode == .incremental {
                let through = try db.noteExpiry(of: new, inRunOf: dataflow) ?? dataflow.cursor
                let records = try new.reduce(0) { try $0 + $1.records(through) }
                guard records > 0 else { continue }
                unexported.append(UnexportedExpiry(dataflow: dataflow.name, records: records))
                try noteLoss(of: records, after: through, dataflow.name, sandboxID, db)
            }
            try db.dropOldRanges(of: sandboxID)
            return unexported
        }
    }

    /// Counts what expired of a run's window while it was under way, and is not in its files.
    func settleExpiry(of run: Run, absent: [ClosedRange<UInt64>], _ sandboxID: String, _ db: Database) throws -> UInt64 {
        let lost = try Row.fetchAll(db, sql: "SELECT * FROM run_expiry WHERE run_id = ?", arguments: [run.id]).reduce(0) {
            lost, row -> UInt64 in
            let (first, last, records): (UInt64, UInt64, UInt64) = (row["first_sequence"], row["last_sequence"], row["records"])
            // Each sequence of the window is either a row of a file or absent.
            let missing = absent.filter { $0.overlaps(first...last) }.reduce(0) {
                $0 + UInt64($1.clamped(to: first...last).count)
            }
            let exported = last - first + 1 - missing
            return lost + records - min(records, exported)
        }
        try db.execute(sql: "DELETE FROM run_expiry WHERE run_id = ?", arguments: [run.id])
        if lost > 0 { try noteLoss(of: lost, after: run.after, run.dataflow, sandboxID, db) }
        return lost
    }

    /// Counts what expired of a run's window while an attempt was at it that has failed, beyond what is delivered.
    func settleExpiry(ofWaiting runID: String, _ sandboxID: String, _ db: Database) throws -> UInt64 {
        let run = try Row.fetchOne(db, sql: "\(selectDelivered) WHERE run.id = ?", arguments: [runID])
        guard let run else { return 0 }
        let (name, delivered): (String, UInt64) = (run["dataflow"], run["delivered"])
        let lost =
            try UInt64.fetchOne(
                db, sql: "SELECT sum(records) FROM run_expiry WHERE run_id = ? AND first_sequence > ?",
                arguments: [runID, Int64(delivered)]) ?? 0
        guard lost > 0 else { return 0 }
        try db.execute(
            sql: "DELETE FROM run_expiry WHERE run_id = ? AND first_sequence > ?", arguments: [runID, Int64(delivered)])
        try noteLoss(of: lost, after: delivered, name, sandboxID, db)
        return lost
    }

    private func noteLoss(
        of records: UInt64, after sequence: UInt64, _ dataflow: String, _ sandboxID: String, _ db: Database
    ) throws {
        try db.execute(
            sql: "UPDATE dataflow SET expired_unexported = expired_unexported + ? WHERE sandbox_id = ? AND name = ?",
            arguments: [Int64(records), sandboxID, dataflow])
        try append(
            Deed(
                user: nil, chain: sandboxID, action: .recordExpireUnexported, object: dataflow, count: records,
                detail: "sequences after \(sequence)"), db)
    }

    /// Sequences of destroyed records that meet a range. Blocks.
    package func expiredRanges(sandboxID: String, in sequences: ClosedRange<UInt64>) throws(CatalogError) -> [ClosedRange<UInt64>]
    {
        do {
            return try database.read { db in
                try Row.fetchAll(
                    db, sql: "SELECT * FROM expired_range WHERE sandbox_id = ? AND last_sequence >= ? AND first_sequence <= ?",
                    arguments: [sandboxID, Int64(sequences.lowerBound), Int64(sequences.upperBound)]
                ).map { row in (row["first_sequence"] as UInt64)...(row["last_sequence"] as UInt64) }
            }
        } catch {
            throw CatalogError(error)
        }
    }
}

/// Runs, with the last sequence that each has delivered; 0: none.
private let selectDelivered = """
    SELECT run.*, dataflow.name AS dataflow, coalesce((
        SELECT max(last_sequence) FROM run_part WHERE run_id = run.id AND document IS NOT NULL), 0) AS delivered
    FROM run JOIN dataflow ON dataflow.id = run.dataflow_id
    """

extension Database {
    /// Notes what expires of that which the run of a dataflow that is under way has delivered, or may be delivering.
    ///
    /// - Returns: the last sequence of that; nil: there is no such run.
    fileprivate func noteExpiry(of ranges: [ExpiringRange], inRunOf dataflow: Dataflow) throws -> UInt64? {
        let run = try Row.fetchOne(
            self, sql: "\(selectDelivered) WHERE dataflow_id = ? AND state = 'PROCESSING' AND trigger != 'WINDOW'",
            arguments: [dataflow.id])
        guard let run else { return nil }
        let (id, after, through, delivered, next): (String, UInt64, UInt64, UInt64, Int64?) = (
            run["id"], run["after_sequence"], run["through_sequence"], run["delivered"], run["next_attempt_at"]
        )
        // One that waits is in the middle of no file.
        let end = next == nil ? through : max(after, delivered)
        for range in ranges {
            let (first, last) = (max(range.sequences.lowerBound, after + 1), min(range.sequences.upperBound, end))
            guard first <= last else { continue }
            let records = try range.records(after) - range.records(end)
            try execute(
                sql: "INSERT OR REPLACE INTO run_expiry VALUES (?, ?, ?, ?)",
                arguments: [id, Int64(first), Int64(last), Int64(records)])
        }
        return end
    }

    /// Nobody asks any more for what all dataflows and their runs are past.
    fileprivate func dropOldRanges(of sandboxID: String) throws {
        try execute(
            sql: """
                DELETE FROM expired_range WHERE sandbox_id = ? AND last_sequence <= coalesce((
                    SELECT min(cursor) FROM dataflow WHERE sandbox_id = ?), last_sequence)
                """, arguments: [sandboxID, sandboxID])
    }
}
