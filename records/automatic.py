"""Metrics that scores bring along: of a name the project does not know, with open bounds and no pass condition, their
type guessed from the typed field that was sent. An automatic categorical metric learns the choices it meets, up to 100.

Nothing is made or learned for a value that is refused.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from copy import copy
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from evalhub.models import Project
from records.metrics import MAX_CHOICE_CHARS, MAX_CHOICES, usable
from records.models import Metric, Score, ValueType
from records.models.metric import RESERVED_SLUGS
from records.values import FIELDS, ValueProblem, read_value

CHOICES = FIELDS[ValueType.CATEGORICAL]


def automatic_slug(name: str) -> str:
    """The slug that stands for a foreign evaluator's name, such as "Answer Relevance (v2)". Names in other scripts are
    told apart by a few digits of their hash."""
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    if not slug or not slug[0].isalpha():
        slug = f"m_{slug}".rstrip("_")
    if any(letter.isalnum() and not letter.isascii() for letter in name):
        slug = f"{slug[:54].rstrip('_')}_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
    slug = slug[:63].rstrip("_")
    return f"{slug}_score" if slug in RESERVED_SLUGS else slug


def is_settled(metric: Metric | None, sent: Mapping[str, Any]) -> bool:
    """Whether `automatic_metric` would give this very metric back: no need to ask, once for every score of a batch."""
    if metric is None or metric.archived_at:
        return False
    return not _lacking(metric, sent)


def foreseen(project: Project, known: Mapping[str, Metric], name: str, sent: Mapping[str, Any]) -> Metric:
    """What `automatic_metric` would give, without a query and nothing stored; `known` are metrics by slug, of the
    project or foreseen before. Raises what `automatic_metric` raises."""
    slug = name if name in known else automatic_slug(name)
    metric = usable(project, slug, known.get(slug) or _new(project, slug, name, sent))
    if choices := _lacking(metric, sent):
        metric = copy(metric)
        metric.categorical_choices = _with(metric, choices)
    read_value(metric, sent)
    return metric


def automatic_metric(project: Project, name: str, sent: Mapping[str, Any]) -> Metric:
    """The metric that a score names, made if the project does not know it.

    To be called outside the transaction that writes the scores: two batches that make the same metrics must not wait
    for each other. Raises ValueProblem where the value is none of this metric or nothing can be guessed, UnknownMetric
    where it is archived.
    """
    stored = {m.slug: m for m in Metric.objects.filter(project=project, slug__in={name, automatic_slug(name)})}
    wanted = foreseen(project, stored, name, sent)
    metric = stored.get(wanted.slug)
    if metric is None:
        like = ("name", "value_type", "automatic", "passing_value", "several", "categorical_choices")
        defaults = {field: getattr(wanted, field) for field in like}
        metric, _ = Metric.objects.get_or_create(project=project, slug=wanted.slug, defaults=defaults)
    return _learn(metric, sent)


def forget_unused(project: Project, names: Iterable[str], since: datetime) -> None:
    """Takes back what `automatic_metric` has made since then for scores that were not stored after all. Who is just
    about to store one of that metric makes it anew."""
    slugs = {slug for name in names for slug in (name, automatic_slug(name))}
    with transaction.atomic():
        made = Metric.objects.filter(project=project, slug__in=slugs, automatic=True, created_at__gte=since)
        ids = list(made.select_for_update().order_by("id").values_list("id", flat=True))
        # A statement of its own: it sees the scores of whoever held the metric before us.
        used = Score.objects.filter(project=project, metric_id=OuterRef("pk"))
        Metric.objects.filter(~Exists(used), id__in=ids).delete()


def _new(project: Project, slug: str, name: str, sent: Mapping[str, Any]) -> Metric:
    types = [value_type for value_type, field in FIELDS.items() if sent.get(field) is not None]
    if len(types) != 1:
        raise ValueProblem("numerical_value", f"A score needs exactly one of {', '.join(FIELDS.values())}.")
    (value_type,) = types
    return Metric(
        project=project, slug=slug, name=name[:120], value_type=value_type, automatic=True,
        passing_value=None if value_type == ValueType.BOOLEAN else True, several=value_type == ValueType.CATEGORICAL,
    )  # fmt: skip


def _lacking(metric: Metric, sent: Mapping[str, Any]) -> list[str]:
    """The choices that an automatic metric has yet to learn. What is wrong with others is for read_value to say."""
    named = sent.get(CHOICES)
    if not metric.automatic or metric.value_type != ValueType.CATEGORICAL or not isinstance(named, list | tuple):
        return []
    known = {choice["value"] for choice in metric.categorical_choices}
    fitting = [c for c in named if isinstance(c, str) and c.strip() and len(c) <= MAX_CHOICE_CHARS]
    return [choice for choice in dict.fromkeys(fitting) if choice not in known]


def _with(metric: Metric, choices: list[str]) -> list[dict[str, Any]]:
    known = metric.categorical_choices
    added = choices[: max(0, MAX_CHOICES - len(known))]
    return [*known, *({"value": choice, "number": None, "archived": False} for choice in added)]


def _learn(metric: Metric, sent: Mapping[str, Any]) -> Metric:
    if not _lacking(metric, sent):
        return metric
    with transaction.atomic():
        # A choice more is no new version: nobody who writes scores has to wait.
        metric = Metric.objects.select_for_update(no_key=True).get(project_id=metric.project_id, id=metric.id)
        metric.categorical_choices = _with(metric, _lacking(metric, sent))
        metric.save(update_fields=["categorical_choices"])
    return metric
