"""Evaluators of a demo project as told, and made: each with all its versions, so that scores can name them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from evalhub.models import Project
from experiments.demo.llms import LLM
from experiments.demo.stories import Plan
from records.models import Metric
from scoring.evaluators import create_evaluator, save_version
from scoring.models import EvaluatorType, EvaluatorVersion, Provider
from scoring.providers import create_provider

AUTHOR = "marco"
PROVIDER = "Example models"
# Nobody listens there: a demo calls nobody until someone enters an address and a key of theirs.
NOWHERE = "http://127.0.0.1:9/v1"


@dataclass(frozen=True, slots=True)
class Version:
    """From `days_ago` on. A judge's definition lacks its provider, which is made with the project."""

    days_ago: float
    note: str
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Setup:
    slug: str
    type: EvaluatorType
    metric: str
    description: str
    versions: tuple[Version, ...]


def judge(days_ago: float, note: str, llm: LLM, prompt: str, rubric: str = "") -> Version:
    definition = {
        "evaluator_definition": f"{prompt}\n\nThe request:\n{{{{ input }}}}\n\nThe answer:\n{{{{ output }}}}\n",
        "rubric": rubric, "model": llm.name, "options": {"temperature": 0},
    }  # fmt: skip
    return Version(days_ago, note, definition)


def make(project: Project, setups: tuple[Setup, ...], plan: Plan) -> dict[tuple[str, int], int]:
    """Ids of the versions by (evaluator slug, number)."""
    metrics = {metric.slug: metric for metric in Metric.objects.filter(project=project)}
    provider = _provider(project, setups)
    found = {}
    for setup in setups:
        first, *later = setup.versions
        made = create_evaluator(
            project, AUTHOR, slug=setup.slug, type=setup.type, metric=metrics[setup.metric], note=first.note,
            description=setup.description, definition=_full(first, setup, provider),
        )  # fmt: skip
        for version in later:
            save_version(made, AUTHOR, _full(version, setup, provider), version.note)
        for version in made.versions.all():
            told = setup.versions[version.number - 1]
            at = plan.now - timedelta(days=told.days_ago)
            EvaluatorVersion.objects.filter(pk=version.pk).update(created_at=at)  # the demo's past is told, not lived
            found[setup.slug, version.number] = version.pk
    return found


def _provider(project: Project, setups: tuple[Setup, ...]) -> Provider:
    models = {v.definition["model"] for setup in setups for v in setup.versions if "model" in v.definition}
    return create_provider(project, AUTHOR, name=PROVIDER, kind="openai", base_url=NOWHERE, model_names=sorted(models))


def _full(version: Version, setup: Setup, provider: Provider) -> dict[str, Any]:
    owned = {"provider_id": provider.pk} if setup.type == EvaluatorType.LLM else {}
    return version.definition | owned
