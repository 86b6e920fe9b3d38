"""Names of evaluators and rules: free text in scores, so that an unknown one is no error, but worth a word."""

from dataclasses import dataclass

from records.filterlang.errors import meant
from records.filterlang.fields import Vocabulary
from records.filterlang.tree import Node, compares


@dataclass(frozen=True, slots=True)
class Remark:
    message: str
    pos: int
    end: int


def names_scorers(node: Node) -> bool:
    """Whether there is a name to look up."""
    return any(compare.field.text in ("evaluator", "rule") for compare in compares(node))


def unknown_names(node: Node, vocabulary: Vocabulary) -> list[Remark]:
    """One remark for each name that the vocabulary does not know; nothing where it was not told the names."""
    remarks = []
    for compare in compares(node):
        known = {"evaluator": vocabulary.evaluators, "rule": vocabulary.rules}.get(compare.field.text)
        if known is None or compare.op not in (":", "=", "in", ":in"):
            continue
        lowered = {name.lower() for name in known}
        for value in compare.values:
            if value.raw.lower() not in lowered and not (value.kind == "word" and "*" in value.raw):
                message = f"no {compare.field.text} here is called '{value.raw[:60]}'{meant(value.raw, sorted(known))}"
                remarks.append(Remark(message, value.pos, value.end))
    return remarks
