import GRDB
package import Model

extension CatalogStore {
    /// Makes a dataflow to a destination, by that one's name.
    ///
    /// - Parameters:
    ///   - settings: checked by the caller against the sandbox's retention.
    ///   - sequence: its cursor: what came before is not there any more, and never its own to export.
    package func createDataflow(
        by user: UInt32?, sandboxID: String, name: ResourceName, format: Format, mode: ExportMode, settings: DataflowSettings,
        after sequence: UInt64 = 0
    ) async throws(CatalogError) -> Dataflow {
        let now = time.now
        return try await write { [self] db in
            try db.requireFree(name, in: "dataflow", of: sandboxID, what: "dataflow")
            try db.requireRoom(in: "dataflow", of: sandboxID, limit: Limits.dataflows, what: "dataflow")
            let id = CatalogStore.newID()
            try db.execute(
                sql: """
                    INSERT INTO dataflow (id, sandbox_id, destination_id, name, format, compression, cursor, created_at, mode)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    id, sandboxID, try db.destinationID(settings.destination, of: sandboxID), name.value, format.rawValue,
                    settings.compression.rawValue, Int64(sequence), now.milliseconds, mode.rawValue,
                ])
            try db.set(settings, of: id, in: sandboxID, now: now, isNew: true, isRescheduled: true)
            try append(
                Deed(
                    user: user, chain: sandboxID, action: .dataflowCreate, object: name.value,
                    detail: "\(format.rawValue) to \(settings.destination)"), db)
            return try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name"))
        }
    }

    /// Gives a dataflow other settings. A run that waits to be tried again goes on with them; refused where that would leave behind what it
    /// delivered.
    ///
    /// - Parameters:
    ///   - change: what is to be changed of what is set; throws what is wrong with it.
    ///   - revision: what it must be at now; nil: whatever it is.
    package func editDataflow(
        by user: UInt32?, sandboxID: String, name: ResourceName, revision: UInt32?,
        change: @escaping @Sendable (Dataflow) throws(Status) -> DataflowSettings
    ) async throws(CatalogError) -> Result<Dataflow, Status> {
        let now = time.now
        return try await write { [self] db in
            let dataflow = try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name"))
            guard revision == nil || revision == dataflow.revision else {
                throw CatalogError(.aborted, "dataflow \(name) is at revision \(dataflow.revision)", field: "if_revision")
            }
            let settings: DataflowSettings
            do throws(Status) { settings = try change(dataflow) } catch { return .failure(error) }
            var delivering = dataflow.settings
            delivering.schedule = settings.schedule
            if delivering != settings { try db.requireNothingDelivered(by: [dataflow.name], in: sandboxID) }
            try db.set(
                settings, of: dataflow.id, in: sandboxID, now: now, isNew: false,
                isRescheduled: settings.schedule != dataflow.settings.schedule)
            let waiting = try String.fetchAll(
                db, sql: "SELECT id FROM run WHERE dataflow_id = ? AND next_attempt_at IS NOT NULL AND state = 'PROCESSING'",
                arguments: [dataflow.id])
            if delivering != settings { for run in waiting { try db.redirectRun(run) } }
            try append(Deed(user: user, chain: sandboxID, action: .dataflowEdit, object: name.value), db)
            return .success(try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name")))
        }
    }

    /// Lets a dataflow run by itself, or not. A run under way goes on.
    package func setDataflow(enabled: Bool, by user: UInt32?, sandboxID: String, name: ResourceName) async throws(CatalogError)
        -> Dataflow
    {
        let now = time.now
        return try await write { [self] db in
            let dataflow = try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name"))
            guard dataflow.isEnabled != enabled else { return dataflow }
            try db.execute(
                sql: "UPDATE dataflow SET enabled = ?, revision = revision + 1 WHERE id = ?", arguments: [enabled, dataflow.id])
            try db.schedule(dataflow.id, in: sandboxID, from: now)
            try append(
                Deed(
                    user: user, chain: sandboxID, action: enabled ? .dataflowEnable : .dataflowDisable, object: name.value), db)
            return try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name"))
        }
    }

    /// A dataflow by its name.
    package func dataflow(sandboxID: String, name: ResourceName) async throws(CatalogError) -> Dataflow {
        try await read { db in try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name")) }
    }

    /// All of a sandbox, by name.
    package func dataflows(sandboxID: String) async throws(CatalogError) -> [Dataflow] {
        try await read { db in try db.dataflows(of: sandboxID) }
    }

    /// Removes a dataflow and forgets its runs; returns what it was. Refused while a run delivers; one that waits to be tried again goes with it.
    package func deleteDataflow(by user: UInt32?, sandboxID: String, name: ResourceName) async throws(CatalogError)
        -> Dataflow
    {
        try await write { [self] db in
            let dataflow = try Dataflow(db.dataflow(name.value, of: sandboxID, field: "name"))
            try db.requireNothingDelivered(by: [dataflow.name], in: sandboxID)
            try db.execute(sql: "DELETE FROM dataflow WHERE id = ?", arguments: [dataflow.id])
            try db.execute(sql: "DELETE FROM alert WHERE sandbox_id = ? AND dataflow = ?", arguments: [sandboxID, name.value])
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

    /// Follows a change of the sandbox's zone or retention, or of the clock: when dataflows are due, and runs are tried again. What is due
    /// already stays so.
    package func rescheduleDataflows(sandboxID: String) async throws(CatalogError) {
        let now = time.now
        try await write { db in
            try db.execute(
                sql: "UPDATE dataflow SET schedule_set_at = min(schedule_set_at, ?) WHERE sandbox_id = ?",
                arguments: [now.milliseconds, sandboxID])
            for dataflow in try db.dataflows(of: sandboxID) where dataflow.nextRunAt ?? now >= now {
                try db.schedule(dataflow.id, in: sandboxID, from: now)
            }
            // Later than any pause ends: the clock was ahead when it was set.
            let never = now.milliseconds + 2 * Int64(Limits.retrySecondsAtMost) * 1000
            try db.execute(
                sql: """
                    UPDATE run SET next_attempt_at = ? WHERE next_attempt_at > ? AND state = 'PROCESSING'
                        AND dataflow_id IN (SELECT id FROM dataflow WHERE sandbox_id = ?)
                    """, arguments: [now.milliseconds, never, sandboxID])
        }
    }
}

let selectDataflow = """
    SELECT dataflow.*, destination.name AS destination
    FROM dataflow JOIN destination ON destination.id = dataflow.destination_id
    """

extension Database {
    func dataflow(_ name: String, of sandboxID: String, field: String) throws -> Row {
        let row = try Row.fetchOne(
            self, sql: selectDataflow + " WHERE dataflow.sandbox_id = ? AND dataflow.name = ?", arguments: [sandboxID, name])
        guard let row else { throw CatalogError(.notFound, "there is no dataflow named \(name)", field: field) }
        return row
    }

    func dataflows(of sandboxID: String) throws -> [Dataflow] {
        try Row.fetchAll(
            self, sql: selectDataflow + " WHERE dataflow.sandbox_id = ? ORDER BY dataflow.name", arguments: [sandboxID]
        ).map(Dataflow.init)
    }

    func destinationID(_ name: String, of sandboxID: String) throws -> String {
        let id = try String.fetchOne(
            self, sql: "SELECT id FROM destination WHERE sandbox_id = ? AND name = ?", arguments: [sandboxID, name])
        guard let id else { throw CatalogError(.notFound, "there is no destination named \(name)", field: "destination") }
        return id
    }

    fileprivate func set(
        _ settings: DataflowSettings, of id: String, in sandboxID: String, now: Instant, isNew: Bool, isRescheduled: Bool
    ) throws {
        let (recurrence, minutes) = settings.schedule.recurrence.columns
        try execute(
            sql: """
                UPDATE dataflow SET destination_id = ?, compression = ?, include_raw = ?, recurrence = ?, schedule_minutes = ?,
                    start_at = ?, end_at = ?, folder = ?, file_size_limit = ?, encrypt_to = ?, revision = revision + ? WHERE id = ?
                """,
            arguments: [
                destinationID(settings.destination, of: sandboxID), settings.compression.rawValue, settings.includeRaw,
                recurrence, minutes, settings.schedule.start?.milliseconds, settings.schedule.end?.milliseconds,
                settings.folder.text, Int64(settings.fileSizeLimit), jsonText(settings.encryptTo), isNew ? 0 : 1, id,
            ])
        guard isRescheduled else { return }
        try execute(sql: "UPDATE dataflow SET schedule_set_at = ? WHERE id = ?", arguments: [now.milliseconds, id])
        try schedule(id, in: sandboxID, from: now)
    }

    /// Sets when the dataflow is due next, from an instant on.
    func schedule(_ id: String, in sandboxID: String, from instant: Instant) throws {
        guard let row = try Row.fetchOne(self, sql: selectDataflow + " WHERE dataflow.id = ?", arguments: [id]) else { return }
        let dataflow = try Dataflow(row)
        let zone = try Zone(sandbox(sandboxID).timeZone)
        // What runs once has run when there is a run that this schedule began.
        let hasRun = try Bool.fetchOne(
            self,
            sql: """
                SELECT EXISTS (SELECT 1 FROM run WHERE dataflow_id = dataflow.id AND trigger = 'SCHEDULED' AND started_at >= schedule_set_at)
                FROM dataflow WHERE id = ?
                """, arguments: [id])
        let isOver = dataflow.settings.schedule.recurrence == .once && hasRun == true
        let next = dataflow.isEnabled && !isOver ? dataflow.settings.schedule.next(from: instant, in: zone) : nil
        try execute(sql: "UPDATE dataflow SET next_run_at = ? WHERE id = ?", arguments: [next?.milliseconds, id])
    }
}

extension Schedule.Recurrence {
    fileprivate var columns: (String, Int) {
        switch self {
        case .manual: ("manual", 0)
        case .once: ("once", 0)
        case .every(let minutes): ("every", minutes)
        case .daily(let minute): ("daily", minute)
        }
    }

    fileprivate init(_ name: String, _ minutes: Int) throws {
        switch name {
        case "manual": self = .manual
        case "once": self = .once
        case "every": self = .every(minutes: minutes)
        case "daily": self = .daily(minute: minutes)
        default: throw CatalogError(.io, "the catalog has a recurrence that is not known here: \(name)")
        }
    }
}

extension Dataflow {
    /// - Parameter row: of `selectDataflow`.
    init(_ row: Row) throws {
        let (start, end, next): (Int64?, Int64?, Int64?) = (row["start_at"], row["end_at"], row["next_run_at"])
        let folder: FolderTemplate
        do throws(Status) { folder = try FolderTemplate(row["folder"] as String) } catch {
            throw CatalogError(.io, "the catalog has a folder template that is not one: \(error.message)")
        }
        self.init(
            id: row["id"], name: row["name"], format: try known(row["format"]), mode: try known(row["mode"]),
            settings: DataflowSettings(
                destination: row["destination"], compression: try known(row["compression"]), includeRaw: row["include_raw"],
                schedule: Schedule(
                    try Schedule.Recurrence(row["recurrence"], row["schedule_minutes"]),
                    start: start.map { Instant(milliseconds: $0) }, end: end.map { Instant(milliseconds: $0) }),
                folder: folder, fileSizeLimit: row["file_size_limit"], encryptTo: try jsonValue(row["encrypt_to"])),
            isEnabled: row["enabled"], nextRunAt: next.map { Instant(milliseconds: $0) }, cursor: row["cursor"],
            expiredUnexported: row["expired_unexported"], revision: row["revision"],
            createdAt: Instant(milliseconds: row["created_at"]))
    }
}
