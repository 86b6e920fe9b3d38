"""One call to a provider: in its turn, tried again where that is of use, and failing in words that say what to do."""

import asyncio
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

import aiohttp
import orjson

from scoring import outbound
from scoring.dialects import NotAnAnswer, ProviderConfig
from scoring.failures import CallFailed, Final, Passing, Pauses, ProviderDown, RateLimited
from scoring.limiter import Limits
from scoring.outbound import Answer

REFUSED_TRIES = 4  # of a call that gets a 429: nothing was done, and the limiter waits as long as it is told to
FAILED_TRIES = 2  # of one that fails in passing; what fails twice is left to a later attempt
PAUSE_SECONDS = (0.5, 1.0)  # before the second try
MAX_RETRY_AFTER = 60.0
MAX_MESSAGE_CHARS = 500
RETRYABLE = frozenset({408, 409, 425})  # with 429 and all from 500
# What OpenAI (as a 429), Anthropic (as a 400) and others (as a 402) say when there is no money left.
QUOTA = re.compile(
    r"insufficient[_ ](quota|balance|credits?)|exceeded your current quota|credit balance|billing[_ ]hard[_ ]limit",
    re.I,
)


@dataclass(slots=True)
class Way:
    """What calls go through: the connections, the turns that all workers take, and the bounds of one call.

    `seconds` is how long its calls were under way, without the waiting for turns.
    """

    session: aiohttp.ClientSession
    limits: Limits
    bounds: outbound.Bounds
    seconds: float = 0.0


async def call[T](
    way: Way,
    config: ProviderConfig,
    url: str,
    body: dict[str, Any] | None,
    tokens: int,
    read: Callable[[Any], tuple[T, int | None]],
) -> T:
    """Posts the body (None: gets) and gives what `read` makes of the JSON answer, with the tokens that it took.

    `tokens` is what the call is expected to take. `read` raises NotAnAnswer. Raises CallFailed.
    """
    data = None if body is None else orjson.dumps(body)
    refused = failed = 0
    while True:
        try:
            return await _once(way, config, url, data, tokens, read)
        except RateLimited:
            refused += 1
            if refused >= REFUSED_TRIES:
                raise
        except Passing as error:
            failed += 1
            later = (error.retry_after or 0) > PAUSE_SECONDS[1]
            if failed >= FAILED_TRIES or later or isinstance(error, ProviderDown):
                raise
            await asyncio.sleep(random.uniform(*PAUSE_SECONDS))


async def _once[T](
    way: Way,
    config: ProviderConfig,
    url: str,
    data: bytes | None,
    tokens: int,
    read: Callable[[Any], tuple[T, int | None]],
) -> T:
    gate = way.limits.of(config)
    turn = await gate.enter(tokens)
    began = time.monotonic()
    try:
        answer = await outbound.send(
            way.session, "POST" if data else "GET", url, headers=config.headers, body=data, bounds=way.bounds
        )
        if answer.status != 200:
            raise failure(config, answer)
        try:
            made, taken = read(orjson.loads(answer.body))
        except (NotAnAnswer, orjson.JSONDecodeError) as error:
            raise _not_an_answer(config, answer, error) from None
    except outbound.Refused as error:
        gate.leave(turn)
        raise Final(str(error)) from None
    except outbound.TooLarge as error:
        gate.leave(turn, ok=True)
        raise Final(str(error)) from None
    except outbound.OutboundError as error:
        gate.leave(turn, ok=False, reason=str(error))
        raise Passing(str(error)) from None
    except RateLimited as error:
        gate.leave(turn)
        await gate.refused(error.retry_after)
        raise
    except CallFailed as error:
        # What the provider refuses for good it has answered well enough: it is up.
        gate.leave(turn, ok=not error.retry, reason=str(error))
        raise
    except BaseException:
        gate.leave(turn)
        raise
    finally:
        way.seconds += time.monotonic() - began
    gate.leave(turn, ok=True, tokens=taken)
    return made


def failure(config: ProviderConfig, answer: Answer) -> CallFailed:
    """What a status other than 200 means."""
    status = answer.status
    message = _message(config, answer.body)
    said = f"{config.host} answered {status}" + (f": {message}" if message else ".")
    if status == 402 or (status in (400, 403, 429) and QUOTA.search(_raw(answer.body))):
        return Pauses(f"The quota at {config.host} is used up. {said}", status)
    if status in (401, 403):
        return Pauses(f"{config.host} refuses the key. {said}", status)
    if 300 <= status < 400:
        return Final(f"{said} That is a redirect, which is not followed: is the base URL right?", status)
    after = retry_after(answer)
    if status == 429:
        return RateLimited(said, status, after)
    if status in RETRYABLE or status >= 500:
        return Passing(said, status, after)
    return Final(said, status)


def retry_after(answer: Answer, now: datetime | None = None) -> float | None:
    """Seconds until another try, at most MAX_RETRY_AFTER; None where none are named, or nothing that can be read.

    Retry-After in seconds or as a date (RFC 9110, 10.2.3), the date against the answer's own Date: clocks differ.
    Retry-After-Ms is what Azure and OpenAI send beside it.
    """
    for name, unit in (("Retry-After-Ms", 1000), ("Retry-After", 1)):
        text = answer.headers.get(name, "").strip()
        try:
            seconds = float(text) / unit
        except ValueError:
            seconds = _until(text, answer.headers.get("Date", ""), now)
        if seconds is not None and isfinite(seconds) and seconds >= 0:
            return min(seconds, MAX_RETRY_AFTER)
    return None


def _until(text: str, date: str, now: datetime | None) -> float | None:
    then = _date(text)
    if then is None:
        return None
    return max(0.0, (then - (_date(date) or now or datetime.now(UTC))).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _not_an_answer(config: ProviderConfig, answer: Answer, error: Exception) -> CallFailed:
    """A 200 without an answer in it: a proxy's page, JSON that was cut, or an error that some gateways put there."""
    try:
        code = int(orjson.loads(answer.body)["error"]["code"])
    except (ValueError, TypeError, LookupError):
        what = str(error) if isinstance(error, NotAnAnswer) else "the answer is no JSON"
        kind = answer.headers.get("Content-Type", "").split(";")[0][:60]
        return Passing(f"{config.host} answered 200, but {what} ({kind or 'of no type'}). Is the base URL right?", 200)
    return failure(config, Answer(code if 400 <= code < 600 else 500, answer.headers, answer.body))


def _message(config: ProviderConfig, body: bytes) -> str:
    """The provider's own words, one line of them, without the key: some servers quote it."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""  # a page: its markup says nothing
    for _ in range(2):
        if isinstance(found, dict):
            found = found.get("error") or found.get("message") or found.get("detail") or ""
    if isinstance(found, list | dict):
        found = orjson.dumps(found).decode()
    text = " ".join(str(found).split())
    if config.key:
        text = text.replace(config.key, "[key]")
    return text[:MAX_MESSAGE_CHARS]


def _raw(body: bytes) -> str:
    return body[:4096].decode("utf-8", "replace")
