"""Which way a search goes, that an index serves it, and that no query writes or outlives its time."""

import re
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import DataError, connection

from evalhub.models import Project
from records.filterlang import And, Compare, MetricInfo, Vocabulary, compile_sql
from records.models import Record
from records.search import Search, SearchTimeout, page
from records.search.plan import Plan, plan_of, reading
from tests import factories
from tests.records.filterlang.rows import NOW
from tests.records.searching import search_for, stocked

HOUR = timedelta(hours=1)
VOCABULARY = Vocabulary(
    {"accuracy": MetricInfo(1, "accuracy", "Accuracy", "numerical"),
     "tone": MetricInfo(2, "tone", "Tone", "categorical", ("rude",))}
)  # fmt: skip


@pytest.fixture
def stock(project: Project) -> tuple[Project, Any]:
    _, vocabulary = stocked(project)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE record; ANALYZE score")  # what earlier tests left in the statistics decides no plan
    return project, vocabulary


# Along one index only where it holds the whole filter and the order; `model` among roots would walk all spans of it.
WAYS = [
    ("", True, "record", True),
    ("", False, "record", True),
    ("created:-7d", True, "record", True),
    ("status:errored", False, "record", True),
    ("run:baseline created:<-1h", False, "record", True),
    ("metadata.model:x", False, "record", False),
    ("model:gpt-4o", True, "record", False),
    ("status:errored", True, "record", False),
    ("model:gpt*", False, "record", False),
    ("model:(a OR b)", False, "record", False),
    ("model != a", False, "record", False),
    ("model:a OR status:errored", False, "record", False),
    ("model:a status:errored", False, "record", False),
    ("customer:a", False, "record", False),
    ("refund", False, "record", False),
    ("metric.accuracy.status:fail", False, "score", True),
    ("metric.accuracy.status:fail created:-7d", False, "score", True),
    ("metric.accuracy.status:fail", True, "score", False),
    ("metric.accuracy.status:fail tag:ci", False, "score", False),
    ("metric.accuracy:<0.5", False, "score", True),
    ("-metric.accuracy.status:fail", False, "record", False),
    ("metric.accuracy.status:fail OR tag:ci", False, "record", False),
    ("metric.accuracy.latest:fail", False, "record", False),
    ("metric.tone:rude", False, "record", False),
    ("metric.status:fail", False, "record", False),
]


@pytest.mark.parametrize(("text", "roots", "table", "direct"), WAYS)
def test_the_way_of_a_search_follows_from_its_form(text: str, roots: bool, table: str, direct: bool) -> None:
    plan = plan_of(search_for(Project(id=1), VOCABULARY, text, roots=roots))
    assert (plan.source.split()[0], plan.direct) == (table, direct)


def test_of_two_metrics_the_rarer_condition_drives(stock: Any) -> None:
    project, vocabulary = stock
    counts = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.slug, s.outcome, sum(s.n) FROM score_rollup s JOIN metric m ON m.id = s.metric_id"
            " WHERE s.project_id = %s AND s.is_root GROUP BY 1, 2",
            [project.id],
        )
        counts = {(slug, outcome): n for slug, outcome, n in cursor}
    passing, errored = counts["accuracy", 1], counts["tone", 3]
    assert passing > errored
    for text in ("metric.accuracy.status:pass metric.tone.status:errored",
                 "metric.tone.status:errored metric.accuracy.status:pass"):  # fmt: skip
        plan = plan_of(search_for(project, vocabulary, text))
        assert plan.driver.field.metric.slug == "tone"
        assert plan.source.count("EXISTS") == 1  # the other one, asked of each record that the first one leaves


def test_a_search_driven_from_scores_carries_the_time_bounds_to_their_index(stock: Any) -> None:
    project, vocabulary = stock
    plan = plan_of(search_for(project, vocabulary, "metric.accuracy.status:fail created:-7d created:<-1h"))
    assert "s.record_created_at >= %s" in plan.where
    assert "s.record_created_at <= %s" in plan.where


def explained(plan: Plan, more: list[str], tail: str) -> str:
    """With the ways that suit few rows switched off, whether the index can serve the query in its order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off;"
            "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
        )
        cursor.execute("EXPLAIN " + plan.sql("r.id", more, tail), plan.params)
        return "\n".join(line for (line,) in cursor)


INDEXES = [
    ("", True, "record_root"),
    ("", False, "record_time"),
    ("status:errored", False, "record_status"),
    ("source:trace", False, "record_source"),
    ("model:gpt-4o", False, "record_model"),
    ("model = gpt-4o", False, "record_model"),
    ("name:retriever", False, "record_name"),
    ("environment:prod", False, "record_environment"),
    ("experiment:baseline", False, "record_experiment"),
    ("run = baseline", False, "record_experiment"),
    ("metric.accuracy.status:fail", False, "score_outcome|score_time"),
    ("metric.accuracy:<0.5", False, "score_time"),
]


@pytest.mark.parametrize(("text", "roots", "index"), INDEXES)
def test_an_index_serves_filter_and_order_alike(stock: Any, text: str, roots: bool, index: str) -> None:
    project, vocabulary = stock
    plan = plan_of(search_for(project, vocabulary, text, roots=roots))
    found = explained(plan, [], f"ORDER BY {plan.time} DESC, {plan.id} DESC LIMIT 50")
    assert re.search(f"using ({index}) ", found)
    assert "Sort" not in found


@pytest.mark.parametrize("column", ["latency_ms", "cost", "tokens"])
@pytest.mark.parametrize("way", ["ASC", "DESC"])
def test_an_index_serves_a_sort_by_a_number(stock: Any, column: str, way: str) -> None:
    project, vocabulary = stock
    plan = plan_of(search_for(project, vocabulary, "", roots=False))
    found = explained(plan, [f"r.{column} IS NOT NULL"], f"ORDER BY r.{column} {way}, r.id {way} LIMIT 50")
    assert f"record_{column.removesuffix('_ms')} " in found
    assert "Incremental Sort" in found


def test_metadata_equality_can_use_its_index(stock: Any) -> None:
    project, vocabulary = stock
    search = search_for(project, vocabulary, "metadata.a = gold")
    condition = compile_sql(search.node, vocabulary, search.now, search.zone)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        cursor.execute(f"EXPLAIN SELECT FROM record r WHERE {condition.sql}", condition.params)
        assert "record_metadata" in "\n".join(line for (line,) in cursor)


# ---- bounded and read-only
@pytest.mark.django_db
def test_a_search_cannot_write() -> None:
    with pytest.raises(Exception, match="read-only"), reading() as cursor:
        cursor.execute("DELETE FROM record")


def test_a_query_past_its_time_is_a_timeout_and_the_connection_goes_on(project: Project) -> None:
    with pytest.raises(SearchTimeout, match="shorter time range"), reading(0.05) as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert factories.record(project).id  # and what comes after may write again


def test_an_outer_transaction_goes_on_even_if_going_back_to_its_savepoint_is_cut_off(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the rollback behind a timeout may run into the same limit."""
    go_back, failures = connection._savepoint_rollback, [1]

    def cut_off(savepoint: str) -> None:
        if failures:
            failures.pop()
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK TO SAVEPOINT no_such_savepoint")
        go_back(savepoint)

    monkeypatch.setattr(connection, "_savepoint_rollback", cut_off)
    with pytest.raises(SearchTimeout), reading(0.05) as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    assert not failures
    assert factories.record(project).id


def test_another_database_error_is_no_timeout(project: Project) -> None:
    with pytest.raises(DataError), reading() as cursor:
        cursor.execute("SELECT 1 / 0")


def test_the_limits_of_a_search_end_with_it(stock: Any) -> None:
    project, vocabulary = stock

    def shown(name: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            return cursor.fetchone()[0]

    before = shown("statement_timeout"), shown("transaction_read_only")
    for text in ("", "customer:*", "metric.accuracy.status:fail"):
        page(search_for(project, vocabulary, text))
    assert (shown("statement_timeout"), shown("transaction_read_only")) == before
    assert Record.objects.filter(project=project).update(name="written") > 0


def test_a_slow_search_shows_what_it_found_and_offers_the_rest(stock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older slice runs into its limit; what newer ones gave is still shown."""
    project, vocabulary = stock
    search: Search = search_for(project, vocabulary, "customer:*", roots=False)
    slow = plan_of(search)
    slow.add("CASE WHEN r.created_at < %s THEN pg_sleep(0.3) IS NOT NULL ELSE TRUE END", NOW - 4 * HOUR)
    monkeypatch.setattr(import_module("records.search.page"), "plan_of", lambda search: slow)
    found = page(search, limit=150, budget=0.5)
    assert found.rows
    assert found.next
    assert found.searched_back_to is not None
    assert all(row.created_at >= found.searched_back_to for row in found.rows)


def test_conditions_are_added_to_a_search_without_touching_it(stock: Any) -> None:
    project, vocabulary = stock
    search = search_for(project, vocabulary, "tag:ci OR tag:gold")
    more = search_for(project, vocabulary, "root:true").node
    narrowed = search.narrowed(more)
    assert isinstance(narrowed.node, And)
    assert len(narrowed.node.items) == 2
    assert isinstance(more, Compare)
    assert search.node != narrowed.node
