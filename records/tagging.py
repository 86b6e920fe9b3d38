"""Tags on records: many records at once; the project remembers every tag it has seen, for completion."""

from collections.abc import Iterable, Sequence
from itertools import batched
from uuid import UUID

from django.db import connection, transaction

from records.limits import MAX_ITEMS, MAX_TAGS
from records.models import Tag
from records.scores import SQL as SCORES
from records.sql import load, steps

SQL = SCORES | load("tagging")
MAX_TAG_CHARS = 100


class TagProblem(Exception):
    """A tag, or a number of tags, that a record cannot have. Nothing was changed in this slice of records."""


def read_tags(names: Iterable[object]) -> list[str]:
    """Tags as people write them: outer spaces gone, each once, in order. Raises TagProblem."""
    tags = []
    for name in names:
        if not isinstance(name, str):
            raise TagProblem("A tag is text.")
        tag = " ".join(name.split())
        if not tag:
            raise TagProblem("A tag must not be empty.")
        if len(tag) > MAX_TAG_CHARS:
            raise TagProblem(f"A tag has at most {MAX_TAG_CHARS} characters: {tag[:40]}...")
        if not tag.isprintable():
            raise TagProblem(f"A tag holds no control characters: {tag!r}")
        tags.append(tag)
    return list(dict.fromkeys(tags))


def add_tags(project_id: int, ids: Iterable[UUID], tags: Sequence[str]) -> int:
    """Adds tags to records, in transactions of 1,000; how many records changed. Raises TagProblem."""
    tags = read_tags(tags)
    changed = _change(project_id, ids, "add", tags)
    know_tags(project_id, tags)
    return changed


def remove_tags(project_id: int, ids: Iterable[UUID], tags: Sequence[str]) -> int:
    """Takes tags off records, in transactions of 1,000; how many records changed. The project still knows the tags."""
    return _change(project_id, ids, "remove", read_tags(tags))


def know_tags(project_id: int, tags: Sequence[str]) -> None:
    """Keeps tags for completion; in name order, since two writers may bring the same ones."""
    Tag.objects.bulk_create([Tag(project_id=project_id, name=tag) for tag in sorted(tags)], ignore_conflicts=True)


def _change(project_id: int, ids: Iterable[UUID], statement: str, tags: list[str]) -> int:
    if not tags:
        return 0
    changed = 0
    for part in batched(sorted(set(ids)), MAX_ITEMS):
        with transaction.atomic(), connection.cursor() as cursor:
            step = steps(cursor, SQL, project_id)
            step("lock_records", records=list(part))
            lengths = [length for _, length in step(statement, records=list(part), tags=tags)]
            if statement == "add" and max(lengths, default=0) > MAX_TAGS:
                over = sum(length > MAX_TAGS for length in lengths)
                raise TagProblem(f"A record has at most {MAX_TAGS} tags; {over:,} would have more.")
            step("tag_samples", records=list(part))
            changed += len(lengths)
    return changed
