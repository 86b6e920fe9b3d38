"""What the filter's help lists: the grammar by example, and every field of the language."""

from typing import NamedTuple

from records.filterlang.fields import FIELDS, METRIC_PARTS, Spec


class Example(NamedTuple):
    text: str
    means: str


class Listed(NamedTuple):
    names: str
    kind: str
    example: str


GRAMMAR = (
    Example("refund", "inputs or outputs hold this word"),
    Example('"late refund"', "they hold these words in this order"),
    Example("model:gpt-4o", "the model is gpt-4o, in any case of letters"),
    Example("model:gpt*", "it begins with gpt; * stands for anything"),
    Example('model:"gpt*"', "quotes: nothing in them has a meaning of its own"),
    Example("latency:>2", "slower than two seconds; also <, <=, >=, = and !="),
    Example("latency BETWEEN 1 AND 2", "from one to two seconds"),
    Example("created:>-7d", "since seven days ago; s, m, h, d and w are units"),
    Example("created >= 2026-01-31", "since that day; dates are read in your time zone"),
    Example("status:(errored OR pending)", "one of them; also status IN (errored, pending)"),
    Example("error IS NULL", "it has none; IS NOT NULL: it has one"),
    Example("model:gpt-4o status:completed", "both; AND may be written between them"),
    Example("source:api OR source:trace", "either; OR binds less than AND"),
    Example("-model:gpt*", "not so; also NOT model:gpt*"),
    Example("tag:ci (latency:>2 OR cost:>0.1)", "parentheses group"),
    Example("inputs.question ILIKE '%refund%'", "a value in JSON is like this; % stands for anything"),
    Example("outputs CONTAINS 'sorry'", "the outputs hold this text"),
    Example("metadata.customer.tier:gold", "a key in a key of the metadata"),
    Example('metadata."two words":1', "a key that is no plain word stands in quotes"),
    Example("metrics.tokens_per_second:>20", "a measurement that was sent"),
    Example("metric.status:fail", "any metric fails; or passes (pass), errored, pending, skipped, none"),
)  # fmt: skip

KINDS = {
    "number": ("number", ":>100"),
    "time": ("time", ":>-7d"),
    "bool": ("true or false", ":true"),
    "exact": ("id, exactly", ":4bf92f35"),
    "uuid": ("id, exactly", ":0198c0de-0000-7000-8000-000000000000"),
    "payload": ("text in it, or a key", ":refund"),
    "set": ("one of them", ":ci"),
    "scored": ("scored by it", ":nightly"),
    "person": ("a member, or me", ":me"),
    "text": ("text", ":a*"),
}
UNITS = {"latency": "seconds", "ttft": "seconds", "cost": "US dollars"}
PARTS = {
    "status": "how its current score came out",
    "latest": "how its newest attempt came out, which may still be pending",
    "reasoning": "text of its reasoning",
    "source": "who scored",
    "version": "number of the evaluator's version",
}


def fields() -> list[Listed]:
    """Every field once, names of one meaning in one line."""
    names: dict[int, list[str]] = {}
    for name, spec in FIELDS.items():
        names.setdefault(id(spec), []).append(name)
    return [_listed(group, FIELDS[group[0]]) for group in names.values()]


def _listed(names: list[str], spec: Spec) -> Listed:
    name = names[-1] if spec.kind in ("text", "choice") else names[0]
    if spec.choices:
        words = list(spec.choices)
        return Listed(", ".join(names), ", ".join(words), f"{name}:{words[0]}")
    kind, after = KINDS[spec.kind]
    return Listed(", ".join(names), UNITS.get(name, kind), name + after)


def metric_parts() -> list[tuple[str, str]]:
    return [(part, PARTS[part]) for part in METRIC_PARTS]
