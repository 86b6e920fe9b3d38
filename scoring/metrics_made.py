"""The metric that is made with an evaluator where none was chosen: as its template or its built-in kind wants it."""

from collections.abc import Mapping
from itertools import chain, count
from typing import Any

from django.db.models import QuerySet
from pydantic import ValidationError as Invalid

from evalhub.models import Project
from records.models import Metric, ValueType
from records.models.metric import Direction
from scoring.builtins import BUILTINS, settings_of
from scoring.judge_templates import JudgeTemplate

OPEN = {"length": {}, "latency": {"direction": Direction.LOWER}, "cost": {"direction": Direction.LOWER}}


def of_template(template: JudgeTemplate) -> dict[str, Any]:
    return {"name": template.name} | template.metric


def of_builtin(key: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Which value type comes out may hang on the settings; wrong ones are somebody else's to refuse."""
    kind = BUILTINS[key]
    try:
        value_type = kind.gives(settings_of(key, settings))
    except Invalid:
        value_type = ValueType.BOOLEAN
    fields: dict[str, Any] = {"slug": key, "name": kind.name, "value_type": value_type}
    if value_type == ValueType.NUMERICAL:
        fields |= {"min_score": 0} | OPEN.get(key, {"max_score": 1})
    return fields


def free_slug(project: Project, slug: str) -> str:
    """The slug, or with the first number behind it that no metric of the project has."""
    taken = set(Metric.objects.filter(project=project, slug__startswith=slug).values_list("slug", flat=True))
    return next(name for name in chain([slug], (f"{slug}_{n}" for n in count(2))) if name not in taken)


def fitting_metric(metrics: QuerySet[Metric], template: JudgeTemplate) -> Metric | None:
    """The one among them that the template would make, if it is there already."""
    wanted = template.metric
    found = metrics.filter(slug=wanted["slug"], value_type=wanted["value_type"], archived_at=None).first()
    said = {choice["value"] for choice in wanted.get("categorical_choices", [])}
    return found if found and said <= {choice["value"] for choice in found.categorical_choices} else None
