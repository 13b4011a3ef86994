"""Reads a Parquet file with pyarrow, DuckDB and polars, and says where one of them finds other values than a file of JSON lines has.

usage: readers.py rows FILE.parquet FILE.ndjson     compares row by row, member by member
       readers.py sums FILE.parquet                 prints, for each reader, what it counts and adds up
       readers.py schema FILE.parquet               prints the schema as the file has it
       readers.py json FILE.ndjson[.gz] FILE.ndjson compares what DuckDB reads of the first with the second
"""
import base64, datetime, json, sys
import duckdb, polars, pyarrow.compute, pyarrow.parquet

MAPS = {("identityMap",), ("_experience", "customerJourneyManagement", "messageExecution", "metadata")}


def normal(value, path=()):
    """A value as JSON has it: no absent members, maps as objects, times as text, bytes as base64."""
    if path in MAPS:
        if isinstance(value, dict) and set(value) == {"key", "value"} and isinstance(value["key"], list):
            pairs = list(zip(value["key"], value["value"]))
        elif isinstance(value, dict):
            pairs = list(value.items())
        else:
            pairs = [(p["key"], p["value"]) if isinstance(p, dict) else p for p in value]
        return {key: normal(inner, path + ("*",)) for key, inner in pairs}
    if isinstance(value, dict):
        return {key: normal(inner, path + (key,)) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [normal(inner, path + ("*",)) for inner in value]
    if isinstance(value, datetime.datetime):
        value = value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value.astimezone(datetime.timezone.utc)
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    return value


def connection():
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    return db


def by_pyarrow(file):
    return pyarrow.parquet.ParquetFile(file, page_checksum_verification=True).read().to_pylist()


def by_duckdb(file):
    answer = connection().execute("SELECT * FROM read_parquet(?)", [file])
    names = [column[0] for column in answer.description]
    return [dict(zip(names, row)) for row in answer.fetchall()]


def by_polars(file):
    return polars.read_parquet(file).to_dicts()


def rows(file, expected):
    with open(expected, encoding="utf-8") as lines:
        wanted = [json.loads(line) for line in lines]
    wrong = 0
    for reader in (by_pyarrow, by_duckdb, by_polars):
        found = [normal(row) for row in reader(file)]
        if len(found) != len(wanted):
            print(f"{reader.__name__}: {len(found)} rows instead of {len(wanted)}")
            wrong += 1
        for index, (left, right) in enumerate(zip(found, wanted)):
            if left != normal(right):
                print(f"{reader.__name__}: row {index}:\n  {str(left)[:2000]}\nis not\n  {str(normal(right))[:2000]}")
                wrong += 1
                break
    return wrong


def sums(file):
    db = connection()
    query = "count(*), count(DISTINCT _id), sum(messageExport.sequence), min(messageExport.sequence), max(messageExport.sequence)"
    print("duckdb", *map(int, db.execute(f"SELECT {query} FROM read_parquet(?)", [file]).fetchone()))
    # By the statistics of row groups.
    print("duckdb", *db.execute("SELECT count(*) FROM read_parquet(?) WHERE messageExport.sequence > 999990", [file]).fetchone())
    table = pyarrow.parquet.ParquetFile(file).read(columns=["_id", "messageExport.sequence"])
    sequence = pyarrow.compute.struct_field(table["messageExport"], "sequence").to_pylist()
    print("pyarrow", table.num_rows, len(set(table["_id"].to_pylist())), sum(sequence), min(sequence), max(sequence))
    frame = polars.scan_parquet(file).select("_id", polars.col("messageExport").struct.field("sequence")).collect()
    column = frame["sequence"]
    print("polars", frame.height, frame["_id"].n_unique(), column.sum(), column.min(), column.max())


def schema(file):
    opened = pyarrow.parquet.ParquetFile(file)
    print(opened.schema)
    for key, value in sorted((opened.metadata.metadata or {}).items()):
        print(key.decode(), "=", value.decode())


def json_lines(file, expected):
    found = connection().execute("SELECT json FROM read_ndjson_objects(?, maximum_object_size=200000000)", [file]).fetchall()
    with open(expected, encoding="utf-8") as lines:
        wanted = [json.loads(line) for line in lines]
    if [json.loads(row[0]) for row in found] == wanted:
        return 0
    print(f"DuckDB reads {len(found)} other rows than the {len(wanted)}")
    return 1


if sys.argv[1] == "rows":
    sys.exit(rows(sys.argv[2], sys.argv[3]))
elif sys.argv[1] == "sums":
    sums(sys.argv[2])
elif sys.argv[1] == "schema":
    schema(sys.argv[2])
else:
    sys.exit(json_lines(sys.argv[2], sys.argv[3]))
