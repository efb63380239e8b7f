"""The peers' side of `watchfire-bench history`: DuckDB and ClickHouse (chdb), one thread, the same rows.

Reads the segments in FOLDER/segments, prints one line of JSON a peer:
{"name", "tuned", "warm": [ms…], "cold": [ms…], "answers": [[…]…], "bytes"}.
"""

import json
import os
import statistics
import sys
import time

import duckdb

folder, runs = sys.argv[1], 3
from_s = 1767225600
country, device, steps, window = "C2", "mobile", ["/page/0", "/page/3", "/page/8"], 86400


def forget(path):
    """Drops a file, or all in a folder, from the kernel's cache."""
    paths = [path] if os.path.isfile(path) else [os.path.join(at, f) for at, _, fs in os.walk(path) for f in fs]
    for one in paths:
        try:
            fd = os.open(one, os.O_RDONLY)
        except FileNotFoundError:
            continue
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def size(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(at, f)) for at, _, fs in os.walk(path) for f in fs)


def report(name, tuned, queries, ask, reopen, path, bytes_):
    warm, cold, answers = [], [], []
    for query in queries:
        close = reopen()
        forget(path)
        ask = close()
        began = time.perf_counter()
        answers.append(flat(ask(query)))
        cold.append((time.perf_counter() - began) * 1e3)
        times = []
        for _ in range(runs):
            began = time.perf_counter()
            ask(query)
            times.append((time.perf_counter() - began) * 1e3)
        warm.append(statistics.median(times))
    print(json.dumps({"name": name, "tuned": tuned, "warm": warm, "cold": cold, "answers": answers, "bytes": bytes_}), flush=True)


def flat(rows):
    return [int(number) for row in rows for number in row]


def duck():
    path = f"{folder}/peer.duckdb"
    db = duckdb.connect(path)
    db.execute("SET threads=2")
    db.execute(f"""
        CREATE TABLE raw AS
        SELECT visit + {1 << 20} * day AS visit, visitor, {from_s} + 86400 * day + first_s AS first_s, source, country, browser, os, device
        FROM (SELECT *, date_diff('day', DATE '2026-01-01', CAST(substr(filename, -18, 10) AS DATE)) AS day
              FROM read_parquet('{folder}/segments/*.parquet', filename=true) WHERE visitor IS NOT NULL)""")
    db.execute(f"""
        CREATE TABLE raw_hits AS
        SELECT visit + {1 << 20} * date_diff('day', DATE '2026-01-01', CAST(substr(filename, -18, 10) AS DATE)) AS visit, after_s, path
        FROM read_parquet('{folder}/segments/*.parquet', filename=true) WHERE kind = 'pageview'""")
    db.execute("CREATE TABLE ids AS SELECT visitor, (row_number() OVER ())::UINTEGER AS id FROM (SELECT DISTINCT visitor FROM raw)")
    for column in ["source", "country", "browser", "os", "device"]:
        db.execute(f"CREATE TYPE {column}_t AS ENUM (SELECT DISTINCT {column} FROM raw)")
    db.execute("CREATE TYPE path_t AS ENUM (SELECT DISTINCT path FROM raw_hits)")
    texts = ", ".join(f"{c}::{c}_t AS {c}" for c in ["source", "country", "browser", "os", "device"])
    db.execute(f"""
        CREATE TABLE visits AS
        SELECT visit::UINTEGER AS visit, id AS visitor, make_timestamp(first_s * 1000000)::TIMESTAMP_S AS first, {texts},
               pageviews::USMALLINT AS pageviews, lasted_s::UINTEGER AS lasted_s
        FROM raw JOIN ids USING (visitor) JOIN (SELECT visit, count(*) AS pageviews, max(after_s) AS lasted_s FROM raw_hits GROUP BY visit) USING (visit) ORDER BY first::DATE, id, first""")
    db.execute(f"""
        CREATE TABLE hits AS
        SELECT visit::UINTEGER AS visit, id AS visitor, make_timestamp((first_s + after_s) * 1000000)::TIMESTAMP_S AS ts, path::path_t AS path, {texts}
        FROM raw_hits JOIN raw USING (visit) JOIN ids USING (visitor) ORDER BY ts::DATE, visitor, ts""")
    db.execute("DROP TABLE raw_hits")
    db.execute("DROP TABLE raw")
    db.execute("DROP TABLE ids")
    db.execute("CHECKPOINT")
    for table in ["hits", "visits"]:
        db.execute(f"COPY {table} TO '{folder}/{table}.parquet' (FORMAT parquet)")
    db.close()

    def reopen():
        def begin():
            db = duckdb.connect(path, read_only=True)
            db.execute("SET threads=1")
            return lambda query: db.execute(query).fetchall()
        return begin

    a, b, c = steps
    funnel = f"""
        WITH s AS (SELECT visitor, epoch(ts)::BIGINT AS t, CASE path WHEN '{a}' THEN 1 WHEN '{b}' THEN 2 ELSE 3 END AS step FROM hits WHERE path IN ('{a}', '{b}', '{c}')),
             one AS (SELECT *, max(CASE WHEN step = 1 THEN t END) OVER w AS t1 FROM s WINDOW w AS (PARTITION BY visitor ORDER BY t ROWS UNBOUNDED PRECEDING)),
             two AS (SELECT *, max(CASE WHEN step = 2 AND t - t1 <= {window} THEN t1 END) OVER w AS t2 FROM one WINDOW w AS (PARTITION BY visitor ORDER BY t ROWS UNBOUNDED PRECEDING))
        SELECT count(DISTINCT CASE WHEN step = 1 THEN visitor END), count(DISTINCT CASE WHEN step = 2 AND t - t1 <= {window} THEN visitor END),
               count(DISTINCT CASE WHEN step = 3 AND t - t2 <= {window} THEN visitor END) FROM two"""
    queries = [
        "SELECT count(*), count(DISTINCT visitor), count(DISTINCT visit) FROM hits",
        "SELECT count(*), count(DISTINCT visitor) FROM hits GROUP BY ts::DATE ORDER BY ts::DATE",
        "SELECT count(DISTINCT visitor) AS u FROM hits GROUP BY path ORDER BY u DESC LIMIT 10",
        f"SELECT count(DISTINCT visitor) AS u FROM hits WHERE country = '{country}' AND device = '{device}' GROUP BY source ORDER BY u DESC LIMIT 10",
        funnel,
        """SELECT count(*), sum((n = 1)::INT), sum(l) FROM
           (SELECT min(ts)::DATE AS day, count(*) AS n, epoch(max(ts))::BIGINT - epoch(min(ts))::BIGINT AS l FROM hits GROUP BY visit) GROUP BY day ORDER BY day""",
    ]
    bytes_ = size(path)
    report("DuckDB", False, queries, None, reopen, path, bytes_)
    queries[0] = "SELECT sum(pageviews), count(DISTINCT visitor), count(*) FROM visits"
    queries[3] = f"SELECT count(DISTINCT visitor) AS u FROM visits WHERE country = '{country}' AND device = '{device}' GROUP BY source ORDER BY u DESC LIMIT 10"
    queries[5] = "SELECT count(*), sum((pageviews = 1)::INT), sum(lasted_s) FROM visits GROUP BY first::DATE ORDER BY first::DATE"
    report("DuckDB, visits table", True, queries, None, reopen, path, bytes_)


def click():
    from chdb import session

    path = f"{folder}/peer.chdb"
    at = session.Session(path)
    run = lambda query: [[int(n) for n in line.split("\t")] for line in str(at.query(query, "TSV")).strip().split("\n") if line]
    at.query("CREATE DATABASE IF NOT EXISTS w ENGINE = Atomic")
    low = ", ".join(f"{c} LowCardinality(String)" for c in ["source", "country", "browser", "os", "device"])
    names = "source, country, browser, os, device"
    at.query(f"CREATE TABLE w.hits (visit UInt32 CODEC(Delta, ZSTD), visitor UInt32 CODEC(ZSTD), ts DateTime CODEC(Delta, ZSTD), path LowCardinality(String) CODEC(ZSTD), {low}) ENGINE = MergeTree PARTITION BY toYYYYMM(ts) ORDER BY (toDate(ts), visitor, ts)")
    at.query(f"CREATE TABLE w.visits (visit UInt32 CODEC(Delta, ZSTD), visitor UInt32 CODEC(ZSTD), first DateTime CODEC(Delta, ZSTD), {low}, pageviews UInt16, lasted_s UInt32) ENGINE = MergeTree PARTITION BY toYYYYMM(first) ORDER BY (toDate(first), visitor, first)")
    at.query(f"INSERT INTO w.hits SELECT visit, visitor, toDateTime(ts, 'UTC'), path, {names} FROM file('{folder}/hits.parquet', Parquet)")
    at.query(f"INSERT INTO w.visits SELECT visit, visitor, toDateTime(first, 'UTC'), {names}, pageviews, lasted_s FROM file('{folder}/visits.parquet', Parquet)")
    at.query("OPTIMIZE TABLE w.hits FINAL")
    at.query("OPTIMIZE TABLE w.visits FINAL")
    bytes_ = run("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'hits' AND database = 'w'")[0][0]

    def reopen():
        def begin():
            at.query("SYSTEM DROP MARK CACHE")
            at.query("SYSTEM DROP UNCOMPRESSED CACHE")
            return lambda query: run(query + " SETTINGS max_threads = 1")
        return begin

    a, b, c = steps
    queries = [
        "SELECT count(), uniqExact(visitor), uniqExact(visit) FROM w.hits",
        "SELECT count(), uniqExact(visitor) FROM w.hits GROUP BY toDate(ts, 'UTC') AS d ORDER BY d",
        "SELECT uniqExact(visitor) AS u FROM w.hits GROUP BY path ORDER BY u DESC LIMIT 10",
        f"SELECT uniqExact(visitor) AS u FROM w.hits WHERE country = '{country}' AND device = '{device}' GROUP BY source ORDER BY u DESC LIMIT 10",
        f"""SELECT countIf(l >= 1), countIf(l >= 2), countIf(l >= 3) FROM
            (SELECT windowFunnel({window})(ts, path = '{a}', path = '{b}', path = '{c}') AS l FROM w.hits WHERE path IN ('{a}', '{b}', '{c}') GROUP BY visitor)""",
        """SELECT count(), countIf(n = 1), sum(l) FROM
           (SELECT toDate(min(ts), 'UTC') AS d, count() AS n, max(ts) - min(ts) AS l FROM w.hits GROUP BY visit) GROUP BY d ORDER BY d""",
    ]
    report("ClickHouse", False, queries, None, reopen, path, bytes_)
    queries[0] = "SELECT sum(pageviews), uniqExact(visitor), count() FROM w.visits"
    queries[3] = f"SELECT uniqExact(visitor) AS u FROM w.visits WHERE country = '{country}' AND device = '{device}' GROUP BY source ORDER BY u DESC LIMIT 10"
    queries[5] = "SELECT count(), countIf(pageviews = 1), sum(lasted_s) FROM w.visits GROUP BY toDate(first, 'UTC') AS d ORDER BY d"
    report("ClickHouse, visits table", True, queries, None, reopen, path, bytes_)


duck()
click()
