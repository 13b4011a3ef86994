import GRDB
package import Model

/// Counts of what the catalog holds, for metrics.
package struct CatalogFigures: Hashable, Sendable {
    /// Alerts of one kind that tell of what still is so.
    package struct OpenAlerts: Hashable, Sendable {
        /// Whose they are.
        package let sandboxID: String
        /// What they tell of.
        package let kind: Alert.Kind
        /// How many there are.
        package let count: Int
    }

    /// By sandbox and kind; none where there are none.
    package let openAlerts: [OpenAlerts]
    /// Runs that have not ended.
    package let runsUnderWay: Int
    /// Events of all chains since they began, dropped ones too.
    package let auditEvents: UInt64
}

extension CatalogStore {
    /// As it is now.
    package func figures() async throws(CatalogError) -> CatalogFigures {
        try await read { db in
            let alerts = try Row.fetchAll(
                db, sql: "SELECT sandbox_id, kind, count(*) AS count FROM alert WHERE is_over = 0 GROUP BY sandbox_id, kind")
            return CatalogFigures(
                openAlerts: try alerts.map { row in
                    CatalogFigures.OpenAlerts(sandboxID: row["sandbox_id"], kind: try known(row["kind"]), count: row["count"])
                },
                runsUnderWay: try Int.fetchOne(db, sql: "SELECT count(*) FROM run WHERE state = 'PROCESSING'") ?? 0,
                auditEvents: UInt64(try Int64.fetchOne(db, sql: "SELECT coalesce(sum(number), 0) FROM audit_head") ?? 0))
        }
    }
}
