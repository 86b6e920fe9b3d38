"""Senders of the same spans at the same time, with real commits: nobody fails, nothing is counted twice or lost."""

import random
import threading
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from evalhub.models import Project
from records.deletion import delete_records
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Outbox, Record, Source
from records.rollups import repair
from tests import factories
from tests.records.recount import recount

SECONDS = 3
T0 = datetime(2026, 5, 1, 12, 30, tzinfo=UTC)


def trace(n: int) -> list[RecordDraft]:
    """Seven spans in a tree, each whole, in halves, or by a key that does not name its trace."""
    drafts = []
    for k in range(7):
        where = {
            "trace_id": f"t{n}",
            "span_id": str(k),
            "source": Source.TRACE,
            "created_at": T0 + timedelta(minutes=9 * k),
            "ended_at": T0 + timedelta(minutes=9 * k + 1),
        }
        key = f"key-{n}-{k}" if k == 3 else f"t{n}:{k}"
        parent = str((k - 1) // 2) if k else ""
        drafts.append(RecordDraft(key, **where, parent_id=parent, tokens_in=k, inputs={"k": k}))
        drafts.append(RecordDraft(key, **where, tokens_out=1, cost=Decimal(k) / 100, outputs="x" * k))
    drafts.append(RecordDraft(f"key-{n}-3", Source.API, T0, error="late, and without its trace"))
    drafts.append(RecordDraft(f"alone-{n}", Source.API, T0, tokens=n))
    return drafts


def send(project: Project, rng: random.Random, end: float, n: list[int]) -> None:
    """All senders send the same few traces, in their own order and cuts, then go on to the next ones."""
    while time.monotonic() < end:
        drafts = [draft for k in range(3) for draft in trace(n[0] + k)]
        rng.shuffle(drafts)
        while drafts:
            cut = rng.randrange(1, 30)
            ingest(project, drafts[:cut], "race")
            drafts = drafts[cut:]
        n[0] += rng.random() < 0.5


def delete(project: Project, rng: random.Random, end: float, _: list[int]) -> None:
    while time.monotonic() < end:
        ids = list(Record.objects.filter(project=project).order_by("?").values_list("id", flat=True)[:3])
        delete_records(project.id, ids)
        time.sleep(0.02)


def mend(project: Project, rng: random.Random, end: float, _: list[int]) -> None:
    """A repair finds nothing to repair, however many are writing."""
    while time.monotonic() < end:
        assert repair(project.id) == {"record_rollup": 0, "score_rollup": 0}
        time.sleep(0.05)


def race(project: Project, *actors) -> list[BaseException]:
    errors: list[BaseException] = []
    end, n = time.monotonic() + SECONDS, [0]

    def act(actor, seed: int) -> None:
        try:
            actor(project, random.Random(seed), end, n)
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=(actor, seed)) for seed, actor in enumerate(actors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
def test_senders_of_the_same_spans_at_the_same_time_agree(project):
    assert race(project, send, send, send, send, mend) == []
    assert not any(recount(project.id).values())
    once = factories.project()
    for n in range(200):
        if not Record.objects.filter(project=project, trace_id=f"t{n}").exists():
            break
        ingest(once, trace(n), "alone")
    assert n > 1

    def whole(p: Project) -> list:
        rows = Record.objects.filter(project=p, trace_id__in=[f"t{k}" for k in range(n - 3)]).order_by("external_id")
        return list(rows.values_list("external_id", "is_root", "tokens", "cost", "error", "trace_spans", "trace_cost"))

    assert whole(project) == whole(once)


@pytest.mark.django_db(transaction=True)
def test_deleting_while_the_same_spans_are_sent_keeps_every_count_right(project):
    assert race(project, send, send, delete, delete, mend) == []
    assert Record.objects.filter(project=project).exists()
    assert not any(recount(project.id).values())


@pytest.mark.django_db(transaction=True)
def test_every_batch_is_announced_in_its_own_transaction(project):
    seen = []
    ingest(project, trace(1), "ci")
    with pytest.raises(ZeroDivisionError):
        _fail_after(project, trace(2))
    for row in Outbox.objects.filter(project=project):
        seen += row.ids
    ended = Record.objects.filter(project=project, ended_at__isnull=False)
    assert sorted(seen) == sorted(ended.values_list("id", flat=True)) != []


def _fail_after(project: Project, drafts: list[RecordDraft]) -> None:
    from django.db import transaction

    with transaction.atomic():
        ingest(project, drafts, "ci")
        raise ZeroDivisionError
