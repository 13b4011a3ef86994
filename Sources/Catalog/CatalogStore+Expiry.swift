import GRDB
import Model

/// What expires of a dataset at a time.
package struct ExpiringRange: Sendable {
    /// Sequences of its records.
    package let sequences: ClosedRange<UInt64>
    /// How many of its records have higher sequences. Blocks.
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
    /// What was noted before is not counted again, also after a stop between the two.
    package func noteDestruction(
        of deed: Deed, ranges: [ExpiringRange], highestSequence: UInt64
    ) async throws(CatalogError) -> [UnexportedExpiry] {
        let sandboxID = deed.chain
        return try await write { [self] db in
            try db.execute(
                sql: "UPDATE sandbox SET highest_sequence = max(highest_sequence, ?) WHERE id = ?",
                arguments: [Int64(highestSequence), sandboxID])
            try append(deed, db)
            // What was noted already was counted then.
            let new = try ranges.filter { range in
                try db.execute(
                    sql: "INSERT OR IGNORE INTO expired_range VALUES (?, ?, ?)",
                    arguments: [sandboxID, Int64(range.sequences.lowerBound), Int64(range.sequences.upperBound)])
                return db.changesCount == 1
            }
            var unexported: [UnexportedExpiry] = []
            for dataflow in try db.dataflows(of: sandboxID) {
                let exported = try db.exported(by: dataflow)
                let records = try new.reduce(0) { try $0 + $1.records(exported) }
                guard records > 0 else { continue }
                try db.execute(
                    sql: "UPDATE dataflow SET expired_unexported = expired_unexported + ? WHERE id = ?",
                    arguments: [Int64(records), dataflow.id])
                unexported.append(UnexportedExpiry(dataflow: dataflow.name, records: records))
                try append(
                    Deed(
                        user: nil, chain: sandboxID, action: .recordExpireUnexported, object: dataflow.name, count: records,
                        detail: "sequences after \(exported)"), db)
            }
            try db.dropOldRanges(of: sandboxID)
            return unexported
        }
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

extension Database {
    /// The sequence up to which a dataflow has exported, what a run under way has delivered included.
    fileprivate func exported(by dataflow: Dataflow) throws -> UInt64 {
        try UInt64.fetchOne(
            self,
            sql: """
                SELECT max(cursor, coalesce((
                    SELECT max(last_sequence) FROM run_part JOIN run ON run.id = run_part.run_id
                    WHERE run.dataflow_id = dataflow.id AND run.state = 'PROCESSING' AND run.trigger != 'WINDOW' AND run_part.document IS NOT NULL), 0))
                FROM dataflow WHERE id = ?
                """, arguments: [dataflow.id]) ?? 0
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
