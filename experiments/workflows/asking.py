"""One case asked of a model: what is asked, and what came back. Touches no database, so that it may run on a loop."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from scoring.dialects import Message, ProviderConfig
from scoring.failures import CallFailed, Pauses, ProviderDown

if TYPE_CHECKING:  # aiohttp, half a second that no page need pay
    from scoring.llm import Reply

Ask = Callable[..., Awaitable["Reply"]]  # llm.ask with its session, limits and what was learned already given

TIMEOUT_SECONDS = 300.0  # until an answer begins: a long text begins when it is complete


class CaseProblem(ValueError):
    """The inputs of a case do not make a question, in words for its author."""


@dataclass(frozen=True)
class Call:
    """How the cases of one experiment are put to a model. `messages_of` makes a case's inputs into messages, and raises
    CaseProblem. With a `schema` the answer is an object. `prompt` and its version where the messages come of one."""

    config: ProviderConfig
    model: str
    messages_of: Callable[[Any], list[Message]] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    prompt: str = ""
    prompt_version: int | None = None
    template: Sequence[Message] | None = None


@dataclass(slots=True)
class Generated:
    """`output` is the text, or the object that a schema asked for; `error` why there is none. `cost` in USD, None where
    the model has no known price. `retry`, `retry_after`, `provider_down` and `pause` as in a Verdict."""

    output: Any = None
    error: str = ""
    messages: list[Message] | None = None
    reply: "Reply | None" = None
    cost: Decimal | None = None
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    retry: bool = False
    retry_after: float | None = None
    provider_down: bool = False
    pause: bool = False

    @property
    def finish(self) -> str:
        """Why the model stopped, as in `dialects.Said`; empty where it never began."""
        return self.reply.finish if self.reply else ""


async def generate(ask: Ask, call: Call, inputs: Any) -> Generated:
    """The model's answer to a case. Raises nothing that a provider or a case can cause.

    Its time is that of the calls alone: what it waited for its turn at the provider is not the model's latency.
    """
    made = Generated()
    try:
        made.messages = call.messages_of(inputs)
    except CaseProblem as problem:
        made.error, made.ended = str(problem), datetime.now(UTC)
        return made
    from scoring.judge import cost_of  # with aiohttp

    start = time.monotonic()
    try:
        reply = await ask(
            call.config, made.messages, call.schema, model=call.model, options=call.options, timeout=TIMEOUT_SECONDS
        )
    except CallFailed as failure:
        made.error, made.ended = str(failure), datetime.now(UTC)
        made.began = made.ended - timedelta(seconds=time.monotonic() - start)
        made.pause = isinstance(failure, Pauses)
        made.retry, made.retry_after = failure.retry or made.pause, failure.retry_after
        made.provider_down = made.pause or isinstance(failure, ProviderDown)
        return made
    made.ended = datetime.now(UTC)
    made.began = made.ended - timedelta(seconds=reply.seconds)
    made.reply, made.cost = reply, cost_of(call.config, call.model, reply)
    made.output = reply.text if reply.parsed is None else reply.parsed
    return made
