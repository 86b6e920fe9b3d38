"""Verdicts of the built-in evaluators that compare by meaning: a provider's model embeds, the rest is pure."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from scoring.builtins import BUILTINS, NoVerdict, settings_of
from scoring.definitions import CodeDefinition
from scoring.dialects import ProviderConfig
from scoring.failures import CallFailed
from scoring.judge import failed
from scoring.verdicts import Verdict

Embed = Callable[..., Awaitable[list[list[float]]]]  # llm.embed with its session and limits already given


async def compared(
    embed: Embed, definition: CodeDefinition, provider: ProviderConfig, inputs: Mapping[str, Any]
) -> Verdict:
    """What the evaluator says of one record, given its unified inputs. Raises nothing."""
    kind = BUILTINS[definition.builtin]
    settings = settings_of(kind.key, definition.settings)
    start = time.perf_counter()
    try:
        vectors = await embed(provider, kind.texts(dict(inputs), settings), model=settings.model)
    except NoVerdict as none:
        return none.verdict
    except CallFailed as failure:
        return failed(failure)
    verdict = kind.compare(vectors, settings)
    verdict.duration_ms = round((time.perf_counter() - start) * 1000)
    return verdict
