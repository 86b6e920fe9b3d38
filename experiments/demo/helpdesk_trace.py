"""One turn of a helpdesk conversation as records: the agent's span, and the steps below it. Pure.

The agent's own span carries the answering call (model, tokens, cost); its children are the steps around it.
"""

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from experiments.demo.helpdesk_topic import FollowUp, Topic
from experiments.demo.llms import GEMINI_FLASH, LLM, MISTRAL_SMALL, Call, call
from records.drafts import RecordDraft
from records.ids import uuid7
from records.models import Kind, Source

SYSTEM = {
    1: "You are the helpdesk assistant of an online shop for home and kitchen goods. Answer the customer.",
    2: "You are the friendly helpdesk assistant of an online shop for home and kitchen goods. Answer from the "
    "articles.",
    3: "You are the friendly helpdesk assistant of an online shop. Answer only from the articles. If they do not say "
    "it, "
    "say so and offer a colleague.",
    4: "You are the friendly helpdesk assistant of an online shop. Answer only from the articles and the tools' "
    "results; "
    "never promise what no tool has done. Begin by showing that you understand. At most 80 words.",
    5: "Helpdesk assistant. Be brief. Solve the request in one message.",
}


@dataclass(slots=True)
class Turn:
    """What one turn is and what is true of it. `slip`: what a careful judge says is wrong; empty when all is right."""

    key: str
    at: datetime
    topic: Topic
    follow_up: FollowUp | None
    slots: dict[str, str]
    ask: str
    answer: str
    slip: str
    invented: bool
    curt: bool
    llm: LLM
    prompt_version: int
    environment: str
    customer: str
    thread: str
    number: int  # of the turn in its thread, from 0
    history: list[dict[str, str]]
    error: str = ""
    fresh: bool = False  # its judges have not all answered yet

    @property
    def fact(self) -> str:
        return (self.follow_up or self.topic).fact.format_map(self.slots)


def filled(template: Any, slots: dict[str, str]) -> Any:
    match template:
        case str():
            return template.format_map(slots)
        case dict():
            return {key: filled(value, slots) for key, value in template.items()}
        case list():
            return [filled(value, slots) for value in template]
    return template


def drafts_of(turn: Turn, metadata: dict[str, Any], tags: list[str], rng: random.Random) -> list[RecordDraft]:
    """The root's draft first. Its steps follow one another in time, with small gaps."""
    trace = f"{rng.getrandbits(128):032x}"
    root = Span(turn, trace, "", rng)
    at = turn.at + timedelta(milliseconds=rng.randint(2, 9))
    steps: list[RecordDraft] = []

    def step(name: str, kind: Kind, took: int, inputs: Any, outputs: Any, **fields: Any) -> None:
        nonlocal at
        steps.append(Span(turn, trace, root.span_id, rng).draft(name, kind, at, took, inputs, outputs, **fields))
        at += timedelta(milliseconds=took + rng.randint(1, 12))

    def model_step(name: str, llm: LLM, prompt: str, reply: Any, chars: int) -> None:
        took = call(llm, len(prompt) + 420, chars, rng)
        step(name, Kind.LLM, took.latency_ms, [{"role": "user", "content": prompt}], reply, **usage(llm, took))

    step(
        "check_input", Kind.GUARDRAIL, rng.randint(6, 40), {"text": turn.ask}, {"allowed": True, "flags": []},
    )  # fmt: skip
    query = turn.ask
    if turn.number:
        query = turn.topic.title
        model_step("rewrite_query", MISTRAL_SMALL, turn.ask, {"role": "assistant", "content": query}, len(query))
    passage = turn.topic.passage.format_map(turn.slots)
    step("search_articles", Kind.RETRIEVER, _log_normal(62, 0.45, rng), {"query": query, "top_k": 3}, {
        "documents": [{"title": turn.topic.title, "score": round(rng.uniform(0.71, 0.94), 3), "text": passage}],
    })  # fmt: skip
    tool = turn.topic.tool if turn.follow_up is None else None
    if tool:
        arguments = filled(tool.arguments, turn.slots)
        chosen = {"role": "assistant", "content": None, "tool_calls": [
            {"id": f"call_{rng.getrandbits(40):010x}", "type": "function",
             "function": {"name": tool.name, "arguments": arguments}},
        ]}  # fmt: skip
        model_step("choose_tool", turn.llm, turn.ask, chosen, 90)
        failed = turn.error if "order service" in turn.error else ""
        took = 10_000 if failed else _log_normal(180, 0.6, rng)
        step(tool.name, Kind.TOOL, took, arguments, None if failed else filled(tool.result, turn.slots), error=failed)
    prompt = SYSTEM[turn.prompt_version] + passage + "".join(message["content"] for message in turn.history) + turn.ask
    own: dict[str, Any] = {}
    if not turn.error:
        took = call(turn.llm, len(prompt) + 900, len(turn.answer), rng, cached_share=0.5 if turn.number else 0.0)
        own = usage(turn.llm, took)
        at += timedelta(milliseconds=took.latency_ms)
        if turn.prompt_version >= 4:
            verdict = {"role": "assistant", "content": "ok"}
            model_step("check_answer", GEMINI_FLASH, turn.answer, verdict, 8)
    elif "order service" not in turn.error:
        own = {"model": turn.llm.name, "provider": turn.llm.provider}
        at += timedelta(milliseconds=30_000 if "within 30 s" in turn.error else rng.randint(150, 900))
    latency = round((at - turn.at).total_seconds() * 1000)
    head = root.draft(
        "helpdesk.turn", Kind.AGENT, turn.at, latency, {"messages": [*turn.history, _says("user", turn.ask)]},
        None if turn.error else _says("assistant", turn.answer), error=turn.error, metadata=metadata, tags=tags,
        prompt="helpdesk-answer", prompt_version=turn.prompt_version, **own,
    )  # fmt: skip
    return [head, *steps]


def usage(llm: LLM, took: Call) -> dict[str, Any]:
    return {
        "model": llm.name, "provider": llm.provider, "tokens_in": took.tokens_in, "tokens_out": took.tokens_out,
        "tokens_cached": took.tokens_cached or None, "ttft_ms": took.ttft_ms, "cost": took.cost, "cost_estimated": True,
    }  # fmt: skip


class Span:
    """A span of the turn's trace: everything but what it did."""

    def __init__(self, turn: Turn, trace: str, parent: str, rng: random.Random) -> None:
        self.turn, self.trace, self.parent, self.rng = turn, trace, parent, rng
        self.span_id = f"{rng.getrandbits(64):016x}"

    def draft(
        self, name: str, kind: Kind, at: datetime, took: int, inputs: Any, outputs: Any, **fields: Any
    ) -> RecordDraft:
        turn = self.turn
        return RecordDraft(
            external_id=f"{self.trace}:{self.span_id}", source=Source.TRACE, created_at=at,
            id=uuid7(int(at.timestamp() * 1000), self.rng), started_at=at,
            ended_at=at + timedelta(milliseconds=took), trace_id=self.trace, span_id=self.span_id,
            parent_id=self.parent, name=name, kind=kind, created_by=f"shop-{turn.environment}",
            environment=turn.environment, customer=turn.customer,
            thread=turn.thread, latency_ms=took, inputs=inputs, outputs=outputs, **fields,
        )  # fmt: skip


def _says(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _log_normal(median: float, sigma: float, rng: random.Random) -> int:
    return max(1, round(median * math.exp(rng.gauss(0, sigma))))
