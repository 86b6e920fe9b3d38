"""What must be true when all is over, each as a count of differences: 0, or the run has failed."""

from collections import Counter
from typing import Any

from tests.chaos.load import Load
from tests.chaos.world import World

WAITING = {
    "announced batches": "SELECT count(*) FROM outbox WHERE project_id = %(p)s",
    "open traces": "SELECT count(*) FROM open_trace WHERE project_id = %(p)s",
    "pending scores": "SELECT count(*) FROM score WHERE project_id = %(p)s AND status = 0",
    "unfinished runs": "SELECT count(*) FROM scoring_run WHERE project_id = %(p)s AND status <> 'finished'",
}


def waiting(world: World) -> dict[str, int]:
    """What is not done yet, by kind; without what is."""
    found = {name: _one(sql, world) for name, sql in WAITING.items()}
    return {name: n for name, n in found.items() if n}


def differences(world: World, load: Load) -> list[str]:
    """In words; nothing when all is right."""
    found = [f"client: {problem}" for problem in load.problems]
    found += _records(world, load) + _scores(world, load) + _runs(world, load) + _rules(world)
    from tests.records.recount import recount

    wrong = {name: n for name, n in recount(world.project.pk).items() if n}
    return found + [f"recount: {n} differences in {name}" for name, n in wrong.items()]


def _records(world: World, load: Load) -> list[str]:
    rows = _all("SELECT external_id FROM record WHERE project_id = %(p)s", world)
    stored = Counter(id for (id,) in rows)
    found = _said("acknowledged records are missing", load.records - stored.keys())
    found += _said("records were stored that nobody sent", stored.keys() - load.records)
    found += _said("records are there more than once", {id for id, n in stored.items() if n > 1})
    wrong = _all(
        "SELECT r.external_id FROM record r LEFT JOIN payload y ON y.project_id = r.project_id AND y.record_id = r.id"
        " WHERE r.project_id = %(p)s AND (y.inputs::text NOT LIKE '%%of ' || r.external_id || '%%'"
        " OR y.outputs::text NOT LIKE '%%answer to ' || r.external_id || '%%') IS NOT FALSE",
        world,
    )
    return found + _said("records have not what was sent", {id for (id,) in wrong})


def _scores(world: World, load: Load) -> list[str]:
    """Those that came with records: as many as were acknowledged, each once."""
    stored = _one("SELECT count(*) FROM score WHERE project_id = %(p)s AND source NOT IN (1, 2)", world)
    twice = _all(
        "SELECT task_key FROM score WHERE project_id = %(p)s AND task_key <> '' GROUP BY record_id, metric_id, task_key"
        " HAVING count(*) > 1",
        world,
    )
    found = _said("scores are there more than once", {key for (key,) in twice})
    if stored != len(load.scores):
        found.append(f"{len(load.scores)} scores were acknowledged and {stored} stored")
    return found


def _runs(world: World, load: Load) -> list[str]:
    found = []
    if len(set(load.runs.values())) != len(load.runs) or _one(
        "SELECT count(*) FROM scoring_run WHERE project_id = %(p)s", world
    ) != len(load.runs):
        found.append(f"re-scores were not started once each: {load.runs}")
    rows = _all(
        "SELECT r.number, r.planned, r.completed + r.errored + r.skipped, r.records * 2,"
        " (SELECT count(*) FROM score s WHERE s.project_id = r.project_id AND s.run_id = r.id AND s.status > 0),"
        " r.errored FROM scoring_run r WHERE r.project_id = %(p)s ORDER BY 1",
        world,
    )
    for number, *counts, errored in rows:
        if len(set(counts)) != 1:
            found.append(f"run {number}: planned, counted, wanted and stored are {counts}")
        if errored:
            found.append(f"run {number}: {errored} scores errored: {_errors(world, 'run_no = %s', number)}")
    return found


def _rules(world: World) -> list[str]:
    """Each rule against what its terms say of all records as they are now; its counters against its scores."""
    from django.db.models import Sum

    from records.models import Record
    from scoring.models import Counted, Rule, RuleCount, RuleScope, SpansMode
    from scoring.rules.gates import draws

    found = []
    records = list(Record.objects.filter(project=world.project).order_by("id"))
    for rule in Rule.objects.filter(project=world.project):
        evaluators = rule.evaluators.count()
        if not rule.at_work:
            found.append(f"{rule.name} was paused: {rule.paused_reason}")
        ended = [r for r in records if rule.scope == RuleScope.SPAN or not r.trace_id or r.trace_spans is not None]
        chosen = [r for r in ended if r.is_root or rule.spans_mode == SpansMode.ALL]
        matching = [r for r in chosen if not rule.filter or r.environment == "production"]
        drawn = {r.id for r in matching if draws(rule.salt, r.trace_id or str(r.id), rule.rate)}
        scored = Counter(
            id for (id,) in _all("SELECT record_id FROM score WHERE project_id = %(p)s AND rule_id = %(rule)s", world,
                                 rule=rule.pk)
        )  # fmt: skip
        wrong = {id: scored[id] for id in drawn | scored.keys() if scored[id] != evaluators * (id in drawn)}
        found += _said(f"records were not decided once by {rule.name}", {f"{id} ({n})" for id, n in wrong.items()})
        counted = RuleCount.objects.filter(rule=rule).values_list("gate").annotate(n=Sum("count"))
        counts = Counter({gate: int(n) for gate, n in counted})
        done = sum(counts[gate] for gate in (Counted.COMPLETED, Counted.ERRORED, Counted.SKIPPED))
        expected = {
            "seen": (counts[Counted.SEEN], len(ended)), "passed the choice": (counts[Counted.SPANS], len(chosen)),
            "matched": (counts[Counted.FILTER], len(matching)), "drawn": (counts[Counted.SAMPLED], len(drawn)),
            "planned": (counts[Counted.PLANNED], len(drawn)), "scored": (done, sum(scored.values())),
        }  # fmt: skip
        found += [f"{rule.name} counts {n} {what}, of {of}" for what, (n, of) in expected.items() if n != of]
        if counts[Counted.ERRORED]:
            found.append(f"{rule.name}: {counts[Counted.ERRORED]} errored: {_errors(world, 'rule_id = %s', rule.pk)}")
    return found


def _errors(world: World, where: str, value: int) -> str:
    condition = where.replace("%s", "%(value)s")
    rows = _all(
        f"SELECT left(error, 120), count(*) FROM score WHERE project_id = %(p)s AND status = 2 AND {condition}"  # noqa: S608
        " GROUP BY 1 ORDER BY 2 DESC LIMIT 3",
        world, value=value,
    )  # fmt: skip
    return "; ".join(f"{n} x {error}" for error, n in rows)


def _said(what: str, ids: set[Any]) -> list[str]:
    return [f"{len(ids)} {what}: {', '.join(sorted(map(str, ids))[:5])}"] if ids else []


def _one(sql: str, world: World) -> int:
    return _all(sql, world)[0][0]


def _all(sql: str, world: World, **params: object) -> list[tuple]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, {"p": world.project.pk, **params})
        return cursor.fetchall()
