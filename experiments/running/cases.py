"""Every case put as it will be put, before a model is asked anything: as many as a request has time for, the rest by a
worker. What is wrong is said with the cases that it is about."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from django.db.models import QuerySet
from django.utils import timezone

from experiments.datasets.listing import items_of
from experiments.models import UNFINISHED, DatasetItem, Experiment, Workflow
from experiments.running.generating import CannotAsk, call_of
from experiments.workflows.asking import Call, CaseProblem
from experiments.workflows.prompt import unknown_variables
from scoring.dialects import Message

ALWAYS = 500  # cases of an experiment, before it is accepted
REQUEST_SECONDS = 0.5  # some thousands of cases
SAMPLED = 200  # cases whose length speaks for all of them
NAMED_CASES = 3  # in one message
NAMED_PROBLEMS = 5
BEAT_SECONDS = 1.0


@dataclass(slots=True)
class Seen:
    """`whole`: all of the `n` cases that there are were looked at, else the first so many. `chars` is the mean length
    of what is sent for one; `unknown` are names in the cases that the prompt does not use; `bad` the cases by problem.
    """

    n: int = 0
    whole: bool = True
    chars: float = 0.0
    unknown: dict[str, None] = field(default_factory=dict)
    bad: dict[str, list[str]] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        return [_words(why, cases) for why, cases in list(self.bad.items())[:NAMED_PROBLEMS]]


def cases_of(experiment: Experiment) -> QuerySet[DatasetItem]:
    """In their order, with their inputs alone."""
    items = items_of(experiment.dataset, experiment.dataset_revision)
    if experiment.split:
        items = items.filter(split=experiment.split)
    return items.only("id", "case_id", "inputs")


def look(experiment: Experiment, call: Call, goes_on: Callable[[], bool]) -> Seen:
    """Looks at one case after the other while `goes_on` says so."""
    seen, sampled, length = Seen(), 0, 0
    for item in cases_of(experiment).iterator(chunk_size=500):
        if not goes_on():
            seen.whole = False
            break
        seen.n += 1
        try:
            messages = call.messages_of(item.inputs)
        except CaseProblem as problem:
            seen.bad.setdefault(str(problem), []).append(item.case_id)
            continue
        if experiment.prompt_version:
            seen.unknown.update(dict.fromkeys(unknown_variables(experiment.prompt_version, item.inputs)))
        if sampled < SAMPLED:
            sampled, length = sampled + 1, length + _length(messages)
    seen.chars = length / sampled if sampled else 0.0
    return seen


def in_time() -> Callable[[], bool]:
    """For a request. A small dataset is looked at whole, however busy the machine is."""
    until, looked_at = time.monotonic() + REQUEST_SECONDS, count(1)
    return lambda: next(looked_at) <= ALWAYS or time.monotonic() < until


def look_at_all(experiment: Experiment) -> None:
    """For a worker, where the request had no time for all of them. A bad case stops the experiment: somebody cancels it
    or resumes it, and then those cases alone become errors."""
    if experiment.workflow not in (Workflow.PROMPT, Workflow.COMPLETION) or experiment.planned_at:
        return
    mine = Experiment.objects.filter(pk=experiment.pk, planned_at=None, state__in=UNFINISHED, reason="")
    try:
        seen = look(experiment, call_of(experiment), _beating(mine))
    except CannotAsk as why:
        mine.update(reason=str(why)[:2000])
    else:
        if seen.whole:
            mine.update(planned_at=timezone.now(), reason=_stopped(seen) if seen.bad else "")
    experiment.refresh_from_db(fields=["state", "reason", "planned_at", "beat_at"])


def _beating(mine: QuerySet[Experiment]) -> Callable[[], bool]:
    """True while it is to be worked on; gives a sign of life meanwhile."""
    next_at = 0.0

    def goes_on() -> bool:
        nonlocal next_at
        if time.monotonic() < next_at:
            return True
        next_at = time.monotonic() + BEAT_SECONDS
        return bool(mine.update(beat_at=timezone.now()))

    return goes_on


def _stopped(seen: Seen) -> str:
    n = sum(map(len, seen.bad.values()))
    said = " ".join(seen.problems)
    return (
        f"{n:,} of {seen.n:,} cases cannot be put to the model, and none was asked yet. {said} "
        "Resumed, it runs the others, and these become errors."
    )[:2000]  # fmt: skip


def _length(messages: list[Message]) -> int:
    return sum(len(content) if isinstance(content := m["content"], str) else len(json.dumps(content)) for m in messages)


def _words(why: str, cases: list[str]) -> str:
    names = ", ".join(case[:60] for case in cases[:NAMED_CASES])
    more = f" and {len(cases) - NAMED_CASES:,} more" if len(cases) > NAMED_CASES else ""
    return f"{'Case' if len(cases) == 1 else 'Cases'} {names}{more}: {why[:500]}"
