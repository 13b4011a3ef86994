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
