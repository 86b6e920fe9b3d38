"""What an evaluator said of one record, whatever its type: the judge, the sandbox and the built-in ones all end here.

Pure. A verdict's `raw` becomes a score's typed value by `scoring.raw_values`, with the metric of the evaluator.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from records.models import ScoreStatus

Raw = bool | int | float | str | list[str] | None

MAX_DETAIL_CHARS = 64 * 1024  # of prompt and reply, each, as they are kept
MAX_OUTPUT_CHARS = 8 * 1024
MAX_REASONING_CHARS = 20_000
MAX_ERROR_CHARS = 2_000
CUT = " [cut]"


@dataclass(slots=True)
class Verdict:
    """`status` is completed (with `raw`), errored (with `error`) or skipped (the evaluator declined: `reasoning`).

    `retry` says that another try may mend the error, after `retry_after` seconds where the provider named them;
    `provider_down` that it was the provider's, so that the attempt does not count; `pause` that no call will go well
    until a person has acted (a refused key, a quota used up), for the reason in `error`. `cost` in USD, None where the
    model has no known price. `samples` holds the raw answers where there were several.
    """

    status: ScoreStatus
    raw: Raw = None
    reasoning: str = ""
    error: str = ""
    retry: bool = False
    retry_after: float | None = None
    provider_down: bool = False
    pause: bool = False
    tokens: int | None = None
    cost: Decimal | None = None
    tokens_estimated: bool = False
    duration_ms: int | None = None
    prompt: str | None = None
    reply: str | None = None
    output: str | None = None
    samples: list[Any] = field(default_factory=list)


def completed(raw: Raw, reasoning: str = "", **more: Any) -> Verdict:
    return Verdict(ScoreStatus.COMPLETED, raw=raw, reasoning=cut(reasoning, MAX_REASONING_CHARS), **more)


def errored(error: str, **more: Any) -> Verdict:
    return Verdict(ScoreStatus.ERRORED, error=cut(error, MAX_ERROR_CHARS), **more)


def skipped(reason: str, **more: Any) -> Verdict:
    return Verdict(ScoreStatus.SKIPPED, reasoning=cut(reason, MAX_REASONING_CHARS), **more)


def payload_expired() -> Verdict:
    """Of a record whose inputs and outputs are kept no longer: nothing can be said of them."""
    return errored("payload expired")


def cut(text: str, limit: int) -> str:
    """The text up to `limit` characters, saying so where it goes on."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT
