"""What a call to a model cost, in USD: by the installation's own prices, else by the packaged list. No network.

A model that neither knows has no cost: None, never 0.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from records.drafts import RecordDraft
from records.models import ModelPrice

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo

OWN_PRICES_SECONDS = 15  # how long a process goes on with the own prices it has read
NEVER = float("-inf")
MILLION = Decimal(1_000_000)
MAX_COST = Decimal(100_000_000)  # the column's limit
# Servers of one's own: a model there has no list price, whatever it is called.
OWN_SERVERS = frozenset({"ollama", "vllm", "lmstudio", "lm_studio", "llamacpp", "llama.cpp", "llamafile", "local"})


def cost_of(
    provider: str,
    model: str,
    tokens_in: int | None,
    tokens_out: int | None,
    tokens_cached: int | None = None,
    tokens_cache_write: int | None = None,
) -> Decimal | None:
    """USD, to 8 places; None for an unknown model, or when no tokens are known.

    `tokens_in` is all of the input, cached parts among it. Some senders leave those out: they are taken to have done so
    when the parts are more than the whole.
    """
    if not model or (tokens_in is None and tokens_out is None):
        return None
    cached, written, out = tokens_cached or 0, tokens_cache_write or 0, tokens_out or 0
    total = tokens_in or 0
    if cached + written > total:
        total += cached + written
    prices = _own_prices(provider, model) or _listed_prices(provider, model, total)
    if prices is None:
        return None
    plain = total - cached - written
    cost = plain * prices.input + cached * prices.cached + written * prices.written + out * prices.output
    cost = round(cost / MILLION + prices.request, 8)
    return cost if cost < MAX_COST else None


def estimate_cost(draft: RecordDraft) -> None:
    """Gives the draft a computed cost, marked so, where its sender told none."""
    if draft.cost is not None or not draft.model:
        return
    cost = cost_of(
        draft.provider, draft.model, draft.tokens_in, draft.tokens_out, draft.tokens_cached, draft.tokens_cache_write
    )
    if cost is not None:
        draft.cost, draft.cost_estimated = cost, True


@dataclass(frozen=True, slots=True)
class Prices:
    """USD per million tokens; `request` USD for each call."""

    input: Decimal
    output: Decimal
    cached: Decimal
    written: Decimal
    request: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class _OwnPrice:
    provider: str
    pattern: re.Pattern[str]
    prices: Prices


class _OwnPrices:
    """The table as this process last read it, the most particular row first."""

    rows: list[_OwnPrice] = []
    read_at = NEVER


def preload() -> None:
    """Reads and imports what a cost takes. On an event loop `cost_of` goes by what was read last, since there it must
    neither wait for the database nor for an import: whoever runs one calls this before, and now and then."""
    if time.monotonic() - _OwnPrices.read_at > OWN_PRICES_SECONDS:
        _OwnPrices.rows = _read_own_prices()
        _OwnPrices.read_at = time.monotonic()
    _listed("openai", "gpt-4o")


def forget_own_prices() -> None:
    """The next cost is computed with what the table holds then."""
    _OwnPrices.read_at = NEVER


def _own_prices(provider: str, model: str) -> Prices | None:
    if time.monotonic() - _OwnPrices.read_at > OWN_PRICES_SECONDS:
        if not _on_an_event_loop():
            _OwnPrices.rows = _read_own_prices()
            _OwnPrices.read_at = time.monotonic()
        elif _OwnPrices.read_at == NEVER:
            raise RuntimeError("Prices are asked for on an event loop: call preload() before it runs.")
    if not _OwnPrices.rows:
        return None
    provider, model = provider.lower(), model.lower()
    for row in _OwnPrices.rows:
        if row.provider in ("", provider) and row.pattern.fullmatch(model):
            return row.prices
    return None


def _on_an_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _read_own_prices() -> list[_OwnPrice]:
    """A named provider before any, a plain name before a pattern, a long pattern before a short one."""
    rows = sorted(ModelPrice.objects.all(), key=lambda p: (p.provider == "", "*" in p.model, -len(p.model), p.model))
    return [
        _OwnPrice(
            row.provider.lower(),
            re.compile(".*".join(map(re.escape, row.model.lower().split("*"))), re.DOTALL),
            Prices(row.input, row.output, row.input if row.cached_input is None else row.cached_input, row.input),
        )
        for row in rows
    ]


def _listed_prices(provider: str, model: str, total_in: int) -> Prices | None:
    found = _listed(provider, model)
    if found is None:
        return None
    listed = vars(found.get_prices(datetime.now(UTC)))  # attributes that are not set cost a search each
    input, output = _rate(listed.get("input_mtok"), total_in), _rate(listed.get("output_mtok"), total_in)
    if input is None and output is None:
        return None  # priced by other units: images, seconds, characters
    input = input or Decimal(0)
    cached, written = _rate(listed.get("cache_read_mtok"), total_in), _rate(listed.get("cache_write_mtok"), total_in)
    return Prices(
        input,
        output or Decimal(0),
        input if cached is None else cached,
        input if written is None else written,
        (_rate(listed.get("requests_kcount"), total_in) or Decimal(0)) / 1000,
    )


def _rate(price: Any, total_in: int) -> Decimal | None:
    """The price itself, or that of the highest tier below the call's whole input."""
    if price is None or isinstance(price, Decimal):
        return price
    passed = [tier.price for tier in price.tiers if total_in > tier.start]
    return passed[-1] if passed else price.base


@lru_cache(maxsize=4096)
def _listed(provider: str, model: str) -> "ModelInfo | None":
    """The packaged list's model. Looked for at the provider, then by the model's name alone, since a gateway's or a
    framework's own name is often sent as the provider; then by a name such as `openai/gpt-4o`."""
    from genai_prices.data_snapshot import get_snapshot  # a second of import, and only where a cost is asked for

    provider = provider.strip().lower()
    if provider in OWN_SERVERS:
        return None
    tries = [(provider or None, model), (None, model)]
    if "/" in model:
        maker, _, rest = model.partition("/")
        tries += [(maker, rest), (None, rest)]
    for at, name in tries:
        try:
            return get_snapshot().find_provider_model(name, None, at, None)[1]
        except LookupError:
            continue
    return None
