"""The form of a rule, saved by `scoring.rules.editing`; what it would match and cost is read from the same fields."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from evalhub.models import Project
from records.filterbar import echo
from records.filterlang import FilterError, in_words, parse
from records.vocabulary import vocabulary_of
from scoring.models import Evaluator, Rule, RuleScope, SpansMode
from scoring.rules.editing import MOST_EVALUATORS, compiled
from scoring.runs.starting import machine_evaluators

PERCENT = 100
TERMS = (
    "filter", "rate", "spans_mode", "span_names", "scope", "include_experiments", "judge_again", "budget_usd_day",
    "budget_calls_day",
)  # fmt: skip
ADVICE = "1–10 % where much passes by; 50–100 % where it is little, or each one matters."


class EvaluatorChoices(forms.ModelMultipleChoiceField):
    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, evaluator: Any) -> str:
        return f"{evaluator.name} v{evaluator.current.number}"


class RuleForm(forms.Form):
    """`rate` in percent and `span_names` in one line, as people write them; `fields()` as a rule holds them."""

    name = forms.CharField(max_length=120, help_text="Scores bear it, and filters find them by it.")
    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea({"rows": 2}))
    evaluators = EvaluatorChoices(queryset=None, error_messages={"required": "Choose at least one evaluator."})
    filter = forms.CharField(required=False, max_length=4000, strip=True)
    spans_mode = forms.ChoiceField(
        choices=[(SpansMode.ROOT, "Root spans"), (SpansMode.NAMED, "By name"), (SpansMode.ALL, "All spans")],
        widget=forms.RadioSelect, label="Apply to spans",
        error_messages={"required": "Choose which spans the rule applies to."},
    )  # fmt: skip
    span_names = forms.CharField(
        required=False, max_length=4000, label="Names of spans", help_text="Separated by commas."
    )
    scope = forms.ChoiceField(
        choices=[(RuleScope.SPAN, "Each span"), (RuleScope.TRACE, "Whole traces")], widget=forms.RadioSelect,
        label="What is judged",
    )  # fmt: skip
    quiet_seconds = forms.IntegerField(
        required=False, min_value=1, max_value=86_400, label="Quiet for",
        help_text="Seconds without a new span of the trace.",
    )  # fmt: skip
    rate = forms.FloatField(
        min_value=0, max_value=PERCENT, label="Sampling rate in %", help_text=ADVICE,
        widget=forms.NumberInput({"step": "any", "inputmode": "decimal", "class": "short"}),
    )  # fmt: skip
    budget_usd_day = forms.DecimalField(
        required=False, min_value=0, max_digits=10, decimal_places=2, label="Daily budget in USD",
        help_text="Once it is spent nothing more is asked that day (UTC). Calls already under way still finish, so a "
        "day may cost a little more. Empty: no limit.",
    )  # fmt: skip
    budget_calls_day = forms.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, label="Daily budget in calls",
        help_text="One call is one evaluator on one record. Empty: no limit.",
    )  # fmt: skip
    include_experiments = forms.BooleanField(
        required=False,
        label="Also records of experiments and of the playground",
        help_text="They have evaluators of their own; mostly off.",
    )
    judge_again = forms.BooleanField(
        required=False, label="Judge again when inputs or outputs change",
        help_text="Off: a record that changes after its score shows so, and nothing more is spent.",
    )  # fmt: skip
    enabled = forms.BooleanField(
        required=False, label="Enabled", help_text="Off: kept, and nothing is scored. Test it first, then turn it on."
    )

    def __init__(self, project: Project, data: Any = None, **options: Any) -> None:
        super().__init__(data, auto_id="rule-%s", **options)
        self.project = project
        self.fields["evaluators"].queryset = machine_evaluators(project)
        for name in ("budget_usd_day", "budget_calls_day", "quiet_seconds"):
            self.fields[name].widget.attrs |= {"inputmode": "decimal", "class": "short"}

    def sent(self) -> dict[str, Any]:
        """What `save_rule` takes."""
        data = dict(self.cleaned_data)
        data["rate"] = data["rate"] / PERCENT
        data["evaluators"] = list(data["evaluators"])
        if data["quiet_seconds"] is None:
            del data["quiet_seconds"]
        return data

    def refuse(self, problem: ValidationError) -> None:
        """Puts what the service refused beside its fields."""
        if not hasattr(problem, "error_dict"):
            self.add_error(None, problem)
            return
        for name, errors in problem.error_dict.items():
            self.add_error(name if name in self.fields else None, errors)


def initial_of(rule: Rule) -> dict[str, Any]:
    """A rule as the form shows it."""
    names = (
        "name", "description", "filter", "spans_mode", "scope", "quiet_seconds", "budget_usd_day", "budget_calls_day",
        "include_experiments", "judge_again", "enabled",
    )  # fmt: skip
    return {name: getattr(rule, name) for name in names} | {
        "span_names": ", ".join(rule.span_names),
        "rate": float(f"{rule.rate * PERCENT:.6g}"),
        "evaluators": [evaluator.pk for evaluator in rule.evaluators.all()],
    }


class Unfinished(Exception):
    """Too little is filled in yet; the text says what is missing."""


def filter_context(form: RuleForm) -> dict[str, Any]:
    """The filter as the page paints it: `echo`, `error` (None: it can be read), `words`."""
    text = form["filter"].value() or ""
    error = problem_of(form.project, text)
    words = "" if error else in_words(parse(text, vocabulary_of(form.project)), timezone.get_current_timezone())
    return {"echo": echo(text, error), "error": error, "words": f"where {words}" if words else ""}


def problem_of(project: Project, text: str) -> FilterError | None:
    try:
        compiled(text, vocabulary_of(project), timezone.now(), project.time_zone)
    except FilterError as error:
        return error
    return None


def draft_of(form: RuleForm) -> tuple[Rule, list[Evaluator]]:
    """What the form says so far, as a rule that is not saved. Its filter must be readable. Raises Unfinished."""
    data = getattr(form, "cleaned_data", {})
    for name in TERMS:
        if name in form.errors:
            raise Unfinished(f"{form[name].label}: {form.errors[name][0]}")
    names = [name for part in data["span_names"].split(",") if (name := part.strip())]
    if data["spans_mode"] == SpansMode.NAMED and not names and data["scope"] == RuleScope.SPAN:
        raise Unfinished("Name the spans to see what matches.")
    terms = {name: data[name] for name in TERMS} | {"span_names": names, "rate": data["rate"] / PERCENT}
    evaluators = list(data.get("evaluators", ()))[:MOST_EVALUATORS]
    return Rule(project=form.project, enabled=True, **terms), evaluators


def saved_fields(rule: Rule) -> list[tuple[str, object]]:
    """(name, value) of a saved rule as its form would send them, and `rule`, its slug: to test what is saved."""
    sent: list[tuple[str, object]] = [("rule", rule.slug)]
    for name, value in initial_of(rule).items():
        if name == "evaluators":
            sent += [(name, pk) for pk in value]
        elif value is True:
            sent.append((name, "on"))
        elif value is not False and value is not None:
            sent.append((name, value))
    return sent
