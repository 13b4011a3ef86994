import GRDB

/// The catalog's schema, version by version. A released migration is never edited: add another.
func catalogMigrations(now: Int64, newID: @escaping @Sendable () -> String) -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1: organization, sandboxes, configurations, destinations, dataflows, runs") { db in
        try db.execute(sql: schema1)
        try db.execute(
            sql: "INSERT INTO organization VALUES (1, 'default', 1, NULL, ?)", arguments: [now])
        try db.execute(
            sql: "INSERT INTO sandbox VALUES (?, 'prod', 'Production', 'production', 'active', 1, 'UTC', 3, ?)",
            arguments: [newID(), now])
    }
    migrator.registerMigration("2: dataflows that include the raw mail") { db in
        try db.execute(sql: "ALTER TABLE dataflow ADD COLUMN include_raw INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("3: settings and versions of configurations, grants, audit, quotas") { db in
        try db.execute(sql: schema3)
    }
    migrator.registerMigration("4: the highest sequence of what is destroyed") { db in
        try db.execute(sql: "ALTER TABLE sandbox ADD COLUMN highest_sequence INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("5: schedules, ledgers of runs, alerts, what expired") { db in
        try db.execute(sql: schema5)
    }
    migrator.registerMigration("6: what expires of a run's window while it is under way") { db in
        try db.execute(sql: schema6)
    }
    migrator.registerMigration("7: types of destinations, their secrets, approvals, encryption") { db in
        try db.execute(sql: schema7)
    }
    migrator.registerMigration("8: what is of before a restore from a backup") { db in
        try db.execute(sql: "ALTER TABLE sandbox ADD COLUMN restored_through INTEGER NOT NULL DEFAULT 0")
    }
    return migrator
}

private let schema1 = """
    CREATE TABLE organization (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        message_export INTEGER NOT NULL,
        master_key_id BLOB,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sandbox (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL,
        type TEXT NOT NULL,
        state TEXT NOT NULL,
        epoch INTEGER NOT NULL,
        time_zone TEXT NOT NULL,
        retention_days INTEGER NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE configuration (
        id TEXT PRIMARY KEY,
        sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        channel TEXT NOT NULL,
        state TEXT NOT NULL,
        version INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (sandbox_id, name)
    ) STRICT;
    CREATE TABLE configuration_version (
        configuration_id TEXT NOT NULL REFERENCES configuration (id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        message_export INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (configuration_id, version)
    ) STRICT;
    CREATE TABLE destination (
        id TEXT PRIMARY KEY,
        sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        type TEXT NOT NULL,
        path TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (sandbox_id, name)
    ) STRICT;
    CREATE TABLE dataflow (
        id TEXT PRIMARY KEY,
        sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE,
        destination_id TEXT NOT NULL REFERENCES destination (id),
        name TEXT NOT NULL,
        format TEXT NOT NULL,
        compression TEXT NOT NULL,
        cursor INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        UNIQUE (sandbox_id, name)
    ) STRICT;
    CREATE TABLE run (
        id TEXT PRIMARY KEY,
        dataflow_id TEXT NOT NULL REFERENCES dataflow (id) ON DELETE CASCADE,
        state TEXT NOT NULL,
        after_sequence INTEGER NOT NULL,
        through_sequence INTEGER NOT NULL,
        records_received INTEGER NOT NULL,
        records_exported INTEGER NOT NULL,
        records_skipped INTEGER NOT NULL,
        files INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        ended_at INTEGER,
        folder TEXT NOT NULL,
        manifest TEXT,
        error TEXT
    ) STRICT;
    CREATE UNIQUE INDEX run_under_way ON run (dataflow_id) WHERE state = 'PROCESSING';
    """

private let schema3 = """
    ALTER TABLE organization ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE organization ADD COLUMN entitled_since INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE organization ADD COLUMN signing_public_key BLOB;
    ALTER TABLE sandbox ADD COLUMN quota_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sandbox ADD COLUMN quota_records_per_day INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sandbox ADD COLUMN quota_records_per_second INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sandbox ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE configuration ADD COLUMN latest_version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE configuration ADD COLUMN enabled_since INTEGER;
    ALTER TABLE configuration_version ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE configuration_version ADD COLUMN failures TEXT NOT NULL DEFAULT '[]';
    UPDATE configuration SET latest_version =
        (SELECT max(version) FROM configuration_version WHERE configuration_id = configuration.id);
    UPDATE configuration_version SET settings = json_object(
        'messageExport', json(iif(message_export, 'true', 'false')), 'description', '', 'tags', json('[]'), 'subdomain', '',
        'fromName', '', 'fromAddress', '', 'replyToName', '', 'replyToAddress', '', 'errorAddress', '', 'bccAddress', '',
        'senderNumbers', json('[]'));
    UPDATE configuration SET enabled_since = (
        SELECT created_at FROM configuration_version AS current
        WHERE current.configuration_id = configuration.id AND current.version = configuration.version AND current.message_export)
        WHERE state IN ('ACTIVE', 'DEACTIVATED');
    CREATE TABLE access_grant (
        role TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_id INTEGER NOT NULL,
        sandbox_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (sandbox_id, role, subject_kind, subject_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit_event (
        chain TEXT NOT NULL,
        number INTEGER NOT NULL,
        time INTEGER NOT NULL,
        user INTEGER,
        action TEXT NOT NULL,
        object TEXT NOT NULL,
        outcome TEXT NOT NULL,
        count INTEGER NOT NULL,
        detail TEXT NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (chain, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE audit_head (
        chain TEXT PRIMARY KEY,
        first_number INTEGER NOT NULL,
        first_previous BLOB NOT NULL,
        number INTEGER NOT NULL,
        hash BLOB NOT NULL,
        time INTEGER NOT NULL,
        signature BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    """

private let schema5 = """
    ALTER TABLE dataflow ADD COLUMN mode TEXT NOT NULL DEFAULT 'incremental';
    ALTER TABLE dataflow ADD COLUMN recurrence TEXT NOT NULL DEFAULT 'manual';
    ALTER TABLE dataflow ADD COLUMN schedule_minutes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE dataflow ADD COLUMN start_at INTEGER;
    ALTER TABLE dataflow ADD COLUMN end_at INTEGER;
    ALTER TABLE dataflow ADD COLUMN folder TEXT NOT NULL DEFAULT '%DATASET_ID%/%EXPORT_TIME%';
    ALTER TABLE dataflow ADD COLUMN file_size_limit INTEGER NOT NULL DEFAULT 268435456;
    ALTER TABLE dataflow ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE dataflow ADD COLUMN next_run_at INTEGER;
    ALTER TABLE dataflow ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE dataflow ADD COLUMN expired_unexported INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE dataflow ADD COLUMN manifest_run TEXT;
    ALTER TABLE dataflow ADD COLUMN manifest_sha256 BLOB;
    ALTER TABLE run ADD COLUMN trigger TEXT NOT NULL DEFAULT 'ON_DEMAND';
    ALTER TABLE run ADD COLUMN destination_id TEXT NOT NULL DEFAULT '';
    ALTER TABLE run ADD COLUMN since INTEGER;
    ALTER TABLE run ADD COLUMN until INTEGER;
    ALTER TABLE run ADD COLUMN expected INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE run ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE run ADD COLUMN next_attempt_at INTEGER;
    ALTER TABLE run ADD COLUMN document BLOB;
    UPDATE run SET destination_id = (SELECT destination_id FROM dataflow WHERE dataflow.id = run.dataflow_id);
    CREATE INDEX run_by_dataflow ON run (dataflow_id, started_at);
    CREATE TABLE run_part (
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        name TEXT NOT NULL,
        last_sequence INTEGER NOT NULL,
        document BLOB,
        PRIMARY KEY (run_id, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE alert (
        id INTEGER PRIMARY KEY,
        sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE,
        dataflow TEXT NOT NULL,
        kind TEXT NOT NULL,
        run_id TEXT,
        time INTEGER NOT NULL,
        detail TEXT NOT NULL,
        is_over INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX alert_open ON alert (sandbox_id, dataflow, kind) WHERE is_over = 0;
    CREATE TABLE expired_range (
        sandbox_id TEXT NOT NULL REFERENCES sandbox (id) ON DELETE CASCADE,
        first_sequence INTEGER NOT NULL,
        last_sequence INTEGER NOT NULL,
        PRIMARY KEY (sandbox_id, first_sequence)
    ) STRICT, WITHOUT ROWID;
    """

private let schema6 = """
    ALTER TABLE dataflow ADD COLUMN schedule_set_at INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE run_expiry (
        run_id TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE,
        first_sequence INTEGER NOT NULL,
        last_sequence INTEGER NOT NULL,
        records INTEGER NOT NULL,
        PRIMARY KEY (run_id, first_sequence)
    ) STRICT, WITHOUT ROWID;
    """

/// Folders that are delivered to already are approved: whoever chose them could choose any.
private let schema7 = """
    CREATE TABLE approval (
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        label TEXT NOT NULL,
        public_key BLOB,
        created_at INTEGER NOT NULL,
        PRIMARY KEY (kind, value)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO approval SELECT 'local-root', path, '', NULL, min(created_at) FROM destination GROUP BY path;
    ALTER TABLE destination ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE destination ADD COLUMN expires_at INTEGER;
    UPDATE destination SET settings = json_object('path', path);
    ALTER TABLE destination DROP COLUMN path;
    CREATE TABLE destination_secret (
        destination_id TEXT NOT NULL REFERENCES destination (id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        sealed BLOB NOT NULL,
        set_at INTEGER NOT NULL,
        PRIMARY KEY (destination_id, name)
    ) STRICT, WITHOUT ROWID;
    ALTER TABLE dataflow ADD COLUMN encrypt_to TEXT NOT NULL DEFAULT '[]';
    """
