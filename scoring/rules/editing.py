"""Rules: made, changed, enabled, paused and deleted; used alike by the pages, the admin, the API and the demo. All
audited, and every change of what a rule decides by is a version.

Wrong fields raise django.core.exceptions.ValidationError with a message for each; that of `filter` has the code
"filter" and the FilterError in its params["error"], for the caret.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project
from records.automatic import automatic_slug
from records.filterlang import Condition, FilterError, Vocabulary, compares, compile_sql, parse
from records.scores import withdraw_rule
from records.vocabulary import vocabulary_of
from scoring.models import Evaluator, EvaluatorType, Rule, RuleScope, RuleVersion, SpansMode
from scoring.models.rule import RuleTerms
from scoring.rules import clock

EDITABLE = frozenset({
    "name", "description", "evaluators", "rate", "filter", "spans_mode", "span_names", "scope", "quiet_seconds",
    "budget_usd_day", "budget_calls_day", "include_experiments", "judge_again", "enabled",
})  # fmt: skip
TERMS = tuple(field.name for field in RuleTerms._meta.get_fields())
AFTER_SCORING = frozenset({"status", "metric", "rule", "scoring_run", "evaluator", "assigned"})
MOST_EVALUATORS = 20
MOST_NAMES = 100


def save_rule(project: Project, by: object, *, rule: Rule | None = None, **fields: Any) -> Rule:
    """The rule as saved: a new one, or `rule` with `fields` changed. See EDITABLE for the fields.

    `evaluators` are Evaluators of the project, `span_names` a list, or a text with commas; a new rule says its
    spans_mode (unless it judges whole traces). Saving an enabled rule starts it again where EvalHub had paused it.
    Raises ValidationError, changing nothing.
    """
    if strange := set(fields) - EDITABLE:
        raise ValidationError({name: "A rule has no such field." for name in sorted(strange)})
    with transaction.atomic():
        # One after the other, so that a name is not given twice; records that refer to the project do not wait.
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        saved = Rule(project=project) if rule is None else _locked(project, rule)
        before = None if rule is None else _state(saved)
        evaluators = fields.pop("evaluators", None)
        for name, value in fields.items():
            setattr(saved, name, _names(value) if name == "span_names" else value)
        chosen = list(evaluators) if evaluators is not None else (list(saved.evaluators.all()) if before else [])
        _check(saved, chosen, new=before is None, told=set(fields))
        was_at_work = before is not None and before["at_work"]
        saved.paused_reason = ""
        if saved.at_work and not was_at_work:
            saved.enabled_at = clock.now()
        if before is None:
            saved.slug, saved.created_by = _free_slug(project, saved.name), str(by)[:160]
        saved.save()
        if evaluators is not None:
            saved.evaluators.set(chosen)
        after = _state(saved)
        if before is None:
            audit.note(project, by, "rule.create", saved.name, **_shown(after))
        elif changed := {name: value for name, value in after.items() if before[name] != value}:
            audit.note(project, by, _verb(changed), saved.name, **_shown(changed))
        else:
            return saved
        if before is None or set(changed) & {*TERMS, "evaluators", "at_work"}:
            add_version(saved, by, after["evaluators"])
    return saved


def set_enabled(rule: Rule, by: object, enabled: bool) -> Rule:
    """Sets it to work, or pauses it; what is planned already is still scored. Raises ValidationError where its filter
    or its evaluators are of no use any more."""
    return save_rule(rule.project, by, rule=rule, enabled=enabled)


def stop_rule(rule: Rule, reason: str) -> bool:
    """For EvalHub itself: the rule decides nothing until somebody has looked. False where it was not at work."""
    with transaction.atomic():
        locked = _locked(rule.project, rule)
        if not locked.at_work:
            return False
        locked.paused_reason = reason[:2000]
        locked.save(update_fields=["paused_reason"])
        add_version(locked, "EvalHub", _evaluator_ids(locked), note=locked.paused_reason)
        audit.note(rule.project, "EvalHub", "rule.stop", rule.name, reason=locked.paused_reason)
    rule.paused_reason = locked.paused_reason
    return True


def add_version(rule: Rule, by: object, evaluator_ids: Sequence[int], note: str = "") -> RuleVersion:
    """What holds from now on; in the transaction that changes the rule."""
    now = clock.now()
    RuleVersion.objects.filter(project_id=rule.project_id, rule=rule, valid_to=None).update(valid_to=now)
    rule.version += 1
    rule.save(update_fields=["version"])
    terms = {name: getattr(rule, name) for name in TERMS} | {"enabled": rule.at_work}
    return RuleVersion.objects.create(
        project_id=rule.project_id, rule=rule, number=rule.version, evaluator_ids=list(evaluator_ids),
        author=str(by)[:160], note=note, valid_from=now, **terms,
    )  # fmt: skip


def version_at(rule: Rule, at: datetime) -> RuleVersion | None:
    """The version that was in force at a time; None before the rule was made."""
    found = RuleVersion.objects.filter(project_id=rule.project_id, rule=rule, valid_from__lte=at)
    return found.order_by("-number").first()


def compiled(text: str, vocabulary: Vocabulary, now: datetime, zone: str) -> Condition:
    """A rule's filter over `record r`. Raises FilterError, also for what a rule may not ask for."""
    node = parse(text, vocabulary)
    for compare in compares(node):
        if compare.field.text.split(".")[0] in AFTER_SCORING:
            raise FilterError(
                f"{compare.field.text} speaks of scores, and a rule decides before there are any: scores never "
                "trigger rules",
                compare.field.pos, compare.field.end, text,
            )  # fmt: skip
    return compile_sql(node, vocabulary, now, ZoneInfo(zone), text)


def _locked(project: Project, rule: Rule) -> Rule:
    return Rule.objects.select_for_update(no_key=True).select_related("project").get(project=project, pk=rule.pk)


def _state(rule: Rule) -> dict[str, Any]:
    fields = {name: getattr(rule, name) for name in EDITABLE - {"evaluators"}}
    return fields | {"evaluators": _evaluator_ids(rule), "at_work": rule.at_work}


def _evaluator_ids(rule: Rule) -> list[int]:
    return sorted(rule.evaluators.values_list("id", flat=True))


def _verb(changed: dict[str, Any]) -> str:
    if set(changed) <= {"enabled", "at_work"}:
        return "rule.enable" if changed.get("at_work") else "rule.pause"
    return "rule.change"


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    """As the audit trail keeps it: evaluators by their slugs, money as text."""
    shown = {name: value for name, value in state.items() if name not in ("at_work", "evaluators")}
    if "evaluators" in state:
        slugs = Evaluator.objects.filter(id__in=state["evaluators"]).order_by("slug").values_list("slug", flat=True)
        shown["evaluators"] = list(slugs)
    if shown.get("budget_usd_day") is not None:
        shown["budget_usd_day"] = str(shown["budget_usd_day"])
    return shown


def _names(value: str | Iterable[str]) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _check(rule: Rule, evaluators: Sequence[Evaluator], *, new: bool, told: set[str]) -> None:
    problems: dict[str, Any] = {}
    rule.name = str(rule.name or "").strip()
    try:
        rule.full_clean(exclude=["project", "slug", "salt", "created_by"], validate_constraints=False)
    except ValidationError as error:
        problems = dict(error.error_dict)
    for name in ("name", "description", "filter"):
        if "\0" in str(getattr(rule, name)):
            problems[name] = "A text cannot hold the character NUL."
    if "\0" in "".join(rule.span_names):
        problems["span_names"] = "A name cannot hold the character NUL."
    others = Rule.objects.filter(project=rule.project).exclude(pk=rule.pk)
    if "name" not in problems and others.filter(name=rule.name).exists():
        problems["name"] = "The project has a rule of this name."
    if "rate" not in problems and not 0 <= rule.rate <= 1:  # what is no number passes the validators
        problems["rate"] = "A rate is a number from 0 to 1."
    if new and "spans_mode" not in told and rule.scope == RuleScope.SPAN:
        problems["spans_mode"] = "Say which spans: root, named, or all."
    if "spans_mode" not in problems and rule.spans_mode == SpansMode.NAMED and rule.scope == RuleScope.SPAN:
        if not rule.span_names:
            problems["span_names"] = "Name at least one span."
        elif len(rule.span_names) > MOST_NAMES:
            problems["span_names"] = f"At most {MOST_NAMES} names."
    if problem := _wrong_with(rule, evaluators):
        problems["evaluators"] = problem
    if "filter" not in problems and (problem := _wrong_with_filter(rule)):
        problems["filter"] = problem
    if problems:
        raise ValidationError(problems)


def _wrong_with(rule: Rule, evaluators: Sequence[Evaluator]) -> str:
    if not evaluators:
        return "Choose at least one evaluator."
    if len(evaluators) > MOST_EVALUATORS:
        return f"At most {MOST_EVALUATORS} evaluators in one rule."
    for evaluator in evaluators:
        if evaluator.project_id != rule.project_id:
            return "The project has no such evaluator."
        if evaluator.type == EvaluatorType.HUMAN:
            return f"{evaluator.slug} is scored by people: request a review instead."
        if rule.enabled and (evaluator.archived_at or evaluator.metric.archived_at or evaluator.current_id is None):
            return f"The evaluator {evaluator.slug}, or its metric, is archived."
    return ""


def _wrong_with_filter(rule: Rule) -> ValidationError | None:
    try:
        compiled(rule.filter, vocabulary_of(rule.project), timezone.now(), rule.project.time_zone)
    except FilterError as error:
        return ValidationError(error.message, code="filter", params={"error": error})
    return None


def _free_slug(project: Project, name: str) -> str:
    slug = automatic_slug(name)
    taken = set(Rule.objects.filter(project=project, slug__startswith=slug[:59]).values_list("slug", flat=True))
    taken.add("test")  # of the API's /rules/test
    n = 1
    while slug in taken:
        n += 1
        slug = f"{automatic_slug(name)[:59].rstrip('_')}_{n}"
    return slug


def delete_rule(rule: Rule, by: object) -> None:
    """With its versions and counts. Its scores stay; those that wait are taken away where no worker holds them."""
    project_id, rule_id = rule.project_id, rule.pk
    with transaction.atomic():
        # Before its counts and versions: workers hold the rule while they write those.
        gone = Rule.objects.select_for_update().get(project_id=project_id, pk=rule_id)
        audit.note(rule.project, by, "rule.delete", gone.name, slug=gone.slug)
        gone.delete()
    while withdraw_rule(project_id, rule_id):
        pass
