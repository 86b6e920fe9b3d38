"""The beginning of each item's values, for a list: cut in the database, so that large values cost no more."""

from typing import Any

from django.db.models import Case, F, JSONField, QuerySet, TextField, When
from django.db.models.functions import Cast, Left, Length

from experiments.models import DatasetItem
from records.conversation import messages_of

FIELDS = ("inputs", "expected", "metadata")
CHARS = 240
WHOLE_CHARS = 4_000  # a value up to here is read whole, and said in words


def previewed(items: QuerySet[DatasetItem]) -> QuerySet[DatasetItem]:
    """Items that hold of inputs, expected and metadata no more than `preview` and `holds_all` need."""
    for field in FIELDS:
        text = Cast(F(field), TextField())
        items = items.alias(**{f"{field}_chars": Length(text)}).annotate(**{
            f"{field}_small": Case(
                When(**{f"{field}_chars__lte": WHOLE_CHARS}, then=F(field)), default=None, output_field=JSONField()
            ),
            f"{field}_start": Left(text, CHARS),
        })  # fmt: skip
    return items.defer(*FIELDS)


def preview(item: DatasetItem, field: str) -> str:
    """In words: "question: Where is it? order_id: 7". Empty where there is nothing."""
    start = getattr(item, f"{field}_start")
    if start is None or start in ("null", "{}"):
        return ""
    return cut(said(getattr(item, f"{field}_small")) or start)


def holds_all(item: DatasetItem, field: str) -> bool:
    """Whether the value was small enough to be read whole."""
    return getattr(item, f"{field}_start") is None or getattr(item, f"{field}_small") is not None


def said(value: Any) -> str:
    """A JSON value in one line for a reader."""
    messages = messages_of(value)
    if messages:
        return " ".join(f"{one.role}: {' '.join(part.text for part in one.parts)}" for one in messages)
    if isinstance(value, dict):
        return " · ".join(f"{key}: {said(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return ", ".join(said(inner) for inner in value)
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def cut(text: str, chars: int = CHARS) -> str:
    return text if len(text) <= chars else f"{text[: chars - 1]}\N{HORIZONTAL ELLIPSIS}"
