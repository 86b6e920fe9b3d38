"""Asking a model: one question, answered in the form that was asked for, or an error that says what to do about it.

A JSON object is asked for in the surest way that the model knows (`dialects.Rung`). Which one that is, its first
question finds out; then it is remembered, by provider and model.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp

from scoring import dialects, limiter, outbound
from scoring.calls import Way, call
from scoring.dialects import LADDERS, Message, ProviderConfig, Rung, Said
from scoring.failures import Final, Pauses
from scoring.json_answers import BadObject, NoObject, read_object
from scoring.learned import Learned
from scoring.limiter import Limits

CHARS_PER_TOKEN = 4  # where the provider does not count
MAX_EMBEDDINGS_BYTES = 32 * 1024 * 1024
ANSWER_TOKENS = 300  # what an answer is taken to need, for the limiter, before it is there
# What a refusal speaks of when it is the form of the answer that the model does not know.
OF_THE_FORM = re.compile(
    r"response_format|output_config|output_format|json|schema|structured|tool|function|grammar|extra inputs", re.I
)
NO_OBJECT = "There is no JSON object in the answer."
COUNTS = ("tokens_in", "tokens_out", "tokens_cached", "tokens_cache_write")
NOT_KNOWN = frozenset({400, 404, 422, 501})  # how servers refuse a form that they do not know


@dataclass(slots=True)
class Reply:
    """`parsed` is the object that a schema asked for; where there is none, `problem` says why, in words for the model.

    `finish` as in `dialects.Said`; `model` is the one that answered, in its provider's words. Tokens are those of all
    `calls` that the answer took, and `seconds` how long they were under way; `estimated` where the provider did not
    count tokens.
    """

    text: str
    parsed: dict[str, Any] | None
    problem: str
    finish: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    tokens_cache_write: int = 0
    estimated: bool = False
    calls: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class _Question:
    way: Way
    config: ProviderConfig
    model: str
    messages: Sequence[Message]
    schema: Mapping[str, Any] | None
    options: Mapping[str, Any]
    said: list[Said] = field(default_factory=list)  # by all calls so far
    estimated: bool = False


async def ask(
    session: aiohttp.ClientSession,
    config: ProviderConfig,
    messages: Sequence[Message],
    schema: Mapping[str, Any] | None = None,
    *,
    model: str,
    options: Mapping[str, Any] | None = None,
    timeout: float = 60,
    limits: Limits | None = None,
    learned: Learned | None = None,
) -> Reply:
    """`options` are fields of the request (temperature, max_tokens, ...); `timeout` seconds until an answer begins.

    `limits` and `learned` are those of the chunk of work; without them the call keeps to itself. Raises CallFailed.
    """
    way = Way(session, limits or Limits(), outbound.Bounds(headers=timeout))
    question = _Question(way, config, model, messages, schema, options or {})
    if schema is None:
        return await _put(question, Rung.TEXT)
    learned = learned or Learned()
    rung = await learned.rung(config, model)
    if rung is None:
        async with learned.finding(config, model):
            return await _find_rung(question, learned)
    try:
        return await _put(question, rung)
    except Final as error:
        if error.status not in NOT_KNOWN or not OF_THE_FORM.search(str(error)):
            raise
    await learned.forget(config, model)  # another model stands behind the name now
    async with learned.finding(config, model):
        return await _find_rung(question, learned)


@dataclass(frozen=True, slots=True)
class Models:
    """`ask` and `embed` of this module, through what was opened for them."""

    ask: Callable[..., Awaitable[Reply]]
    embed: Callable[..., Awaitable[list[list[float]]]]


@asynccontextmanager
async def opened(redis_url: str = "") -> AsyncIterator[Models]:
    """Connections of its own, with limits and what was learned shared through Redis where it is named.

    One a chunk of work, on its event loop: `async with opened(url) as models: await models.ask(config, messages, ...)`.
    """
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(limiter.connect(redis_url)) if redis_url else None
        session = await stack.enter_async_context(outbound.session())
        limits = await stack.enter_async_context(Limits(redis))
        yield Models(
            partial(ask, session, limits=limits, learned=Learned(redis)), partial(embed, session, limits=limits)
        )


async def embed(
    session: aiohttp.ClientSession,
    config: ProviderConfig,
    texts: Sequence[str],
    *,
    model: str,
    timeout: float = 60,
    limits: Limits | None = None,
) -> list[list[float]]:
    """A vector for each text, in their order. Raises CallFailed; Anthropic has no embeddings."""
    if config.kind == "anthropic":
        raise Final("Anthropic has no models for embeddings: take another provider.")
    way = Way(session, limits or Limits(), outbound.Bounds(headers=timeout, bytes=MAX_EMBEDDINGS_BYTES))
    expected = sum(map(len, texts)) // CHARS_PER_TOKEN
    url = config.url("embeddings", model)

    def read(answer: Any) -> tuple[list[list[float]], int]:
        return dialects.read_embeddings(answer, len(texts)), expected

    return await call(way, config, url, {"model": model, "input": list(texts)}, expected, read)


async def _find_rung(question: _Question, learned: Learned) -> Reply:
    """Down the ladder to the first rung that gives an object. Another call may have found it meanwhile."""
    known = await learned.rung(question.config, question.model)
    first: Final | None = None
    reply: Reply | None = None
    for rung in [known] if known else LADDERS[question.config.kind]:
        try:
            reply = await _put(question, rung)
        except Final as error:
            if isinstance(error, Pauses) or error.status not in NOT_KNOWN:
                raise
            first = first or error  # the later ones may complain of what only the fall-back has added
            continue
        if reply.parsed is not None:
            await learned.learn(question.config, question.model, rung)
        if reply.problem != NO_OBJECT or reply.finish != "stop":
            return reply
    if reply is None:
        raise first
    return reply


async def _put(question: _Question, rung: Rung) -> Reply:
    """The question in the form of the rung."""
    config, options = question.config, question.options
    body = dialects.question(config, question.model, question.messages, options, rung, question.schema)
    asked = sum(len(message["content"]) for message in question.messages) // CHARS_PER_TOKEN

    def read(answer: Any) -> tuple[Said, int]:
        said = dialects.read_answer(config, answer)
        if said.tokens_in is None or said.tokens_out is None:
            question.estimated = True
            said.tokens_in = asked if said.tokens_in is None else said.tokens_in
            said.tokens_out = len(said.text) // CHARS_PER_TOKEN if said.tokens_out is None else said.tokens_out
        return said, said.tokens_in + said.tokens_out

    expected = asked + int(options.get("max_tokens") or ANSWER_TOKENS)
    said = await call(
        question.way, config, config.url(dialects.chat_path(config), question.model), body, expected, read
    )
    question.said.append(said)
    parsed, problem = None, ""
    if question.schema is not None and said.finish != "refused":
        try:
            parsed = read_object(said.text)
        except BadObject as error:
            problem = str(error)
        except NoObject:
            problem = NO_OBJECT
    return Reply(
        said.text,
        parsed,
        problem,
        said.finish,
        said.model or question.model,
        *(sum(getattr(one, name) or 0 for one in question.said) for name in COUNTS),
        estimated=question.estimated,
        calls=len(question.said),
        seconds=question.way.seconds,
    )
