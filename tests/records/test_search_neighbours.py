"""Previous and next go through a list exactly as the list stands, from either end, whatever it is sorted by."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from records.drafts import RecordDraft
from records.filterlang import parse
from records.ids import uuid7
from records.ingest import ingest
from records.models import Record, Score, Source
from records.search import SORTS, Search, neighbour, page
from records.vocabulary import vocabulary_of
from tests import factories

START = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def records(project):
    """Thirty records over three months, many of the same instant, a third of them without any number."""
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, START + timedelta(days=(n // 3) * 9), name="odd" if n % 2 else "even",
            latency_ms=None if n % 3 == 0 else n % 4 * 100, cost=None if n % 3 == 0 else n % 2,
            tokens_in=None if n % 3 == 0 else n % 5, tokens_out=None if n % 3 == 0 else 1,
        )
        for n in range(30)
    ]  # fmt: skip
    ids = ingest(project, drafts, "ci").ids
    quality = factories.metric(project, "quality")
    for n, id in enumerate(ids):
        if n % 4:
            value = n % 3 / 2
            at = START + timedelta(days=(n // 3) * 9)
            Score.objects.create(
                project=project, id=uuid7(), record_id=id, record_created_at=at, metric=quality, status=1, rank=3,
                is_current=True, source=1, created_at=at, task_key="once", numerical_value=value, value=value,
            )  # fmt: skip
    return ids


def search_of(project, q: str = "", sort: str = "-created") -> Search:
    vocabulary = vocabulary_of(project)
    return Search(project.id, parse(q, vocabulary), vocabulary, timezone.now(), UTC, sort=sort)


def walked(search: Search, record, forward: bool) -> list:
    found = []
    while (record := neighbour(search, record, forward)) is not None:
        found.append(record.id)
    return found


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in (*SORTS, "metric.quality") for sign in ("-", "")])
@pytest.mark.parametrize("q", ["", "name:odd"])
def test_stepping_visits_the_list_in_its_order_in_both_directions(project, records, sort, q):
    search = search_of(project, q, sort)
    rows = page(search, limit=100).rows
    listed = [row.id for row in rows]
    assert len(listed) == (15 if q else 30)
    assert walked(search, rows[0], forward=True) == listed[1:]
    assert walked(search, rows[-1], forward=False) == listed[-2::-1]


def test_a_record_that_no_longer_matches_still_has_its_place(project, records):
    search = search_of(project, "name:odd")
    rows = page(search, limit=100).rows
    Record.objects.filter(project=project, id=rows[7].id).update(name="even")
    assert neighbour(search, rows[7], forward=True).id == rows[8].id
    assert neighbour(search, rows[7], forward=False).id == rows[6].id


def test_a_record_itself_does_for_a_row(project, records):
    search = search_of(project, sort="-latency")
    record = Record.objects.get(project=project, id=page(search, limit=1).rows[0].id)
    assert neighbour(search, record, forward=False) is None
    assert neighbour(search, record, forward=True) is not None


def test_nothing_matches_beside_it(project, records):
    record = Record.objects.filter(project=project).first()
    assert neighbour(search_of(project, "name:nobody"), record, forward=True) is None
