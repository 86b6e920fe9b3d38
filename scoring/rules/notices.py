"""What is wrong with online scoring, said aloud: on every page of the project, and without names in /readyz."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import Sum
from django.utils import timezone

from evalhub.health import workers_of
from evalhub.models import Project
from scoring.models import Counted, Rule, RuleCount
from scoring.rules.funnel import DAY
from scoring.runs.wording import duration

log = logging.getLogger(__name__)

QUEUE = "online"
PASSED_BY = 100  # ended records of a day of which a rule should have matched one
LATE_AFTER = timedelta(minutes=10)  # what waits shorter is a busy hour, or is tried again soon, and no alarm
UNPLANNED_AFTER = timedelta(minutes=3)  # planning takes milliseconds, and a lost ring is rung again within a minute

# The oldest score that waits, and why if it was tried: what a provider refuses or puts off is late as well.
OLDEST = """
SELECT s.created_at, s.error FROM unnest(%s::bigint[]) AS t(project_id) CROSS JOIN LATERAL (
  SELECT created_at, error FROM score WHERE project_id = t.project_id AND status = 0 AND rule_id IS NOT NULL
  ORDER BY id LIMIT 1) s
ORDER BY s.created_at LIMIT 1
"""
UNPLANNED = (
    "SELECT DISTINCT ON (project_id) project_id, id FROM outbox WHERE project_id = ANY(%s) ORDER BY project_id, id"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """`kind`: worker, paused, behind or nothing. With `rule` it is about that one: `words` go on behind its name.
    `reason` is for the project's people alone: it may hold what a provider said."""

    kind: str
    words: str
    rule: Rule | None = None
    reason: str = ""


def notices_of(project: Project) -> list[Notice]:
    """What the project's people should know, the gravest first; nothing where it has no rule that is enabled."""
    rules = list(Rule.objects.filter(project=project, enabled=True))
    return _notices(rules, timezone.now()) if rules else []


def health() -> tuple[str, list[str]]:
    """For /readyz, which counts workers itself: a word, and warnings without anybody's names. All projects together."""
    try:
        rules = list(Rule.objects.filter(enabled=True))
        found = _notices(rules, timezone.now()) if rules else []
    except DatabaseError as problem:
        log.warning("Online scoring could not be looked at: %s", problem)
        return "unknown", []
    by_kind = {kind: sum(notice.kind == kind for notice in found) for kind in ("paused", "nothing")}
    warnings = [notice.words for notice in found if notice.kind == "behind"]
    if n := by_kind["paused"]:
        warnings.append(f"{_rules(n)} paused by an error: what matches is not scored.")
    if n := by_kind["nothing"]:
        warnings.append(f"{_rules(n)} matching nothing while records pass by.")
    return ("warnings" if warnings else "ok"), warnings


def _rules(n: int) -> str:
    return f"{n} online scoring rule{' is' if n == 1 else 's are'}"


def _notices(rules: Sequence[Rule], now: datetime) -> list[Notice]:
    """Five queries at the most, whatever the number of rules."""
    at_work = [rule for rule in rules if rule.at_work]
    found = []
    if at_work and workers_of(QUEUE) == 0:
        found.append(Notice("worker", "No worker is running: records are stored and drawn, and nothing is scored."))
    found += [Notice("paused", f"is paused: {rule.paused_reason}", rule) for rule in rules if rule.paused_reason]
    if at_work:
        found += _behind({rule.project_id for rule in at_work}, now)
        found += _matching_nothing(at_work, now)
    return found


def _behind(projects: set[int], now: datetime) -> list[Notice]:
    """How late planning and scoring are."""
    with connection.cursor() as cursor:
        cursor.execute(UNPLANNED, [list(projects)])
        unplanned = [datetime.fromtimestamp((id.int >> 80) / 1000, UTC) for _, id in cursor.fetchall()]
        cursor.execute(OLDEST, [list(projects)])
        oldest, why = cursor.fetchone() or (now, "")
    found = []
    if unplanned and min(unplanned) < now - UNPLANNED_AFTER:
        late = duration((now - min(unplanned)).total_seconds())
        found.append(Notice("behind", f"New records have waited for {late} to be looked at by the rules."))
    if oldest < now - LATE_AFTER:
        late = duration((now - oldest).total_seconds())
        asked, done = _last_hour(projects, now)
        pace = f" In the last hour {asked:,} scores were asked for and {done:,} came." if asked or done else ""
        reason = f"The oldest score waits: {why[:300]}" if why else ""
        found.append(Notice("behind", f"Online scoring is {late} behind.{pace}", reason=reason))
    return found


def _last_hour(projects: set[int], now: datetime) -> tuple[int, int]:
    """(scores asked for, scores that came), since the full hour before this one."""
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    counts = RuleCount.objects.filter(project_id__in=projects, hour__gte=since)
    sums = dict(counts.values_list("gate").annotate(n=Sum("count")))
    done = (Counted.COMPLETED, Counted.ERRORED, Counted.SKIPPED)
    return sums.get(Counted.CALLS, 0), sum(sums.get(gate, 0) for gate in done)


def _matching_nothing(rules: Sequence[Rule], now: datetime) -> list[Notice]:
    counts = RuleCount.objects.filter(rule__in=[rule.pk for rule in rules], hour__gt=now - DAY)
    sums = {(rule, gate): n for rule, gate, n in counts.values_list("rule_id", "gate").annotate(n=Sum("count"))}
    found = []
    for rule in rules:
        seen = sums.get((rule.pk, Counted.SEEN), 0)
        if seen >= PASSED_BY and not sums.get((rule.pk, Counted.FILTER)):
            passed = sums.get((rule.pk, Counted.SPANS), 0)
            where = "its choice of spans lets none through" if not passed else "its filter matches none of them"
            found.append(Notice("nothing", f"has matched nothing while {seen:,} records passed by: {where}.", rule))
    return found
