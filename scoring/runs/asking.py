"""Verdicts of evaluators that ask a provider: LLM judges, and built-in ones that compare embeddings."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from evalhub.models import Project
from scoring import builtins, llm
from scoring.definitions import CodeDefinition, Definition, JudgeDefinition
from scoring.dialects import ProviderConfig
from scoring.embedding_verdicts import compared
from scoring.judge import Judge, judge
from scoring.models import EvaluatorVersion
from scoring.providers import config_of, usable_by
from scoring.runs.coding import EvaluatorStops
from scoring.secrets import UnreadableSecret
from scoring.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Embedder:
    """One version of a built-in evaluator that needs a provider."""

    definition: CodeDefinition
    provider: ProviderConfig


Asker = Judge | Embedder


def asks(definition: Definition) -> bool:
    if isinstance(definition, CodeDefinition):
        return bool(definition.builtin) and builtins.needs_provider(definition.builtin)
    return isinstance(definition, JudgeDefinition)


def asker_of(project: Project, version: EvaluatorVersion, definition: Definition) -> Asker:
    """Ready for many records. Raises EvaluatorStops where its provider is gone or its key cannot be read."""
    if isinstance(definition, JudgeDefinition):
        return Judge(definition, version.evaluator.metric, _provider(project, version, definition.provider_id))
    its = builtins.settings_of(definition.builtin, definition.settings)
    return Embedder(definition, _provider(project, version, its.provider_id))


def _provider(project: Project, version: EvaluatorVersion, id: int) -> ProviderConfig:
    provider = usable_by(project.id).filter(pk=id).first()
    slug = version.evaluator.slug
    if provider is None:
        raise EvaluatorStops(f"{slug} asks a provider that is archived, or no longer there.")
    if provider.paused_reason:
        raise EvaluatorStops(f"{slug}: the provider {provider.name} is paused. {provider.paused_reason}")
    try:
        return config_of(provider)
    except UnreadableSecret as problem:
        raise EvaluatorStops(f"{slug}: {problem}") from None


Evaluate = Callable[[Asker, Mapping[str, Any]], Awaitable[Verdict]]


@asynccontextmanager
async def opened() -> AsyncIterator[Evaluate]:
    """What calls go through, for one turn of work on one event loop: limits are shared with all workers by Redis."""
    async with llm.opened(settings.REDIS_URL) as models:

        async def evaluate(asker: Asker, inputs: Mapping[str, Any]) -> Verdict:
            if isinstance(asker, Judge):
                return await judge(models.ask, asker, inputs)
            return await compared(models.embed, asker.definition, asker.provider, inputs)

        yield evaluate
