"""Paging visits every matching row exactly once, in order, whichever way the search goes."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID

import orjson
import pytest

from evalhub.models import Project
from records.filterlang import Vocabulary
from records.ids import uuid7
from records.models import Record
from records.search import BadCursor, Search, batches, page
from tests import factories
from tests.records.filterlang.rows import NOW
from tests.records.searching import FILTERS, search_for, stocked, visited


@pytest.fixture
def stock(project: Project) -> tuple[Project, list[dict[str, Any]], Any]:
    stocked(factories.project(), 30, seed=2)  # another tenant's
    return project, *stocked(project)


def by_time(rows: list[dict[str, Any]], descending: bool) -> list[Any]:
    return [row["id"] for row in sorted(rows, key=lambda r: (r["created_at"], r["id"]), reverse=descending)]


@pytest.mark.parametrize("sort", ["-created", "created"])
@pytest.mark.parametrize("roots", [True, False])
def test_paging_in_the_order_of_time_visits_each_row_once(stock: Any, roots: bool, sort: str) -> None:
    for text, true in FILTERS:
        _pages_by_time(stock, text, true, roots, sort)


def _pages_by_time(stock: Any, text: str, true: Any, roots: bool, sort: str) -> None:
    project, rows, vocabulary = stock
    wanted = by_time([r for r in rows if true(r) and (r["is_root"] or not roots)], sort == "-created")
    search = search_for(project, vocabulary, text, roots=roots, sort=sort)
    for limit in (1, 4, 50) if text == "gold" else (7,):
        assert visited(search, limit) == wanted, text
    assert wanted or "nothing-of" in text


@pytest.mark.parametrize("sort", ["-created", "created"])
def test_a_search_that_ran_out_of_time_goes_on_where_it_stopped(stock: Any, sort: str) -> None:
    project, rows, vocabulary = stock
    wanted = by_time([r for r in rows if "gold" in (r["search_text"] or "").lower()], sort == "-created")
    search = search_for(project, vocabulary, "gold", roots=False, sort=sort)
    assert visited(search, 50, budget=0) == wanted
    first = page(search, limit=50, budget=0)
    assert first.searched_back_to is not None
    assert first.next
    assert all((row.created_at >= first.searched_back_to) == (sort == "-created") for row in first.rows)


def test_the_end_of_a_list_has_no_next_page(stock: Any) -> None:
    project, rows, vocabulary = stock
    all_of_it = page(search_for(project, vocabulary, "customer:*", roots=False), limit=500, budget=60)
    assert (all_of_it.next, all_of_it.searched_back_to) == ("", None)
    exactly = sum(1 for row in rows if row["customer"])
    assert page(search_for(project, vocabulary, "customer:*", roots=False), limit=exactly, budget=60).next == ""


def test_an_empty_project_has_an_empty_page(project: Project) -> None:
    for text in ("", "customer:a"):
        found = page(search_for(project, Vocabulary(), text))
        assert (found.rows, found.next, found.searched_back_to) == ([], "", None)


VALUES = {"latency": "latency_ms", "cost": "cost", "tokens": "tokens"}


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in VALUES for sign in ("", "-")])
@pytest.mark.parametrize("rare", [2_000, -1], ids=["sorting what matches", "along the sorted index"])
def test_paging_in_the_order_of_a_number_visits_each_row_once_missing_ones_last(
    stock: Any, sort: str, rare: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("records.search.page"), "RARE", rare)
    for text, true in FILTERS:
        _pages_by_value(stock, text, true, sort)


def _pages_by_value(stock: Any, text: str, true: Any, sort: str) -> None:
    project, rows, vocabulary = stock
    column, descending = VALUES[sort.lstrip("-")], sort.startswith("-")
    matching = [r for r in rows if true(r)]
    given = sorted(
        (r for r in matching if r[column] is not None), key=lambda r: (r[column], r["id"]), reverse=descending
    )
    wanted = [r["id"] for r in given] + by_time([r for r in matching if r[column] is None], True)
    search = search_for(project, vocabulary, text, roots=False, sort=sort)
    assert visited(search, 7) == wanted, text


def test_a_page_goes_on_behind_rows_that_were_deleted_meanwhile(stock: Any) -> None:
    project, rows, vocabulary = stock
    search = search_for(project, vocabulary, "customer:*", roots=False)
    wanted = by_time([r for r in rows if r["customer"]], True)
    first = page(search, limit=5, budget=60)
    Record.objects.filter(project=project, id__in=[row.id for row in first.rows]).delete()
    second = page(search, first.next, limit=5, budget=60)
    assert [row.id for row in second.rows] == wanted[5:10]


def test_a_row_carries_what_lists_show(stock: Any) -> None:
    project, rows, vocabulary = stock
    by_id = {row["id"]: row for row in rows}
    for text in ("", "metric.accuracy.status:pass", "customer:*"):
        for row in page(search_for(project, vocabulary, text), limit=5, budget=60).rows:
            known = by_id[row.id]
            assert (row.created_at, row.model, row.latency_ms, row.tags) == (
                known["created_at"], known["model"], known["latency_ms"], known["tags"],
            )  # fmt: skip


NAIVE = "WyJ0IiwiMjAyNi0wMS0wMSIsbnVsbF0"  # a time without a zone
NAN = "WyJuIiwiTmFOIixudWxsXQ"


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "e30",
        "W10",
        "====",
        "WyJ0Il0",
        "\u202e",
        "A" * 5_000,
        "WyJ0IiwiMjAyNi0wMS0wMSIsbnVsbF0",
        "WyJuIiwiTmFOIixudWxsXQ",
        *(
            urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")
            for parts in (
                ["n", "1e999999", str(UUID(int=1))],
                ["n", "1e-999999", str(UUID(int=1))],
                ["t", "9999-12-31T00:00:00+00:00", None],
                ["t", "0001-01-01T00:00:00+14:00", None],
                ["t", "2026-01-01T00:00:00+00:00", 5],
            )
        ),
    ],
)
@pytest.mark.parametrize("sort", ["-created", "-latency"])
def test_a_cursor_that_no_page_gave_out_is_refused(project: Project, cursor: str, sort: str) -> None:
    with pytest.raises(BadCursor):
        page(search_for(project, Vocabulary(), "", sort=sort), cursor)


def test_an_offset_that_only_python_knows_is_no_crash(project: Project) -> None:
    at = "2026-01-01T00:00:00+23:59"
    assert page(search_for(project, Vocabulary(), f"created >= '{at}' started < '{at}'")).rows == []
    cursor = urlsafe_b64encode(orjson.dumps(["t", at, str(UUID(int=1))])).decode().rstrip("=")
    assert page(search_for(project, Vocabulary(), ""), cursor).rows == []


# ---- all that match
def test_batches_hold_everything_that_matches_once(stock: Any) -> None:
    project, rows, vocabulary = stock
    for text, true in FILTERS:
        found = list(batches(search_for(project, vocabulary, text, roots=False, sort="cost"), size=20))
        assert all(0 < len(batch) <= 20 for batch in found)
        assert [row.id for batch in found for row in batch] == by_time([r for r in rows if true(r)], True), text


@pytest.mark.parametrize("text", ["", "customer:late", "metric.accuracy.status:pass"])
def test_what_arrives_after_the_ceiling_is_not_part_of_it_however_old_it_is(stock: Any, text: str) -> None:
    project, rows, vocabulary = stock
    ceiling = uuid7(1_790_000_000_000)
    search: Search = search_for(project, vocabulary, text, roots=False)
    before = {row.id for batch in batches(search, ceiling) for row in batch}
    factories.record(
        project, id=uuid7(1_790_000_000_001), created_at=NOW - timedelta(days=30), customer="late", is_root=True
    )
    assert {row.id for batch in batches(search, ceiling) for row in batch} == before
    assert len(visited(replace(search, ceiling=ceiling), 50)) == len(before)
