"""Somebody's own arrangement of a project's records table: columns and their widths, rows, how dense it is."""

from collections.abc import Iterable, Mapping, Sequence

from evalhub.models import Project, User
from records.columns import MAX_COLUMNS, Column, chosen, column_of, default_keys
from records.models import ColumnLayout, Metric
from records.models.layout import NARROWEST, WIDEST

SAVED = ("columns", "rows", "density", "wrap")
MAX_WIDTHS = 200  # columns that were shown once keep theirs; the oldest are forgotten


class LayoutProblem(ValueError):
    """Columns that make no table, in words for the reader."""


def layout_of(project: Project, user: User) -> ColumnLayout:
    """What was saved, else a new one with the defaults, which is not stored."""
    saved = ColumnLayout.objects.filter(project=project, user=user).first()
    return saved or ColumnLayout(project=project, user=user)


def columns_of(layout: ColumnLayout, metrics: Sequence[Metric]) -> list[Column]:
    """The layout's columns; the defaults where it has none, or none that is left (a metric may be gone)."""
    return chosen(layout.columns, metrics) or chosen(default_keys(metrics), metrics)


def save_layout(layout: ColumnLayout, keys: Iterable[str], metrics: Sequence[Metric]) -> ColumnLayout:
    """Stores it with these columns, in place of what this user had in this project. Raises LayoutProblem."""
    keys, by_slug = list(dict.fromkeys(keys)), {metric.slug: metric for metric in metrics}
    if not keys:
        raise LayoutProblem("A table needs at least one column.")
    if len(keys) > MAX_COLUMNS:
        raise LayoutProblem(f"A table holds at most {MAX_COLUMNS} columns: these are {len(keys)}.")
    unknown = [key[:60] for key in keys if column_of(key, by_slug) is None]
    if unknown:
        raise LayoutProblem(f"There is no column {', '.join(unknown[:5])}. A path begins with inputs, outputs, "
                            "expected or metadata, such as inputs.question.")  # fmt: skip
    values = {name: getattr(layout, name) for name in SAVED} | {"columns": keys}
    return ColumnLayout.objects.update_or_create(project=layout.project, user=layout.user, defaults=values)[0]


def save_widths(project: Project, user: User, widths: Mapping[str, str], metrics: Sequence[Metric]) -> None:
    """Keeps the pixels of these columns beside those of others; an empty width is the column's own again.

    Raises LayoutProblem where a key names no column or a width is no number of pixels.
    """
    by_slug = {metric.slug: metric for metric in metrics}
    kept = {key: px for key, px in layout_of(project, user).widths.items() if key not in widths}
    for key, written in widths.items():
        if column_of(key, by_slug) is None:
            raise LayoutProblem(f"There is no column {key[:60]}.")
        if not written:
            continue
        if not (written.isascii() and written.isdigit() and NARROWEST <= int(written[:9]) <= WIDEST):
            raise LayoutProblem(f"A column is {NARROWEST} to {WIDEST} pixels wide.")
        kept[key] = int(written)
    kept = dict(list(kept.items())[-MAX_WIDTHS:])
    ColumnLayout.objects.update_or_create(project=project, user=user, defaults={"widths": kept})


def reset_layout(project: Project, user: User) -> None:
    ColumnLayout.objects.filter(project=project, user=user).delete()
