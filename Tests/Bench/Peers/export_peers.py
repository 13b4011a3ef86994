"""What DuckDB and pyarrow take to write the mails of the export bench: prints seconds and bytes written.

usage: export_peers.py load MAILS.ndjson FOLDER      puts the mails into DuckDB's own file, and into one that pyarrow takes into memory
       export_peers.py duckdb-zstd|duckdb-snappy|duckdb-json|pyarrow-zstd|pyarrow-snappy FOLDER
"""
import os, sys, time
import duckdb, pyarrow.feather, pyarrow.json, pyarrow.parquet


def synced(path):
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


what, folder = sys.argv[1], sys.argv[-1]
database, feather, target = (os.path.join(folder, name) for name in ("mails.duckdb", "mails.arrow", "target"))
if what == "load":
    db = duckdb.connect(database)
    db.execute(f"CREATE TABLE mail AS SELECT * FROM read_json('{sys.argv[2]}', format='newline_delimited')")
    db.execute("CHECKPOINT")
    pyarrow.feather.write_feather(db.execute("SELECT * FROM mail").fetch_arrow_table(), feather, compression="uncompressed")
    print(db.execute("SELECT count(*), sum(strlen(html)) FROM mail").fetchone())
    sys.exit(0)
peer, form = what.split("-")
if peer == "duckdb":
    db = duckdb.connect(database, read_only=True)
    options = "FORMAT json, COMPRESSION gzip" if form == "json" else f"FORMAT parquet, COMPRESSION {form}"
    start = time.monotonic()
    db.execute(f"COPY mail TO '{target}' ({options})")
else:
    table = pyarrow.feather.read_table(feather, memory_map=False)
    start = time.monotonic()
    pyarrow.parquet.write_table(table, target, compression=form)
synced(target)
seconds = time.monotonic() - start
if form != "json":
    assert pyarrow.parquet.read_metadata(target).num_rows > 0
print(seconds, os.path.getsize(target))
os.remove(target)
