"""The built-in evaluators: code evaluators with settings in place of a snippet. Pure, a small file a kind.

`run` for all of them but those that need a provider (`needs_provider`): there the engine asks for `texts`, has them
embedded, and hands the vectors to `compare`.
"""

import time
from collections.abc import Mapping
from typing import Any

from scoring.builtins.contains import CONTAINS
from scoring.builtins.embedding import EMBEDDING
from scoring.builtins.exact import EXACT
from scoring.builtins.json_diff import JSON_DIFF
from scoring.builtins.json_schema import JSON
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.levenshtein import LEVENSHTEIN
from scoring.builtins.list_overlap import OVERLAP
from scoring.builtins.measured import COST, LATENCY, LENGTH
from scoring.builtins.numeric import CLOSENESS, TOLERANCE
from scoring.builtins.picks import NoVerdict
from scoring.builtins.regex import REGEX
from scoring.verdicts import Verdict, errored

__all__ = ["BUILTINS", "Builtin", "NoVerdict", "Settings", "needs_provider", "run", "settings_of"]

BUILTINS: dict[str, Builtin] = {
    kind.key: kind
    for kind in (
        EXACT, CONTAINS, REGEX, JSON, JSON_DIFF, LEVENSHTEIN, TOLERANCE, CLOSENESS, OVERLAP, LENGTH, LATENCY, COST,
        EMBEDDING,
    )
}  # fmt: skip


def needs_provider(key: str) -> bool:
    return BUILTINS[key].evaluate is None


def settings_of(key: str, stored: Mapping[str, Any]) -> Settings:
    """Raises pydantic's ValidationError."""
    return BUILTINS[key].settings.model_validate(dict(stored))


def run(key: str, settings: Settings, inputs: dict[str, Any]) -> Verdict:
    """The verdict on one record's unified inputs; whatever goes wrong is an errored one."""
    evaluate = BUILTINS[key].evaluate
    if evaluate is None:
        return errored(f"{BUILTINS[key].name} asks a provider, and was called without one.")
    start = time.perf_counter()
    try:
        verdict = evaluate(inputs, settings)
    except NoVerdict as none:
        verdict = none.verdict
    except (RecursionError, OverflowError) as error:
        verdict = errored(f"The record is more than this evaluator can take: {error}")
    verdict.duration_ms = round((time.perf_counter() - start) * 1000)
    return verdict


def looks_at(key: str, settings: Settings) -> set[str]:
    """Which of the unified inputs it reads: those its paths start with, and what its kind says."""
    paths = [getattr(settings, name) for name in ("value", "against") if hasattr(settings, name)]
    if key == CONTAINS.key and settings.texts:
        paths.remove(settings.against)
    return {path.split(".")[0] for path in paths} or {"metrics"}
