"""Metrics: what may be changed about them and when, and what has to follow in their scores.

Wrong definitions raise django.core.exceptions.ValidationError with a message for each field, as forms and the API need.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.utils import timezone

from evalhub.models import Project
from records.limits import MAX_ITEMS, MAX_NUMBER
from records.models import Metric, Score, ValueType
from records.models.metric import RESERVED_SLUGS, Direction
from records.rows import as_rows
from records.scores import SQL, settling
from records.values import TypedValue, judge

MAX_CHOICES = 100
MAX_CHOICE_CHARS = 100

EDITABLE = frozenset({
    "slug", "name", "description", "value_type", "min_score", "max_score", "passing_score", "direction",
    "passing_value", "categorical_choices", "several", "passing_choices", "position",
})  # fmt: skip

# The fields of each type, and what they are for the others.
OPTIONS: dict[str, dict[str, Any]] = {
    ValueType.NUMERICAL: {
        "min_score": None, "max_score": None, "passing_score": None, "direction": Direction.HIGHER,
    },
    ValueType.BOOLEAN: {"passing_value": True},
    ValueType.CATEGORICAL: {"categorical_choices": [], "several": False, "passing_choices": []},
    ValueType.COMMENT: {},
}  # fmt: skip
# What a score's value or verdict follows from: any change is a new version of the metric.
VERSIONED = frozenset(field for options in OPTIONS.values() for field in options)


class UnknownMetric(LookupError):
    """The project has no such metric, or has archived it."""


def metric_for(project: Project, slug: str) -> Metric:
    """The metric that new scores may name, or UnknownMetric."""
    return usable(project, slug, Metric.objects.filter(project=project, slug=slug).first())


def usable(project: Project, slug: str, metric: Metric | None) -> Metric:
    """`metric`, which was looked up by `slug`, if new scores may name it; or UnknownMetric."""
    if metric is None:
        raise UnknownMetric(f"{project.slug} has no metric {slug[:100]!r}.")
    if metric.archived_at:
        raise UnknownMetric(f"The metric {slug} is archived.")
    return metric


def create_metric(project: Project, **fields: Any) -> Metric:
    """A new metric of the project. Raises ValidationError."""
    _known(fields)
    if not fields.get("name"):
        fields["name"] = str(fields.get("slug", "")).replace("_", " ").capitalize()
    metric = Metric(project=project, **fields)
    _normalise(metric)
    _check(metric)
    metric.save()
    return metric


def change_metric(metric: Metric, **fields: Any) -> Metric:
    """The metric with some fields changed, and its version raised if verdicts or values may change with them.

    Once there is a score, slug and value type stay, bounds only widen, and choices are archived instead of removed; an
    automatic metric may also be given bounds that hold all its values. Raises ValidationError, changing nothing. The
    primary evaluator is set by `set_primary_evaluator`.

    Waits for the scores that are being written and holds up those that come: each is read by the definition of before
    and counts as one that is there, or by the new one.
    """
    _known(fields)
    with transaction.atomic():
        old = Metric.objects.select_for_update().get(project_id=metric.project_id, id=metric.id)
        new = Metric.objects.get(project_id=metric.project_id, id=metric.id)
        for name, value in fields.items():
            setattr(new, name, value)
        if new.value_type != old.value_type:
            for name, default in OPTIONS[old.value_type].items():
                setattr(new, name, fields.get(name, default))
        _normalise(new)
        _check(new)
        if is_scored(old):
            _check_scored(old, new)
        if any(getattr(new, name) != getattr(old, name) for name in VERSIONED):
            new.version = old.version + 1
            new.automatic = False
        new.save()
    return new


def archive_metric(metric: Metric) -> None:
    """It takes no new scores and is offered no more; what was scored stays, and so does its column where shown."""
    Metric.objects.filter(project_id=metric.project_id, id=metric.id).update(archived_at=timezone.now())


def restore_metric(metric: Metric) -> None:
    Metric.objects.filter(project_id=metric.project_id, id=metric.id).update(archived_at=None)


def is_scored(metric: Metric) -> bool:
    """Whether it has any score: every scored record has a current one, for which there is an index."""
    return Score.objects.filter(project_id=metric.project_id, metric_id=metric.id, is_current=True).exists()


def create_default_metrics(project: Project) -> None:
    """What every project starts with: people's notes, and the thumbs of its end users; behind its own columns."""
    create_metric(
        project, slug="note", name="Note", value_type=ValueType.COMMENT, description="What people noticed.",
        position=901,
    )  # fmt: skip
    create_metric(
        project,
        slug="feedback",
        name="Feedback",
        value_type=ValueType.BOOLEAN,
        description="Thumbs of the end users, sent through the API.",
        position=900,
    )


def recompute_passes(project: Project, metric: Metric) -> int:
    """Judges the stored values by the metric's definition of now, in slices of 1,000 records; how many were judged.

    May be stopped and run again: it takes up the values judged by another version. Calls nothing and nobody.
    """
    judged = 0
    metric = Metric.objects.get(project=project, id=metric.id)
    for records in _scored_slices(metric):
        with settling(project.id, records) as step:
            values = step("outdated", metric=metric.id, records=records, version=metric.version)
            rows = []
            for id, _, *fields in values:
                verdict = judge(metric, TypedValue(*fields))
                rows.append({"id": id, "passed": verdict.passed, "value": verdict.value})
            if rows:
                step("rejudge", rows=as_rows(rows), version=metric.version)
        judged += len(rows)
    return judged


def set_primary_evaluator(metric: Metric, slug: str) -> None:
    """Names the evaluator whose values the column shows, and chooses the current scores anew, in slices of 1,000
    records: long for a metric with many, so call it from a job. May be run again after an interruption."""
    Metric.objects.filter(project_id=metric.project_id, id=metric.id).update(primary_evaluator=slug)
    metric.primary_evaluator = slug
    for records in _scored_slices(metric):
        with settling(metric.project_id, records) as step:
            ranked = step("set_rank", metric=metric.id, records=records)
            step("dethrone", metric=metric.id, records=list({id for (id,) in ranked}))
            step("recrown")


def _scored_slices(metric: Metric):
    """The ids of all records with a score of the metric, up to 1,000 at a time, in order."""
    after = UUID(int=0)
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                SQL["scored_records"],
                {"p": metric.project_id, "metric": metric.id, "after": after, "limit": MAX_ITEMS},
            )
            records = [id for (id,) in cursor.fetchall()]
        if not records:
            return
        yield records
        after = records[-1]


def _known(fields: Mapping[str, Any]) -> None:
    if strange := set(fields) - EDITABLE:
        raise ValidationError({name: "A metric has no such field." for name in sorted(strange)})


def _normalise(metric: Metric) -> None:
    """Choices given as plain strings become objects."""
    choices = metric.categorical_choices
    if isinstance(choices, list | tuple):
        metric.categorical_choices = [
            {"value": choice, "number": None, "archived": False}
            if isinstance(choice, str)
            else {"number": None, "archived": False} | choice
            if isinstance(choice, Mapping)
            else choice
            for choice in choices
        ]
    if metric.passing_choices is None:
        metric.passing_choices = []


def _check(metric: Metric) -> None:
    """Everything about a metric that holds whether it has scores or not."""
    problems: dict[str, str] = {}
    metric.full_clean(validate_constraints=True)
    if metric.slug in RESERVED_SLUGS:
        problems["slug"] = f"The filter language keeps {' and '.join(sorted(RESERVED_SLUGS))} for itself."
    for value_type, options in OPTIONS.items():
        if value_type != metric.value_type:
            for name, default in options.items():
                # An automatic boolean metric has no passing value, which is no default of the model.
                if getattr(metric, name) not in (default, None):
                    problems[name] = f"A {metric.value_type} metric has no {name}."
    if metric.value_type == ValueType.NUMERICAL:
        problems |= _bounds_problems(metric)
    elif metric.value_type == ValueType.CATEGORICAL:
        problems |= _choices_problems(metric)
    if problems:
        raise ValidationError(problems)


def _bounds_problems(metric: Metric) -> dict[str, str]:
    low, high, passing = metric.min_score, metric.max_score, metric.passing_score
    problems = {
        name: "Must be a finite number."
        for name, value in (("min_score", low), ("max_score", high), ("passing_score", passing))
        if value is not None and not math.isfinite(value)
    }
    if not problems:
        if low is not None and high is not None and low >= high:
            problems["max_score"] = "Must be above min_score."
        elif passing is not None and ((low is not None and passing < low) or (high is not None and passing > high)):
            problems["passing_score"] = "Must lie within min_score and max_score, or nothing could pass or fail."
    return problems


def _choices_problems(metric: Metric) -> dict[str, str]:
    choices = metric.categorical_choices
    if not isinstance(choices, list) or not choices:
        return {"categorical_choices": "A categorical metric needs at least one choice."}
    if len(choices) > MAX_CHOICES:
        return {"categorical_choices": f"At most {MAX_CHOICES} choices."}
    for choice in choices:
        problem = _choice_problem(choice)
        if problem:
            return {"categorical_choices": problem}
    values = [choice["value"] for choice in choices]
    if len(set(values)) < len(values):
        return {"categorical_choices": "A choice stands there twice."}
    if all(choice["archived"] for choice in choices):
        return {"categorical_choices": "All choices are archived: archive the metric instead."}
    strange = [choice for choice in metric.passing_choices if choice not in values]
    return {"passing_choices": f"{strange[0]!r} is not among the choices."} if strange else {}


def _choice_problem(choice: Any) -> str:
    if not isinstance(choice, dict) or set(choice) != {"value", "number", "archived"}:
        return 'Each choice is a string or an object: {"value": "good", "number": 1, "archived": false}.'
    value, number = choice["value"], choice["number"]
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_CHOICE_CHARS or "\x00" in value:
        return f"A choice's value is text of 1 to {MAX_CHOICE_CHARS} characters."
    if not isinstance(choice["archived"], bool):
        return f"archived of {value!r} is true or false."
    if number is not None and (isinstance(number, bool) or not isinstance(number, int | float)):
        return f"The number of {value!r} is not a number."
    if number is not None and not math.isfinite(number):
        return f"The number of {value!r} is not finite."
    if number is not None and abs(number) > MAX_NUMBER:
        return f"The number of {value!r} is not between {-MAX_NUMBER:g} and {MAX_NUMBER:g}."
    return ""


def _check_scored(old: Metric, new: Metric) -> None:
    """What a metric with scores may no longer change: stored values have to stay valid and comparable."""
    problems: dict[str, str] = {}
    if new.slug != old.slug:
        problems["slug"] = "Fixed after the first score: filters, exports and senders know it by this slug."
    if new.value_type != old.value_type:
        problems["value_type"] = "Fixed after the first score."
    elif not (old.automatic and _holds_all(new)):
        for name, sign in (("min_score", -1), ("max_score", 1)):
            before, after = getattr(old, name), getattr(new, name)
            if after is not None and (before is None or sign * after < sign * before):
                problems[name] = "There are scores: bounds only widen."
    if gone := _values(old.categorical_choices) - _values(new.categorical_choices):
        problems["categorical_choices"] = f"There are scores: archive {min(gone)!r} instead of removing it."
    if old.several and not new.several:
        problems["several"] = "There are scores, which may name several choices."
    if problems:
        raise ValidationError(problems)


def _holds_all(metric: Metric) -> bool:
    """Whether all current values of a numerical metric lie within its bounds."""
    values = Score.objects.filter(project_id=metric.project_id, metric_id=metric.id, is_current=True)
    below = metric.min_score is not None and values.filter(value__lt=metric.min_score).exists()
    above = metric.max_score is not None and values.filter(value__gt=metric.max_score).exists()
    return not (below or above)


def _values(choices: Sequence[Mapping[str, Any]]) -> set[str]:
    return {choice["value"] for choice in choices}
