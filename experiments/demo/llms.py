"""The language models that the demo's systems and judges call: how fast they are, and what they cost. Pure but for
the price list."""

import math
import random
from dataclasses import dataclass
from decimal import Decimal

from records.prices import cost_of

CHARS_A_TOKEN = 4.1


@dataclass(frozen=True, slots=True)
class LLM:
    """`first_ms`: median time to the first token; `token_ms`: each further one; `spread`: sigma of the log-normal.

    `care`: how much likelier than the best model it is to get a thing wrong.
    """

    provider: str
    name: str
    first_ms: int
    token_ms: float
    spread: float
    care: float


GPT_4O = LLM("openai", "gpt-4o", 420, 13, 0.34, 1.0)
GPT_4O_MINI = LLM("openai", "gpt-4o-mini", 330, 9, 0.32, 1.45)
GPT_41_MINI = LLM("openai", "gpt-4.1-mini", 360, 10, 0.30, 1.2)
SONNET = LLM("anthropic", "claude-sonnet-4-5", 780, 15, 0.30, 0.8)
HAIKU = LLM("anthropic", "claude-haiku-4-5", 420, 7, 0.28, 1.1)
MISTRAL_SMALL = LLM("mistral", "mistral-small-latest", 280, 8, 0.38, 1.6)
GEMINI_FLASH = LLM("google", "gemini-2.5-flash", 390, 5, 0.42, 1.25)


@dataclass(frozen=True, slots=True)
class Call:
    """What one call took: tokens, milliseconds, USD."""

    tokens_in: int
    tokens_out: int
    tokens_cached: int
    ttft_ms: int
    latency_ms: int
    cost: Decimal


def tokens_of(chars: int) -> int:
    return max(1, round(chars / CHARS_A_TOKEN))


def call(llm: LLM, prompt_chars: int, reply_chars: int, rng: random.Random, cached_share: float = 0.0) -> Call:
    tokens_in, tokens_out = tokens_of(prompt_chars), tokens_of(reply_chars)
    cached = int(tokens_in * cached_share)
    first = llm.first_ms * math.exp(rng.gauss(0, llm.spread))
    rest = tokens_out * llm.token_ms * math.exp(rng.gauss(0, llm.spread / 2))
    return Call(
        tokens_in,
        tokens_out,
        cached,
        round(first),
        round(first + rest),
        cost_of(llm.provider, llm.name, tokens_in, tokens_out, cached) or Decimal(0),
    )
