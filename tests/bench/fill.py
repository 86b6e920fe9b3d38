"""Makes the reference data: N records with payloads, scores, roll-ups and samples, in a fresh database.

90 days, eight projects from 60 % to 1 % of all, a fifth of the records in traces of five spans, three scores on each
over six metrics (quality fails 10 %, correct 0.1 %), payloads of 2-3 KB, few customers with most records, a source that
only old records have, a word in 1 % (quixotic) and one in a hundred-thousandth (zyzzyva) of them.
"""

import argparse
import itertools
import logging
import random
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from tests.bench import house

CHUNK = 25_000
PROJECTS = [f"bench-{n}" for n in range(1, 9)]
HOT = ("record", "payload", "score", "record_sample", "score_sample")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--records", type=int, default=1_000_000)


def run(options: argparse.Namespace) -> None:
    start = time.monotonic()
    with house.services(options.data):
        _fresh_database()
        projects = _projects()
        n = max(1, options.records // 25) * 25
        _say(start, f"drawing {n:,} records")
        rebuild = _drop_indexes()
        until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        lows = range(0, n, CHUNK)
        with ThreadPoolExecutor(2) as pool:
            for low, _ in zip(lows, pool.map(lambda low: _chunk(low, n, projects, until), lows), strict=True):
                if low % (CHUNK * 10) == 0:
                    _say(start, f"{low + CHUNK:,}")
            _say(start, "indexes")
            list(pool.map(_execute, rebuild[0]))
        for statement in rebuild[1]:
            _execute(statement)
        _say(start, "roll-ups and samples")
        _derive(projects)
        _say(start, "vacuum")
        _execute("DROP TABLE bench_block")
        for table in (*HOT, "record_rollup", "score_rollup"):
            _execute(f"VACUUM ANALYZE {table}")
        _execute("CHECKPOINT")
        _check(projects)
        _say(start, "done")


def _fresh_database() -> None:
    """Refuses a data folder that anybody but a benchmark has used."""
    from django.db import connection

    from evalhub.models import Project

    strangers = Project.objects.exclude(slug__in=PROJECTS).values_list("slug", flat=True)
    if strangers:
        sys.exit(
            f"This database has projects that are not a benchmark's ({', '.join(strangers)}): choose another --data."
        )
    params = connection.get_connection_params()
    connection.close()
    import psycopg

    with psycopg.connect(host=params["host"], user=params["user"], dbname="postgres", autocommit=True) as server:
        server.execute("DROP DATABASE evalhub WITH (FORCE)")
        server.execute("CREATE DATABASE evalhub")
    house.migrate()


def _projects() -> list[int]:
    """Eight projects with the six metrics, and the blocks of words that payloads are put together from."""
    from django.db import connection

    from evalhub.models import Project
    from records.metrics import create_metric

    made = []
    for slug in PROJECTS:
        project = Project.objects.create(slug=slug, name=slug)
        unit = {"value_type": "numerical", "min_score": 0, "max_score": 1}
        create_metric(project, slug="quality", name="Quality", passing_score=0.1, **unit)
        create_metric(project, slug="correct", name="Correct", value_type="boolean")
        create_metric(
            project, slug="helpful", name="Helpful", value_type="numerical", min_score=1, max_score=5, passing_score=3
        )
        create_metric(
            project, slug="tone", name="Tone", value_type="categorical", categorical_choices=["bad", "neutral", "good"],
            passing_choices=["neutral", "good"],
        )  # fmt: skip
        create_metric(project, slug="toxicity", name="Toxicity", passing_score=0.9, direction="lower", **unit)
        create_metric(project, slug="concise", name="Concise", value_type="boolean")
        project.metrics.update(primary_evaluator="")
        made.append(project.id)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_block (k integer PRIMARY KEY, words text NOT NULL)")
        with cursor.copy("COPY bench_block FROM STDIN") as copy:
            for row in enumerate(blocks()):
                copy.write_row(row)
        cursor.execute("ANALYZE bench_block")
    return made


def blocks() -> list[str]:
    """4,000 texts of about 700 characters, then 20 shorter ones for system prompts; few words make most of it."""
    rng = random.Random(7)
    syllables = re.findall("..", "bacedifogukalemnopurasetivowuxayezichshtrplgr")
    words: dict[str, None] = dict.fromkeys(["the", "of", "and", "to", "refund"])
    while len(words) < 20_000:
        words["".join(rng.choices(syllables, k=rng.randint(2, 4)))] = None
    names = list(words)
    weights = list(itertools.accumulate(1 / (n + 3) for n in range(len(names))))
    return [" ".join(rng.choices(names, cum_weights=weights, k=110 if n < 4000 else 60)) for n in range(4020)]


def _chunk(low: int, n: int, projects: list[int], until: datetime) -> None:
    from django.db import connection, transaction

    statements = re.split(r"^-- name: \w+\n", (Path(__file__).parent / "fill.sql").read_text(), flags=re.M)[1:]
    params = {"low": low, "high": min(low + CHUNK, n), "n": n, "projects": projects, "until": until}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '64MB'")
        cursor.execute("SELECT setseed(%s)", [low / n])
        for statement in statements:
            cursor.execute(statement, params)


def _drop_indexes() -> tuple[list[str], list[str]]:
    """Drops what is quicker made afterwards; returns the statements that make indexes, then constraints."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = ANY(%s::regclass[]) AND contype = 'u'""", [list(HOT)],
        )  # fmt: skip
        constraints = cursor.fetchall()
        for table, name, _ in constraints:
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        cursor.execute(
            """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary""", [list(HOT)],
        )  # fmt: skip
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
    made = [f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}" for table, name, definition in constraints]
    return [definition for _, definition in indexes], made


def _derive(projects: list[int]) -> None:
    from django.db import connection

    from records.models import RecordSample
    from records.rollups import repair

    logging.getLogger("records").disabled = True  # of course the empty roll-ups differ
    for project in projects:
        repair(project)
    columns = ", ".join(field.column for field in RecordSample._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO record_sample ({columns}) SELECT {columns} FROM record WHERE evalhub_sampled(id)")
        cursor.execute(
            """INSERT INTO score_sample (project_id, record_id, metric_id, record_created_at, outcome, value)
            SELECT project_id, record_id, metric_id, record_created_at, outcome, value FROM score
            WHERE is_current AND evalhub_sampled(record_id)"""
        )


def _check(projects: list[int]) -> None:
    """The smallest project against a recount: a fill that is wrong is no reference."""
    from records.rollups import recount

    wrong = {name: count for name, count in recount(projects[-1]).items() if count}
    if wrong:
        sys.exit(f"The data is wrong: {wrong}")


def _execute(statement: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(statement)


def _say(start: float, what: str) -> None:
    print(f"{time.monotonic() - start:6.0f} s  {what}", file=sys.stderr, flush=True)
