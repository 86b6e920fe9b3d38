"""Testing a rule before it is enabled: each record of the last 24 hours through the gates, slice by slice.

The caller carries the tally from one turn to the next, so that nothing is stored and no request takes long.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import F
from django.db.models.fields.tuple_lookups import TupleLessThan
from django.utils import timezone

from evalhub.models import Project
from records.models import Record
from records.search.plan import reading
from scoring.models import Counted, Rule
from scoring.rules.facts import conditions_of, facts_of
from scoring.rules.funnel import Funnel
from scoring.rules.gates import PASSED, decide

TURN_SECONDS = 0.7
SLICE = 1_000
DRAWN_KEPT = 10
HOURS = 24
GATES = (Counted.SEEN, Counted.SPANS, Counted.FILTER, Counted.SAMPLED)


class BadTally(ValueError):
    """What the caller carries is no tally of this module."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a test is. `since` and `until` bound the creation of the records; `at` and `id` are the last one looked
    at, None before the first; `drawn`: the newest that would be scored, at most DRAWN_KEPT."""

    since: datetime
    until: datetime
    salt: str
    at: datetime | None = None
    id: UUID | None = None
    looked_at: int = 0
    counts: tuple[int, ...] = (0, 0, 0, 0)
    drawn: tuple[UUID, ...] = ()
    done: bool = False

    def written(self) -> str:
        """As one word for a form."""
        times = [at.timestamp() if at else "" for at in (self.since, self.until, self.at)]
        drawn = ",".join(str(id) for id in self.drawn)
        counts = ",".join(map(str, self.counts))
        return "|".join(map(str, [*times, self.id or "", self.looked_at, counts, self.salt, int(self.done), drawn]))

    @property
    def funnel(self) -> Funnel:
        return Funnel(dict(zip(GATES, self.counts, strict=True)))

    @property
    def sampled(self) -> int:
        return self.counts[-1]

    @property
    def percent(self) -> int:
        """Of the time that is looked at; records may lie unevenly in it."""
        if self.done or self.at is None:
            return 100 if self.done else 0
        whole = (self.until - self.since).total_seconds()
        return min(99, round(100 * (self.until - self.at).total_seconds() / whole))


def read_tally(text: str) -> Tally:
    """Raises BadTally."""
    try:
        since, until, at, id, looked_at, counts, salt, done, drawn = text.split("|")
        numbers = tuple(int(n) for n in counts.split(","))
        ids = tuple(UUID(one) for one in drawn.split(",") if one)
        if len(numbers) != len(GATES) or len(ids) > DRAWN_KEPT or len(salt) > 32:
            raise ValueError
        return Tally(
            _time(since), _time(until), salt, _time(at) if at else None, UUID(id) if id else None, int(looked_at),
            numbers, ids, done == "1",
        )  # fmt: skip
    except (ValueError, OverflowError, OSError):
        raise BadTally("This is no state of a test: begin it anew.") from None


def _time(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)


def begin(rule: Rule) -> Tally:
    """Before the first record. A rule that is not saved yet keeps its salt for the whole test."""
    now = timezone.now()
    return Tally(now - timedelta(hours=HOURS), now, rule.salt)


def go_on(project: Project, rule: Rule, tally: Tally, seconds: float) -> Tally:
    """Looks at records, the newest first, for about `seconds`. Raises FilterError, SearchTimeout."""
    until = time.monotonic() + seconds
    rule.salt, rule.enabled = tally.salt, True
    while not tally.done:
        rows = _slice(project, tally)
        if rows:
            tally = _tallied(project, rule, tally, rows)
        if len(rows) < SLICE:
            tally = replace(tally, done=True)
        if time.monotonic() > until:
            break
    return tally


def _slice(project: Project, tally: Tally) -> list[tuple[UUID, datetime]]:
    records = Record.objects.filter(project=project, created_at__gt=tally.since, created_at__lte=tally.until)
    if tally.id is not None:
        records = records.filter(TupleLessThan((F("created_at"), F("id")), (tally.at, tally.id)))
    return list(records.order_by("-created_at", "-id").values_list("id", "created_at")[:SLICE])


def _tallied(project: Project, rule: Rule, tally: Tally, rows: Sequence[tuple[UUID, datetime]]) -> Tally:
    conditions, wrong = conditions_of(project, [rule.filter])
    for error in wrong.values():
        raise error
    with reading():
        facts = facts_of(project.id, [id for id, _ in rows], conditions)
    decided = {found.id: PASSED[decide(rule, found)] for found in facts}
    counts, drawn = list(tally.counts), list(tally.drawn)
    for id, _ in rows:
        passed = decided.get(id, 0)  # 0: deleted meanwhile
        for gate in range(passed):
            counts[gate] += 1
        if passed == len(GATES) and len(drawn) < DRAWN_KEPT:
            drawn.append(id)
    last, at = rows[-1]
    return replace(
        tally, at=at, id=last, looked_at=tally.looked_at + len(rows), counts=tuple(counts), drawn=tuple(drawn)
    )
