"""Evaluators and people at work: from what is true of an answer to judgements of it, with their slips. Pure."""

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from experiments.demo.llms import LLM, call
from experiments.demo.stories import Judgement
from records.models import ScoreSource, ScoreStatus

JUDGE_PROMPT_CHARS = 2_300  # rubric and instructions around what is judged

# What goes wrong with judges: (share, attempts, error). Final refusals are tried once, the others up to eight times.
JUDGE_ERRORS = (
    (0.45, 8, "429 Too Many Requests: rate limit of {model} reached, given up after 8 attempts."),
    (0.20, 8, "No reply from {provider} within 60 s, given up after 8 attempts."),
    (0.20, 2, "The reply held no value: the JSON object ended in the middle, also after a repair turn."),
    (0.15, 1, "400 Bad Request: the prompt is longer than the context window of {model}."),
)


@dataclass(frozen=True, slots=True)
class Judge:
    """An LLM evaluator in one of its versions."""

    slug: str
    metric: str
    version: int
    llm: LLM

    def says(self, value: Any, reasoning: str, judged_chars: int, rng: random.Random, turn: int = 0) -> Judgement:
        took = call(self.llm, JUDGE_PROMPT_CHARS + judged_chars, 60 + len(reasoning), rng)
        return Judgement(
            self.metric, ScoreSource.LLM, value, self.slug, self.version, self.llm.name, reasoning, turn=turn,
            tokens=took.tokens_in + took.tokens_out, cost=took.cost, duration_ms=took.latency_ms,
        )  # fmt: skip

    def fails(self, rng: random.Random) -> Judgement:
        _, attempts, error = rng.choices(JUDGE_ERRORS, [share for share, _, _ in JUDGE_ERRORS])[0]
        return Judgement(
            self.metric, ScoreSource.LLM, evaluator=self.slug, version=self.version, scorer=self.llm.name,
            status=ScoreStatus.ERRORED, attempts=attempts, duration_ms=rng.randint(900, 60_000),
            error=error.format(model=self.llm.name, provider=self.llm.provider),
        )  # fmt: skip

    def waits(self) -> Judgement:
        return Judgement(
            self.metric, ScoreSource.LLM, evaluator=self.slug, version=self.version, scorer=self.llm.name,
            status=ScoreStatus.PENDING, attempts=2,
            error=f"529 Overloaded: {self.llm.provider} asks to come back later.",
        )  # fmt: skip

    def declines(self, reason: str) -> Judgement:
        return Judgement(
            self.metric, ScoreSource.LLM, evaluator=self.slug, version=self.version, scorer=self.llm.name,
            status=ScoreStatus.SKIPPED, reasoning=reason, cost=Decimal(0), duration_ms=2,
        )  # fmt: skip


def code(metric: str, evaluator: str, value: Any, reasoning: str, rng: random.Random, version: int = 1) -> Judgement:
    return Judgement(
        metric, ScoreSource.CODE, value, evaluator, version, reasoning=reasoning, duration_ms=rng.randint(1, 9)
    )


def person(metric: str, who: str, value: Any, reasoning: str = "") -> Judgement:
    return Judgement(metric, ScoreSource.HUMAN, value, scorer=who, reasoning=reasoning, turn=1)


def from_outside(metric: str, who: str, value: Any) -> Judgement:
    """Sent through the API, such as an end user's thumb."""
    return Judgement(metric, ScoreSource.API, value, scorer=who)
