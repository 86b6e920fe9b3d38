"""A filter said in words: the page's title, its empty state and every confirmation use the same sentence."""

import re
from datetime import UTC, datetime, tzinfo

from records.filterlang.bindings import is_wild
from records.filterlang.fields import ANY_METRIC
from records.filterlang.tree import And, Compare, Node, Not, Or, Text, Value
from records.filterlang.values import AGE, time_of

OFFSET = re.compile(r"[T ].*([Zz]|[+-]\d\d(:?\d\d)?)$")
FOLDED = ("text", "json", "payload", "set", "scored")  # their * is a wildcard

UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
SECONDS = ("latency", "ttft", "metrics.latency", "metrics.time_to_first_token")
MONEY = ("cost", "metrics.cost")
OUTCOME_WORDS = {
    "pass": "passes", "fail": "fails", "errored": "errored", "pending": "is pending", "skipped": "was skipped",
    "none": "has no verdict",
}  # fmt: skip
OUTCOME_NOT = {
    "pass": "does not pass", "fail": "does not fail", "errored": "is not errored", "pending": "is not pending",
    "skipped": "was not skipped", "none": "is not without a verdict",
}  # fmt: skip


def in_words(node: Node, zone: tzinfo | None = None) -> str:
    """Such as "status is not completed and metric factuality is below 0.5"; empty for the empty filter.

    With a `zone`, dates name the one they are read in, and times with an offset of their own are told in it.
    """
    match node:
        case And():
            return " and ".join(_grouped(item, Or, zone) for item in node.items)
        case Or():
            return " or ".join(_grouped(item, And, zone) for item in node.items)
        case Not(item=Compare() as item):
            return _compare(item, zone, negated=True)
        case Not(item=Text() as item):
            return f"text does not contain “{item.value.raw}”"
        case Not():
            return f"not ({in_words(node.item, zone)})"
        case Text():
            return f"text contains “{node.value.raw}”"
        case Compare():
            return _compare(node, zone, negated=False)


def _grouped(node: Node, kind: type, zone: tzinfo | None) -> str:
    return f"({in_words(node, zone)})" if isinstance(node, kind) else in_words(node, zone)


def _compare(node: Compare, zone: tzinfo | None, negated: bool) -> str:
    subject, kind = subject_of(node), (node.field.spec.column or node.field.spec).kind
    no = " not" if negated else ""
    if node.op == "null":
        return f"{subject} is {'given' if negated else 'missing'}"
    if node.field.spec is ANY_METRIC:
        return f"{'no' if negated else 'a'} metric {_outcome(node.values, negated=False)}"
    if kind in ("outcome", "latest"):
        return f"{subject} {_outcome(node.values, negated)}"
    if kind == "time":
        return f"{subject} {_time(node, zone, negated)}"
    match node.op:
        case "like" | "ilike":
            return f"{subject} is{no} like “{node.values[0].raw}”"
        case "between":
            low, high = (said(value, node) for value in node.values)
            return f"{subject} is{no} between {low} and {high}"
        case "<" | "<=" | ">" | ">=":
            order = {"<": "below", "<=": "at most", ">": "above", ">=": "at least"}[node.op]
            return f"{subject} is{no} {order} {said(node.values[0], node)}"
    searched = kind in ("payload", "score_text") and node.op in (":", ":in") and not node.field.path
    if searched or node.op == "contains":
        return f"{subject} {'does not contain' if negated else 'contains'} {_list(node)}"
    if kind in FOLDED and node.op == ":" and is_wild(node.values[0]):
        return f"{subject} {_pattern(node.values[0].raw, negated)}"
    return f"{subject} is{no} {_list(node)}"


def subject_of(node: Compare) -> str:
    field = node.field
    if field.metric:
        part = field.text.split(".", 2)[2:]
        suffix = "" if not part or part[0] == "status" else f" {'latest attempt' if part[0] == 'latest' else part[0]}"
        return f"metric {field.metric.slug}{suffix}"
    if field.text == "metric.status":
        return "any metric"
    if field.path or field.text.startswith(("metadata.", "metrics.")):
        return field.text
    return field.spec.label or field.text


def said(value: Value, node: Compare) -> str:
    name = node.field.text
    if value.kind == "word" and name in SECONDS:
        return f"{value.raw} s"
    if value.kind == "word" and name in MONEY:
        return f"${value.raw}"
    if value.kind == "string" or any(c.isspace() for c in value.raw):
        return f"“{value.raw}”"
    return value.raw


def _list(node: Compare) -> str:
    values = [said(value, node) for value in node.values]
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"


def _outcome(values: tuple[Value, ...], negated: bool) -> str:
    words = OUTCOME_NOT if negated else OUTCOME_WORDS
    return (" and " if negated else " or ").join(words.get(value.raw.lower(), value.raw) for value in values)


def _time(node: Compare, zone: tzinfo | None, negated: bool) -> str:
    no = "not " if negated else ""
    if node.op == "between":
        low, high = node.values
        return f"{no}between {_local(low, zone) or low.raw} and {_dated(high, zone)}"
    value = node.values[0]
    age = AGE.fullmatch(value.raw)
    if age and node.op in (":", ">", ">=", "<", "<="):
        count, unit = int(age[1]), UNITS[age[2]]
        span = f"the last {unit}" if count == 1 else f"the last {count} {unit}s"
        inside = (node.op in (":", ">", ">=")) != negated
        return f"in {span}" if inside else f"before {span}"
    order = {":": "since", ">": "after", ">=": "since", "<": "before", "<=": "up to"}.get(node.op, "on")
    if order != "on":
        return f"{no}{order} {_dated(value, zone)}"
    *others, last = node.values
    return f"{no}on {' or '.join([*(other.raw for other in others), _dated(last, zone)])}"


def _dated(value: Value, zone: tzinfo | None) -> str:
    if zone is None or AGE.fullmatch(value.raw):
        return value.raw
    return f"{_local(value, zone) or value.raw} ({zone})"


def _local(value: Value, zone: tzinfo | None) -> str:
    """An instant in words, on the reader's clock; empty for a value that is read in the zone anyway."""
    if zone is None or not OFFSET.search(value.raw):
        return ""
    found = time_of(value, datetime.now(UTC), zone)
    if found is None:
        return ""
    at = found[0].astimezone(zone)
    return f"{at.day} {at:%b %Y %H:%M:%S}" if at.second else f"{at.day} {at:%b %Y %H:%M}"


def _pattern(raw: str, negated: bool) -> str:
    inner = raw.strip("*")
    if not inner:
        return "is missing" if negated else "is given"
    if "*" in inner:
        return f"{'does not match' if negated else 'matches'} {raw}"
    verb = {(True, True): "contain", (True, False): "end with", (False, True): "start with"}[
        (raw.startswith("*"), raw.endswith("*"))
    ]
    return f"does not {verb} {inner}" if negated else f"{verb.split()[0]}s {' '.join([*verb.split()[1:], inner])}"
