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
from records.search import BadCursor, Search, SearchTimeout, batches, page
from records.search.plan import plan_of
from records.vocabulary import vocabulary_of
from tests import factories
from tests.records.filterlang.rows import NOW
from tests.records.searching import FILTERS, current, search_for, stocked, visited


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


NUMBERS = {
    "latency": ("latency_ms", ""),
    "ttft": ("ttft_ms", ""),
    "tokens.input": ("tokens_in", ""),
    "cost": ("cost", "trace_cost"),
    "tokens": ("tokens", "trace_tokens"),
}
BY_NUMBER = import_module("records.search.by_number")
SORTED = [f"{sign}{name}" for name in (*NUMBERS, "metric.accuracy", "metric.safe") for sign in ("", "-")]


def number_of(row: dict[str, Any], sort: str) -> float | None:
    name = sort.lstrip("-")
    if name.startswith("metric."):
        return (current(row, name.removeprefix("metric.")) or {}).get("value")
    own, of_trace = NUMBERS[name]
    return row[own] if row[own] is not None or not of_trace else row.get(of_trace)


def by_number(rows: list[dict[str, Any]], sort: str) -> list[UUID]:
    """Those without the number last, newest first."""
    given = [(number_of(row, sort), row["id"]) for row in rows if number_of(row, sort) is not None]
    missing = [row for row in rows if number_of(row, sort) is None]
    return [id for _, id in sorted(given, reverse=sort.startswith("-"))] + by_time(missing, True)


@pytest.mark.parametrize("sort", SORTED)
def test_paging_in_the_order_of_a_number_visits_each_row_once_missing_ones_last(stock: Any, sort: str) -> None:
    project, rows, vocabulary = stock
    for number, (text, true) in enumerate(FILTERS):
        roots = number % 2 == 1 or sort == "-cost"
        search = search_for(project, vocabulary, text, roots=roots, sort=sort)
        wanted = by_number([row for row in rows if true(row) and (row["is_root"] or not roots)], sort)
        assert visited(search, 7 if text in SMALL_PAGES else 60) == wanted, text


SMALL_PAGES = ("", "metric.accuracy:>=0.5", "customer:gpt* latency:>0.4")
WAYS = {
    "few candidates": {"CANDIDATES": (3, 60)},
    "no candidates": {"CANDIDATES": ()},
    "no time to walk": {"RARE": 2_000},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sort", ["cost", "-latency", "metric.accuracy", "-metric.safe"])
def test_the_order_is_the_same_whichever_way_it_is_found(
    stock: Any, way: str, sort: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, rows, vocabulary = stock
    for name, value in WAYS[way].items():
        monkeypatch.setattr(BY_NUMBER, name, value)
    if way == "no time to walk":
        monkeypatch.setattr(BY_NUMBER, "_walked", lambda *_: (_ for _ in ()).throw(SearchTimeout))
    for text, true in FILTERS[1:]:  # the sort along an index, without a filter, has no other way
        search = search_for(project, vocabulary, text, roots=False, sort=sort)
        if way == "no time to walk" and not plan_of(search).selective:
            continue
        assert visited(search, 30) == by_number([row for row in rows if true(row)], sort), text


@pytest.mark.parametrize("sort", ["-cost", "metric.accuracy"])
def test_the_end_of_what_has_the_number_is_no_end_while_others_have_none(stock: Any, sort: str) -> None:
    project, rows, vocabulary = stock
    given = sum(1 for row in rows if number_of(row, sort) is not None)
    first = page(search_for(project, vocabulary, "", roots=False, sort=sort), limit=given)
    assert (len(first.rows), bool(first.next)) == (given, True)
    narrowed = f"{sort.lstrip('-')}:>=0"
    assert page(search_for(project, vocabulary, narrowed, roots=False, sort=sort), limit=given).next == ""


def test_a_filter_of_the_cost_sees_what_the_sort_by_it_sees(stock: Any) -> None:
    project, rows, vocabulary = stock
    wanted = [row["id"] for row in rows if (number_of(row, "cost") or 0) >= 5]
    assert any(row["cost"] is None for row in rows if row["id"] in wanted)
    assert sorted(visited(search_for(project, vocabulary, "cost:>=5", roots=False), 50)) == sorted(wanted)
    missing = {row["id"] for row in rows if number_of(row, "cost") is None}
    assert set(visited(search_for(project, vocabulary, "cost IS NULL", roots=False), 50)) == missing


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
                ["n", "NaN", str(UUID(int=1))],
                ["t", "9999-12-31T00:00:00+00:00", None],
                ["t", "0001-01-01T00:00:00+14:00", None],
                ["t", "2026-01-01T00:00:00+00:00", 5],
            )
        ),
    ],
)
@pytest.mark.parametrize("sort", ["-created", "-latency", "cost", "metric.quality"])
def test_a_cursor_that_no_page_gave_out_is_refused(project: Project, cursor: str, sort: str) -> None:
    factories.metric(project, "quality")
    with pytest.raises(BadCursor):
        page(search_for(project, vocabulary_of(project), "", sort=sort), cursor)


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
