"""Conditions on scores, as EXISTS over the current scores of the record `r`."""

from records.filterlang.bindings import EQUALITY, ORDERED, Bindings, text_test
from records.filterlang.errors import meant
from records.filterlang.plain import boolean_test, chosen, number_test
from records.filterlang.tree import Compare
from records.filterlang.values import like

SCORE = "s.project_id = r.project_id AND s.record_id = r.id"
WAITING = "s.status = 0 AND s.source = 3"  # asked of a person


def current(b: Bindings, node: Compare) -> str:
    """A metric's value, status, reasoning, ...: of its current score; `metric.status` of any metric's."""
    metric = f" AND s.metric_id = {b.bind(node.field.metric.id)}" if node.field.metric else ""
    exists = f"EXISTS (SELECT FROM score s WHERE {SCORE} AND s.is_current{metric} AND {{}})"
    if node.op == "null":
        return f"(NOT {exists.format(_present(node))})"
    return exists.format(score_test(b, node))


def score_test(b: Bindings, node: Compare) -> str:
    """The part of such a condition that speaks of the score `s` alone, without its metric."""
    sql = node.field.spec.sql
    match node.field.spec.kind:
        case "score_number":
            return f"({number_test(b, node, sql, whole=node.field.spec.whole)})"
        case "score_bool":
            return boolean_test(b, node, sql)
        case "score_set":
            return _set(b, node)
        case "score_text":
            return _text(b, node)
    return f"s.outcome {b.among(chosen(b, node))}" if sql == "s.outcome" else f"{sql} {b.among(chosen(b, node))}"


def _present(node: Compare) -> str:
    sql = node.field.spec.sql
    match node.field.spec.kind:
        case "score_number" | "score_bool" | "score_set":
            return f"{sql} IS NOT NULL"
        case "score_text":
            return f"{sql} <> ''"
    return "TRUE"


def _set(b: Bindings, node: Compare) -> str:
    """One of the choices that the score names; a choice is found in any case, since there is a list of them."""
    choices = node.field.metric.choices
    if node.op not in (*EQUALITY, "contains"):
        raise b.unsupported(node, f"it is one of {', '.join(choices)}")
    by_word = {choice.lower(): choice for choice in choices}
    wanted = []
    for value in node.values:
        choice = value.raw if value.raw in choices else by_word.get(value.raw.lower())
        if choice is None:
            message = f"'{value.raw[:60]}' is not a choice of {node.field.metric.name}, which has {', '.join(choices)}"
            raise b.refuse(message + meant(value.raw, list(choices)), value)
        wanted.append(choice)
    return f"{node.field.spec.sql} && {b.bind(wanted, 'text[]')}"


def _text(b: Bindings, node: Compare) -> str:
    """Prose: `:` searches in it."""
    sql = node.field.spec.sql
    if node.op in (":", ":in"):
        patterns = [f"%{like(value.raw, wildcards=value.kind == 'word')}%" for value in node.values]
        return f"{sql} ILIKE ANY({b.bind(patterns, 'text[]')})"
    if node.op in ORDERED or node.op == "between":
        raise b.unsupported(node, "it is text: use : = LIKE or CONTAINS")
    return f"({text_test(b, node, sql)})"


def latest(b: Bindings, node: Compare) -> str:
    """The newest attempt, whether it counts or not."""
    newest = (
        f"(SELECT s.outcome FROM score s WHERE {SCORE} AND s.metric_id = {b.bind(node.field.metric.id)}"  # noqa: S608
        " ORDER BY s.id DESC LIMIT 1)"
    )
    return f"({newest} IS NULL)" if node.op == "null" else f"({newest} {b.among(chosen(b, node))})"


def scored_by(b: Bindings, node: Compare) -> str:
    """Scored, or to be scored, by something of that name; any attempt counts."""
    sql = node.field.spec.sql
    exists = f"EXISTS (SELECT FROM score s WHERE {SCORE} AND {{}})"
    if node.op == "null":
        return f"(NOT {exists.format(f"{sql} <> ''")})"
    if node.op in ORDERED or node.op == "between":
        raise b.unsupported(node, "names can be compared with : = != IN LIKE and CONTAINS")
    return exists.format(f"({text_test(b, node, sql)})")


def assigned(b: Bindings, node: Compare) -> str:
    """Waits for that person's score."""
    exists = f"EXISTS (SELECT FROM score s WHERE {SCORE} AND {WAITING} AND s.assignee_id {{}})"
    if node.op == "null":
        return f"(NOT {exists.format('IS NOT NULL')})"
    if node.op not in EQUALITY:
        raise b.unsupported(node, "people can only be compared with : = != or IN")
    people = b.vocabulary.people
    ids = []
    for value in node.values:
        me = value.kind == "word" and value.raw.lower() == "me"
        if me and b.vocabulary.me is None:
            raise b.refuse("'me' is whoever asks, and nobody is signed in here; name the person", value)
        found = b.vocabulary.me if me else people.get(value.raw)
        if found is None:
            raise b.refuse(f"nobody here is called '{value.raw[:60]}'{meant(value.raw, list(people))}", value)
        ids.append(found)
    return exists.format(b.among(ids, "bigint"))


LEAVES = {
    "outcome": current, "score_number": current, "score_bool": current, "score_choice": current, "score_set": current,
    "score_text": current, "latest": latest, "scored": scored_by, "person": assigned,
}  # fmt: skip
