"""Experiments of a demo project that really happen: cases go into a dataset, a client's answers are handed in, and the
project's own code evaluators score them. Calls nobody."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from evalhub.models import Project
from experiments.datasets.drafts import read_draft
from experiments.datasets.making import create_dataset
from experiments.datasets.revisions import put_items, rows_of
from experiments.demo.setups import AUTHOR, PROVIDER
from experiments.demo.stories import Plan
from experiments.gate.judging import judge
from experiments.models import Experiment, Workflow
from experiments.prompts.versions import commit, create_prompt, deploy, new_version
from experiments.running.starting import start
from experiments.running.submitting import submit
from experiments.running.wanted import Wanted
from experiments.running.working import take_turn
from scoring.models import Provider
from scoring.sandbox import Sandbox, SandboxOff

SENDER = "evals"
TURNS = 60  # far more than any of them needs


@dataclass(frozen=True, slots=True)
class Wording:
    """A version of the prompt."""

    note: str
    system: str
    model: str


@dataclass(frozen=True, slots=True)
class Tried:
    """One experiment: `answers` are results as a client submits them. Its baseline is the one before it."""

    name: str
    description: str
    days_ago: float
    revision: int
    answers: Callable[[Plan], Iterator[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Trials:
    """`revisions` are (words, items) of each revision; the last wording stays a draft, the one before it is deployed.

    `gate`: conditions that the last experiment is judged by.
    """

    dataset: str
    about: str
    revisions: tuple[tuple[str, Callable[[Plan], list[dict[str, Any]]]], ...]
    prompt: str
    asks: str
    wordings: tuple[Wording, ...]
    evaluators: tuple[str, ...]
    tried: tuple[Tried, ...]
    gate: tuple[str, ...]


def try_out(project: Project, told: Trials, plan: Plan) -> int:
    """How many records the experiments made."""
    dataset = create_dataset(project, AUTHOR, name=told.dataset, description=told.about)
    for words, items in told.revisions:
        put_items(dataset, AUTHOR, rows_of(read_draft(item) for item in items(plan)), words, whole=True)
    _write(project, told)
    evaluators, made, before = list(told.evaluators) if _sandboxed() else [], 0, None
    for tried in told.tried:
        wanted = Wanted(
            tried.name, Workflow.CUSTOM, description=tried.description, dataset=dataset.slug, revision=tried.revision,
            evaluators=evaluators, baseline=before.slug if before else "",
        )  # fmt: skip
        experiment = start(project, wanted, AUTHOR)
        made += len(submit(experiment, list(tried.answers(plan)), SENDER).accepted)
        _finish(experiment)
        last, before = before, experiment
        # The demo's past is told, not lived.
        began = plan.now - timedelta(days=tried.days_ago)
        ended = began + timedelta(minutes=4)
        Experiment.objects.filter(pk=experiment.pk).update(created_at=began, started_at=began, finished_at=ended)
    if evaluators and last and before:
        judge(before, last, list(told.gate), AUTHOR)
    return made


def _write(project: Project, told: Trials) -> None:
    provider = Provider.objects.get(project=project, name=PROVIDER)
    prompt = None
    for wording in told.wordings:
        content = {
            "messages": [{"role": "system", "content": wording.system}, {"role": "user", "content": told.asks}],
            "provider_id": provider.id, "model": wording.model, "parameters": {"temperature": 0},
        }  # fmt: skip
        if prompt is None:
            prompt = create_prompt(project, AUTHOR, name=told.prompt, note=wording.note, **content)
        else:
            new_version(prompt, AUTHOR, note=wording.note, **content)
    *_, live, _draft = prompt.versions.order_by("number")
    commit(live, AUTHOR)
    deploy(live, AUTHOR)


def _sandboxed() -> bool:
    try:
        with Sandbox():
            return True
    except SandboxOff:
        return False


def _finish(experiment: Experiment) -> None:
    """A worker that is there may help."""
    for _ in range(TURNS):
        take_turn(experiment.pk)
        experiment.refresh_from_db()
        if experiment.is_over:
            return
        time.sleep(0.2)
    raise RuntimeError(f"The experiment {experiment.slug} of the demo did not end: {experiment.reason or 'no reason'}")
