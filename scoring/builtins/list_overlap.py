"""List overlap: how many of the expected items are there, and how many others."""

from typing import Any, Literal

from pydantic import Field

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.levenshtein import similarity
from scoring.builtins.picks import AGAINST, VALUE, NoVerdict, Path, as_text, parsed, pick, shown
from scoring.verdicts import Verdict, completed, errored

MAX_ITEMS = 10_000
MAX_SIMILAR_ITEMS = 300  # each is compared with each
MAX_SIMILAR_CHARS = 2_000


class OverlapSettings(Settings):
    value: Path = VALUE
    against: Path = AGAINST
    measure: Literal["f1", "precision", "recall", "jaccard"] = Field(
        "f1",
        title="Measure",
        description="precision: share of the items that are expected; recall: share of the expected items that are "
        "there; f1: both; jaccard: shared items by all items.",
    )
    match: Literal["exact", "ignore case", "similar"] = Field("exact", title="Items are the same if")
    similar_from: float = Field(
        0.8, ge=0, le=1, title="Similar from", description="Levenshtein similarity from which two items are the same."
    )
    separator: str = Field(
        "", max_length=10, title="Separator", description="Where the value is a text: what parts items."
    )


def evaluate(inputs: dict[str, Any], settings: OverlapSettings) -> Verdict:
    items = _items(pick(inputs, settings.value), settings.value, settings)
    wanted = _items(pick(inputs, settings.against), settings.against, settings)
    if not items and not wanted:
        return completed(1.0, "Both are empty.")
    shared = _similar(items, wanted, settings.similar_from) if settings.match == "similar" else _equal(items, wanted)
    score = {
        "precision": shared / len(items) if items else 0.0,
        "recall": shared / len(wanted) if wanted else 1.0,
        "f1": 2 * shared / (len(items) + len(wanted)),
        "jaccard": shared / (len(items) + len(wanted) - shared),
    }[settings.measure]
    absent = [item for item in wanted if item not in items][:10]
    reasoning = f"{shared} of {len(wanted)} expected items among {len(items)}."
    return completed(
        score, f"{reasoning} Not found: {shown(absent)}." if absent and shared < len(wanted) else reasoning
    )


def _items(value: Any, at: str, settings: OverlapSettings) -> list[str]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(settings.separator)] if settings.separator else parsed(value, at)
        value = [part for part in value if part != ""] if isinstance(value, list) else value
    if not isinstance(value, list):
        raise NoVerdict(errored(f"{at} is not a list."))
    if len(value) > MAX_ITEMS:
        raise NoVerdict(errored(f"{at} has more than {MAX_ITEMS:,} items."))
    texts = [as_text(item) for item in value]
    return list(
        dict.fromkeys(text.casefold() for text in texts) if settings.match == "ignore case" else dict.fromkeys(texts)
    )


def _equal(items: list[str], wanted: list[str]) -> int:
    return len(set(items) & set(wanted))


def _similar(items: list[str], wanted: list[str], enough: float) -> int:
    """How many pairs there are, the most alike first, each item in one pair at most."""
    if max(len(items), len(wanted)) > MAX_SIMILAR_ITEMS or any(len(i) > MAX_SIMILAR_CHARS for i in [*items, *wanted]):
        raise NoVerdict(errored(
            f"Similar items are looked for among at most {MAX_SIMILAR_ITEMS}, of {MAX_SIMILAR_CHARS:,} characters each."
        ))  # fmt: skip
    pairs = [(similarity(item, other), a, b) for a, item in enumerate(items) for b, other in enumerate(wanted)]
    used_items: set[int] = set()
    used_wanted: set[int] = set()
    for alike, a, b in sorted(pairs, reverse=True):
        if alike < enough:
            break
        if a not in used_items and b not in used_wanted:
            used_items.add(a)
            used_wanted.add(b)
    return len(used_items)


OVERLAP = Builtin(
    key="list_overlap",
    name="List overlap",
    description="How well a list holds the expected items, from 0 to 1; order and repeats mean nothing.",
    settings=OverlapSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.NUMERICAL,
    known_as=("ListContains",),
)
