"""Whether a provider answers: one short question to one of its models."""

import asyncio
import time
from dataclasses import dataclass

from scoring import llm, outbound
from scoring.dialects import ProviderConfig
from scoring.failures import CallFailed

QUESTION = [{"role": "user", "content": "Answer with the single word: ready"}]
SECONDS = 20
MAX_SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True)
class Connection:
    """`said` is what the model answered, or why it did not; fit to be shown."""

    works: bool
    said: str
    seconds: float
    model: str = ""
    tokens: int = 0


def test_connection(config: ProviderConfig, model: str) -> Connection:
    """Asks and waits, for some seconds at the most; a few tokens are paid for."""
    start = time.perf_counter()
    try:
        reply = asyncio.run(_ask(config, model))
    except CallFailed as error:
        return Connection(False, str(error), time.perf_counter() - start)
    except TimeoutError:
        return Connection(False, f"No answer within {SECONDS} seconds.", time.perf_counter() - start)
    tokens = reply.tokens_in + reply.tokens_out
    return Connection(True, reply.text[:MAX_SHOWN_CHARS], time.perf_counter() - start, reply.model, tokens)


async def _ask(config: ProviderConfig, model: str) -> llm.Reply:
    async with asyncio.timeout(SECONDS), outbound.session() as session:
        return await llm.ask(session, config, QUESTION, model=model, timeout=SECONDS)
