"""The large tables can be spread over machines by project (README, "Growing"): every key of theirs has it, and no
statement on them that pages, ingest and scoring send lacks it."""

import re
from urllib.parse import quote

import pytest
from django.db import connection

from evalhub import apikeys
from evalhub.models import Role, Scope
from records.models import Record, ValueType
from scoring.runs.starting import start_run
from tests import factories
from tests.records.otlp import build
from tests.scoring.rules.online import quiet, rule, score
from tests.scoring.running import exact, finish, ticked
from tests.sql import statements, tables_of, unbound
from tests.test_readme import README

LARGE = {
    "record", "payload", "score", "score_detail", "record_rollup", "score_rollup", "record_sample", "score_sample",
    "outbox", "blob", "blob_use",
}  # fmt: skip

SAID = re.findall(r"create_(distributed|reference)_table\('(\w+)'([^)]*)\)", README)

KEYS = """
SELECT t.relname, i.indexrelid::regclass::text, 'project_id' = ANY(
  SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = ANY(i.indkey[:i.indnkeyatts - 1]))
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relname = ANY(%s) AND (i.indisunique OR i.indisexclusion)
"""
FOREIGN_KEYS = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND (conrelid::regclass::text = ANY(%(large)s) OR confrelid::regclass::text = ANY(%(large)s))
"""


def test_every_unique_key_of_a_large_table_has_the_project(db):
    with connection.cursor() as cursor:
        cursor.execute(KEYS, [list(LARGE)])
        rows = cursor.fetchall()
    assert {table for table, _, _ in rows} == LARGE, "each has a primary key"
    assert [key for _, key, has_project in rows if not has_project] == []


def test_no_foreign_key_begins_or_ends_at_a_large_table(db):
    """They could only stay between tables that are spread alike, and every insert would pay for them."""
    with connection.cursor() as cursor:
        cursor.execute(FOREIGN_KEYS, {"large": list(LARGE)})
        assert cursor.fetchall() == []


def test_the_readme_spreads_these_tables_alike():
    spread = {table: how for kind, table, how in SAID if kind == "distributed"}
    assert spread.keys() == LARGE
    assert all(how.startswith(", 'project_id'") for how in spread.values())
    assert [table for table, how in spread.items() if "colocate_with => 'record'" not in how] == ["record"]


def test_no_statement_of_the_hot_paths_lacks_the_project(client, project):
    with statements() as sent:
        _use(client, project)
    about_large = [sql for sql in sent if set(re.findall(r"\w+", sql)) & LARGE]
    assert len(about_large) > 100
    assert {sql: missing for sql in about_large if (missing := unbound(sql, LARGE))} == {}

    copied = {table for kind, table, _ in SAID if kind == "reference"}
    joined = {table for sql in about_large if (of := tables_of(sql)) & LARGE for table in of - LARGE}
    kept = {name for name in connection.introspection.table_names() if not name.startswith("stage_")}
    assert (joined & kept) - copied == set(), "each machine needs a copy of what is joined with its share"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM record WHERE id = %s",
        "SELECT 1 FROM record WHERE project_id = %s OR is_root",
        "SELECT 1 FROM record r JOIN score s ON s.record_id = r.id WHERE r.project_id = %s",
        "SELECT 1 FROM record r JOIN score s ON s.project_id = r.project_id",
        "SELECT 1 FROM record WHERE project_id = %s AND EXISTS (SELECT FROM score WHERE record_id = record.id)",
        "UPDATE score SET rank = 1 FROM stage_score t WHERE t.id = score.id AND t.project_id = %s",
        "DELETE FROM outbox WHERE id = ANY(%s)",
        "INSERT INTO payload (record_id) SELECT id FROM stage_record",
    ],
)
def test_a_statement_that_lacks_it_would_be_found(sql):
    assert unbound(sql, LARGE)


def _use(client, project) -> None:
    """Ingest over both doors, rules, a re-score, a score by hand; then the pages, with filters of many kinds."""
    _, key = apikeys.create(project, "load", [Scope.INGEST, Scope.READ, Scope.WRITE])
    headers = {"authorization": f"Bearer {key}"}
    long_enough = exact(project, "exact", factories.metric(project, "exact", ValueType.BOOLEAN, passing_value=True))
    rule(project, "Spans", [long_enough])
    rule(project, "Traces", [long_enough], scope="trace")
    factories.metric(project, "thumbs", ValueType.BOOLEAN, passing_value=True)
    factories.metric(project, "quality")
    records = [
        {
            "id": f"r{n}", "inputs": {"q": n}, "outputs": "1", "metadata": {"a": n}, "thread": "t", "tags": ["x"],
            "spans": [{"id": f"r{n}-child", "outputs": "1"}],
            "scores": [{"metric": "thumbs", "boolean_value": True, "id": f"s{n}"}],
        }
        for n in range(3)
    ]  # fmt: skip
    spans = build.request([build.span(), build.span(number=1, parent_span_id=build.SPAN_ID)])
    for _ in range(2):
        answer = client.post("/api/v1/records", records, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content
        otlp = client.post(
            "/v1/traces", spans.SerializeToString(), content_type="application/x-protobuf", headers=headers
        )
        assert otlp.status_code == 200
    score(project)
    quiet(project)
    score(project)
    ids = Record.objects.filter(project=project).values_list("id", flat=True)
    run = finish(start_run(ticked(project, ids), [long_enough], "anna"))
    assert run.status == "finished"
    id = Record.objects.filter(project=project, is_root=True).values_list("id", flat=True)[0]
    answer = client.post(
        f"/api/v1/records/{id}/scores", [{"metric": "quality", "numerical_value": 0.5}],
        content_type="application/json", headers=headers,
    )  # fmt: skip
    assert answer.status_code == 201, answer.content
    client.force_login(factories.member(project, Role.EDITOR))
    cells = f"{id}.{long_enough.metric_id}"
    assert client.post(f"/p/{project.slug}/records/pending", {"cells": cells}).status_code in (200, 286)
    for path in PAGES:
        address = f"/p/{project.slug}/{path.format(id=id)}"
        assert client.get(address).status_code in (200, 204), address


FILTERS = (
    "", "model:gpt", "hello", "metadata.a:1", "latency>1", "tag:x OR name:y", "status:completed",
    "metric.exact.status:pass", "metric.exact.status:pass metric.thumbs.status:fail", "NOT metric.exact.status:pass",
    "metric.quality:>0.1",
)  # fmt: skip
SORTS = ("metric.quality", "-latency", "tokens")
PAGES = (
    *(f"records/{part}?q={quote(filter)}" for part in ("", "count", "history") for filter in FILTERS),
    *(f"records/?sort={sort}" for sort in SORTS), "records/?spans=all", "records/{id}/", "records/{id}/spans",
    "records/facets/model", "records/news?since={id}&known=0", "sessions/", "monitor/",
)  # fmt: skip
