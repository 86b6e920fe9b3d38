"""What tests of running experiments begin with: cases, a prompt, evaluators, and workers that are called by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from experiments.datasets.drafts import read_draft
from experiments.datasets.revisions import put_items
from experiments.models import Dataset, Experiment, ExperimentRow, Prompt
from experiments.prompts.versions import commit, create_prompt, deploy, newest_version
from experiments.running import working
from experiments.running.starting import start
from experiments.running.wanted import Wanted
from records.models import Record, Score
from scoring.providers import create_provider

PRICES = {"m": {"input": 10, "output": 50}}
_n = count(1)


def dataset(project, *inputs, expected: str = "Answer.", slug: str = "") -> Dataset:
    """A case for each of the inputs: case-1, case-2, ..."""
    slug = slug or f"cases-{next(_n)}"
    made = Dataset.objects.create(project=project, slug=slug, name=slug, created_by="anna")
    add_cases(made, *inputs, expected=expected)
    made.refresh_from_db()
    return made


def add_cases(made: Dataset, *inputs, expected: str = "Answer.", first: int = 1) -> None:
    items = [
        {"id": f"case-{n}", "inputs": said, "expected": expected, "metadata": {"kind": "easy" if n % 2 else "hard"}}
        for n, said in enumerate(inputs, first)
    ]
    if items:
        put_items(made, "anna", [(n, read_draft(item)) for n, item in enumerate(items, 1)], "a test")


def questions(number: int) -> list[dict[str, str]]:
    return [{"question": f"What is {n}?"} for n in range(1, number + 1)]


def provider(project, server, **more):
    return create_provider(project, "anna", key="sk-1", name="Local", base_url=server.url, prices=PRICES, **more)


def prompt(project, its_provider, content: str = "Q: {{ question }}", slug: str = "qa", **more) -> Prompt:
    """With a deployed version."""
    made = create_prompt(
        project, "anna", name=slug, slug=slug, messages=[{"role": "user", "content": content}],
        provider_id=its_provider.pk, model="m", **more,
    )  # fmt: skip
    version = newest_version(made)
    commit(version, "anna")
    deploy(version, "anna")
    return made


def wanted(workflow: str, **more) -> Wanted:
    return Wanted(**({"name": f"Try {next(_n)}", "workflow": workflow} | more))


def begin(project, workflow: str, by="anna", **more) -> Experiment:
    return start(project, wanted(workflow, **more), by)


def turned(experiment: Experiment, seconds: float = 5) -> Experiment:
    """A worker's turn on it."""
    working.take_turn(experiment.pk, seconds)
    experiment.refresh_from_db()
    return experiment


def rows(experiment: Experiment) -> list[ExperimentRow]:
    return list(experiment.rows.order_by("id"))


def states(experiment: Experiment) -> list[str]:
    return [row.state for row in rows(experiment)]


def trace(row: ExperimentRow) -> dict[str, Record]:
    """The row's spans by name."""
    root = Record.objects.get(project_id=row.project_id, id=row.record_id)
    its = Record.objects.filter(project_id=row.project_id, trace_id=root.trace_id).prefetch_related("payloads")
    return {record.name: record for record in its}


def scores(experiment: Experiment) -> list[Score]:
    its = [row.record_id for row in rows(experiment)]
    return list(Score.objects.filter(project=experiment.project, record_id__in=its).order_by("id"))


@contextmanager
def no_queue(monkeypatch) -> Iterator[list[int]]:
    """The experiments that were rung for; nobody comes."""
    from experiments.running import ringing
    from scoring import calls
    from scoring.learned import Learned
    from scoring.runs import ringing as scoring_ringing
    from scoring.runs import working as scoring_working

    rung: list[int] = []
    monkeypatch.setattr(ringing, "ring", lambda id, silent=False: rung.append(id))
    monkeypatch.setattr(scoring_ringing, "_enqueue", lambda queue, entry, run_id: None)
    monkeypatch.setattr(scoring_ringing, "workers_of", lambda queue: 1)
    monkeypatch.setattr(scoring_working, "LONGEST_WAIT", 0)  # the database's clock stands still in a test's transaction
    monkeypatch.setattr(working, "LONGEST_WAIT", 0)
    monkeypatch.setattr(working, "NAP_SECONDS", 0.05)
    monkeypatch.setattr(calls, "PAUSE_SECONDS", (0, 0))
    Learned._known.clear()
    yield rung
