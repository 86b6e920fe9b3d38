"""What the filter bar shows of a filter beside its chips: the painted text, and menus that set one kind of clause."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from records.filterlang import Compare, FilterError, Node, clauses, joined, to_text
from records.filterlang.lexer import tokens
from records.models import Metric, ValueType
from records.search import Search


class Part(NamedTuple):
    """A piece of the filter as the page paints it over the input: field, value, error, or plain."""

    kind: str
    text: str


def echo(text: str, error: FilterError | None) -> list[Part]:
    """The text in painted pieces; joined they are the text again."""
    if error is not None:
        start, end = min(error.pos, len(text)), min(error.end, len(text))
        parts = [Part("", text[:start]), Part("error", text[start:end]), Part("", text[end:])]
        return [part for part in parts if part.text]
    parts, at, after_operator = [], 0, False
    found = tokens(text)
    for token, follower in zip(found, found[1:], strict=False):
        if token.pos > at:
            parts.append(Part("", text[at : token.pos]))
        operator = token.kind == "op" and token.value not in "(),"
        if operator or (token.kind == "word" and follower.kind == "op" and follower.value not in "(),"):
            kind = "field"
        else:
            kind = "value" if after_operator and token.kind in ("word", "string", "keyword", "minus") else ""
        parts.append(Part(kind, text[token.pos : token.end]))
        after_operator = operator or (after_operator and token.kind in ("minus", "op"))
        at = token.end
    return [*parts, Part("", text[at:])] if at < len(text) else parts


def replaced(node: Node, names: Iterable[str], clause: str) -> str:
    """The filter with its top-level conditions on the fields `names` replaced by `clause` (empty: taken away)."""
    taken = set(names)
    kept = [part for part in clauses(node) if not (isinstance(part, Compare) and part.field.text in taken)]
    return " ".join(filter(None, [to_text(joined(*kept)), clause]))


@dataclass(slots=True)
class Choice:
    label: str
    clause: str
    on: bool = False
    q: str = ""  # the whole filter once this is chosen
    count: str = ""  # how many records that leaves; filled in when the menu opens


@dataclass(slots=True)
class Facet:
    """A menu that sets one kind of clause; `label` says what is set."""

    key: str
    label: str
    fields: tuple[str, ...]
    choices: list[Choice] = field(default_factory=list)
    on: bool = False


SPANS_OF_TIME = (
    ("Last hour", "created:>-1h"), ("Last 24 hours", "created:>-24h"), ("Last 7 days", "created:>-7d"),
    ("Last 30 days", "created:>-30d"), ("Last 90 days", "created:>-90d"),
)  # fmt: skip
SOURCES = (
    ("Traces", "source:trace"),
    ("API", "source:api"),
    ("Playground", "source:playground"),
    ("Kickoff", "source:kickoff"),
)
STATUSES = (
    ("Completed", "status:completed"), ("Errored", "status:errored"), ("Pending", "status:pending"),
    ("Unscored", "status:unscored"),
)  # fmt: skip
OUTCOMES = (("fails", "fail"), ("passes", "pass"), ("errored", "errored"), ("is pending", "pending"))
METRICS_IN_FACET = 8
SEEN = (("model", "Model"), ("environment", "Environment"))  # their choices are the values of the records


def facets(search: Search, metrics: list[Metric]) -> list[Facet]:
    node = search.node
    outcomes = [(f"Any metric {word}", f"metric.status:{code}") for word, code in OUTCOMES]
    failing = [
        metric for metric in metrics if metric.value_type != ValueType.COMMENT
    ]  # a comment neither passes nor fails
    for metric in failing[:METRICS_IN_FACET]:
        outcomes.append((f"{metric.name} fails", f"metric.{metric.slug}.status:fail"))
    statuses = ("metric.status", *(f"metric.{metric.slug}.status" for metric in metrics))
    made = [
        facet_of(node, "time", range_words(*search.bounds(), search.zone, search.now), ("created",), SPANS_OF_TIME),
        facet_of(node, "source", "Source", ("source",), SOURCES),
        facet_of(node, "status", "Scoring", ("status",), STATUSES),
        facet_of(node, "metric", "Metric", statuses, outcomes),
    ]
    for key, label in SEEN:
        made.append(facet_of(node, key, label, (key,), ()))
    return made


def range_words(since: datetime | None, until: datetime | None, zone: tzinfo, now: datetime) -> str:
    """A time range in as few words as tell it: "1 Jun 05:00 – 07:00"; times of day only where they are not midnight,
    the year only where it is not this one."""
    low, high = (at and at.astimezone(zone) for at in (since, until))
    if low is None and high is None:
        return "Any time"
    bare = all(at is None or not (at.hour or at.minute) for at in (low, high))
    if bare and high is not None:
        high -= timedelta(days=1)  # up to midnight is up to the day before, inclusive
    this_year = all(at is None or at.year == now.astimezone(zone).year for at in (low, high))
    shape = ("%b" if this_year else "%b %Y") + ("" if bare else " %H:%M")
    if low is None:
        return f"Up to {_day(high, shape)}"
    if high is None:
        return f"Since {_day(low, shape)}"
    if low.date() == high.date():
        return _day(low, shape) if bare else f"{_day(low, shape)} – {high:%H:%M}"
    return f"{_day(low, shape)} – {_day(high, shape)}"


def _day(at: datetime, shape: str) -> str:
    return f"{at.day} {at:{shape}}"


def facet_of(node: Node, key: str, label: str, fields: tuple[str, ...], choices: Iterable[tuple[str, str]]) -> Facet:
    set_now = {to_text(c).replace(" ", "") for c in clauses(node) if isinstance(c, Compare) and c.field.text in fields}
    facet = Facet(key, label, fields, on=bool(set_now))
    for words, clause in choices:
        packed = clause.replace(" ", "")
        on = packed.replace(":>", ">") in set_now or packed in set_now
        facet.choices.append(Choice(words, clause, on, replaced(node, fields, clause)))
        if on:
            facet.label = words
    if facet.on:
        facet.choices.append(Choice("Clear", "", q=replaced(node, fields, "")))
    return facet
