"""A thread read as one conversation: its turns in order, each with what was said in it for the first time."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Exists, F, OuterRef
from django.db.models.fields.tuple_lookups import TupleGreaterThan

from records.blobs import Marker, markers
from records.conversation import Message, Part, messages_of, pretty
from records.current import ShownScore, shown_scores
from records.models import Metric, Record
from records.previews import TELLING
from records.search.cursors import read_cursor, write_cursor
from records.sql import load, steps

TURNS = 25  # on one page
PART_CHARS = 10_000  # of one part of a message; the record has it whole
STORED_BYTES = 256 * 1024  # of one stored value, compressed as it is; a longer one is only on its record's page
SQL = load("sessions")


class Held(NamedTuple):
    """What one side of a record holds, as messages. `long`: it is too long to be shown here."""

    messages: list[Message]
    files: list[Marker]
    long: bool = False


@dataclass(slots=True)
class Turn:
    """`repeated` messages of its inputs were said in the turn before. `scores`: (metric, current, newest) of each that
    is scored; `has_payload` is False where inputs and outputs are kept no longer."""

    record: Record
    messages: list[Message] = field(default_factory=list)
    files: list[Marker] = field(default_factory=list)
    repeated: int = 0
    long: bool = False
    has_payload: bool = True
    scores: list[tuple[Metric, ShownScore | None, ShownScore | None]] = field(default_factory=list)


def turns_of(project_id: int, thread: str, after: str = "", size: int = TURNS) -> tuple[list[Turn], str]:
    """The turns behind the cursor, the earliest first, and the cursor of the next page. Raises BadCursor."""
    rows, before, position = _turns(project_id, thread), None, read_cursor(after)
    if position is not None:
        at = (position.value, position.id or UUID(int=0))
        earlier = rows.exclude(TupleGreaterThan((F("created_at"), F("id")), at))
        before = earlier.order_by("-created_at", "-id").first()
        rows = rows.filter(TupleGreaterThan((F("created_at"), F("id")), at))
    found = list(rows.order_by("created_at", "id")[: size + 1])
    more = write_cursor(found[size - 1].created_at, found[size - 1].id) if len(found) > size else ""
    found = found[:size]
    turns = list(_read(project_id, found, before))
    _add_scores(project_id, turns)
    return turns, more


def _turns(project_id: int, thread: str):
    """Records of the thread whose parent is not of it."""
    own = Record.objects.filter(project_id=project_id, thread=thread).exclude(thread="")
    parents = own.filter(trace_id=OuterRef("trace_id"), span_id=OuterRef("parent_id")).exclude(trace_id="")
    return own.filter(~Exists(parents.exclude(span_id="")))


def _read(project_id: int, records: Sequence[Record], before: Record | None) -> Iterator[Turn]:
    held = _held(project_id, [record.id for record in ([before] if before else []) + list(records)])
    asked: list[Message] = []
    answered: list[Message] = []
    seen: set[str] = set()
    if before and before.id in held:
        inputs, outputs = held[before.id]
        asked, answered = inputs.messages, outputs.messages
        seen = {file.sha256 for file in [*inputs.files, *outputs.files]}
    for record in records:
        if record.id not in held:
            yield Turn(record, has_payload=False)
            continue
        inputs, outputs = held[record.id]
        new = unsaid(inputs.messages, asked, answered)
        files = {f.sha256: f for f in [*inputs.files, *outputs.files] if f.sha256 not in seen}
        yield Turn(
            record, [_short(message) for message in [*new, *outputs.messages]], list(files.values()),
            repeated=len(inputs.messages) - len(new), long=inputs.long or outputs.long,
        )  # fmt: skip
        asked, answered, seen = inputs.messages, outputs.messages, seen | set(files)


def unsaid(messages: list[Message], asked: list[Message], answered: list[Message]) -> list[Message]:
    """Without what a chat's history repeats: all that the last turn was `asked`, then what it `answered`.

    A system prompt that stays the same goes too; whoever says the same thing again has said it again.
    """
    same = 0
    for message, earlier in zip(messages, [*asked, *answered], strict=False):
        if message != earlier:
            break
        same += 1
    if same == len(messages):
        return messages
    if same < len(asked):
        while same and messages[same - 1].role != "system":
            same -= 1
    return messages[same:]


def said(value: Any, role: str) -> list[Message]:
    """A payload value as messages: a conversation as it is, else one message by `role`: its text, or that of the one
    telling field, and the rest as JSON."""
    if value is None:
        return []
    if (messages := messages_of(value)) is not None:
        return messages
    if isinstance(value, str):
        return [Message(role, (Part("text", value),))]
    telling = next((n for n in TELLING if isinstance(value, dict) and isinstance(value.get(n), str)), None)
    if telling is None:
        return [Message(role, (Part("data", pretty(value), "JSON"),))]
    rest = {name: item for name, item in value.items() if name != telling}
    more = (Part("data", pretty(rest), f"with {', '.join(rest)}"[:120]),) if rest else ()
    return [Message(role, (Part("text", value[telling]), *more))]


def _held(project_id: int, ids: Collection[UUID]) -> dict[UUID, tuple[Held, Held]]:
    with connection.cursor() as cursor:
        rows = steps(cursor, SQL, project_id)("said", ids=list(ids), most=STORED_BYTES)
    return {
        id: (_side(inputs, "user", long_in), _side(outputs, "assistant", long_out))
        for id, inputs, long_in, outputs, long_out in rows
    }


def _side(text: str | None, role: str, long: bool) -> Held:
    value = None if text is None else json.loads(text)
    return Held(said(value, role), list(markers(value)), long)


def _short(message: Message) -> Message:
    if all(len(part.text) <= PART_CHARS for part in message.parts):
        return message
    return Message(message.role, tuple(replace(part, text=_cut(part.text)) for part in message.parts))


def _cut(text: str) -> str:
    return text if len(text) <= PART_CHARS else f"{text[:PART_CHARS]} …"


def _add_scores(project_id: int, turns: Sequence[Turn]) -> None:
    metrics = list(Metric.objects.filter(project_id=project_id, archived_at=None))
    current, newest = shown_scores(project_id, [turn.record.id for turn in turns], [metric.id for metric in metrics])
    for turn in turns:
        now, latest = current.get(turn.record.id, {}), newest.get(turn.record.id, {})
        turn.scores = [(m, now.get(m.id), latest.get(m.id)) for m in metrics if m.id in now or m.id in latest]
