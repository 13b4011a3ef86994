import GRDB
package import Model

extension CatalogStore {
    /// Raises an alert, unless it tells of a state that is told of already.
    ///
    /// - Returns: whether it is a new one.
    @discardableResult
    package func raise(_ alert: Alert, sandboxID: String) async throws(CatalogError) -> Bool {
        try await write { db in
            if alert.kind.isState {
                let isOpen = try Bool.fetchOne(
                    db,
                    sql: """
                        SELECT EXISTS (SELECT 1 FROM alert WHERE sandbox_id = ? AND dataflow = ? AND kind = ? AND is_over = 0
                            AND (run_id IS ? OR run_id IS NULL))
                        """, arguments: [sandboxID, alert.dataflow, alert.kind.rawValue, alert.run])
                guard isOpen != true else { return false }
            }
            try db.execute(
                sql: "INSERT INTO alert (sandbox_id, dataflow, kind, run_id, time, detail, is_over) VALUES (?, ?, ?, ?, ?, ?, ?)",
                arguments: [
                    sandboxID, alert.dataflow, alert.kind.rawValue, alert.run, alert.time.milliseconds, alert.detail,
                    !alert.kind.isState,
                ])
            try db.execute(
                sql: """
                    DELETE FROM alert WHERE sandbox_id = ? AND id <= (
                        SELECT id FROM alert WHERE sandbox_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
                    """, arguments: [sandboxID, sandboxID, Limits.alerts])
            return true
        }
    }

    /// Ends what alerts of these kinds tell of a dataflow.
    package func clearAlerts(_ kinds: [Alert.Kind], dataflow: String, sandboxID: String) async throws(CatalogError) {
        try await write { db in
            for kind in kinds {
                try db.execute(
                    sql: "UPDATE alert SET is_over = 1 WHERE sandbox_id = ? AND dataflow = ? AND kind = ? AND is_over = 0",
                    arguments: [sandboxID, dataflow, kind.rawValue])
            }
        }
    }

    /// Alerts of a sandbox, the newest first.
    ///
    /// - Parameter openOnly: only those that tell of what still is so.
    package func alerts(sandboxID: String, openOnly: Bool, limit: Int) async throws(CatalogError) -> [Alert] {
        try await read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM alert WHERE sandbox_id = ? AND is_over <= ? ORDER BY id DESC LIMIT ?",
                arguments: [sandboxID, !openOnly, limit]
            ).map { row in
                Alert(
                    kind: try known(row["kind"]), dataflow: row["dataflow"], run: row["run_id"],
                    time: Instant(milliseconds: row["time"]), detail: row["detail"])
            }
        }
    }
}
