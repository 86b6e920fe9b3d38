"""The form of an evaluator: what is common, and what its type needs; it becomes a definition, and comes from one."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from evalhub.models import Project
from evalhub.projectadmin import ServiceForm
from records.metrics import create_metric
from records.models import Metric
from scoring import metrics_made
from scoring.admin import builtin_fields
from scoring.admin.widgets import EditorWidget
from scoring.builtins import BUILTINS
from scoring.evaluators import create_evaluator, is_scored, save_version
from scoring.inputs import NAMES
from scoring.judge_templates import JUDGE_TEMPLATES, JudgeTemplate
from scoring.models import Evaluator, EvaluatorType, Provider

OPTIONS = ("temperature", "top_p", "max_tokens", "seed")
# Where a definition's field is shown under another name.
SHOWN_AS = {"provider_id": "provider", "options.timeout": "call_timeout", "options.extra": "extra"} | {
    f"options.{name}": name for name in OPTIONS
}
VARIABLES = ", ".join(f"{{{{ {name} }}}}" for name in NAMES)
SNIPPET = '''\
def evaluate(output, expected):
    """Returns a number, True or False, a text, a list of texts, or {"score": ..., "reasoning": ...}; None declines."""
    return output == expected
'''

WHEN = {
    EvaluatorType.LLM: "type == 'llm'",
    EvaluatorType.CODE: "type == 'code'",
    EvaluatorType.HUMAN: "type == 'human'",
}
TYPE_FIELDS = {
    EvaluatorType.LLM: [
        "provider", "model", "evaluator_definition", "rubric", *OPTIONS, "call_timeout", "extra", "samples", "combine",
    ],
    EvaluatorType.CODE: ["builtin", "eval_code_snippet", "timeout", *builtin_fields.FIELDS],
    EvaluatorType.HUMAN: ["guidelines", "reviewers"],
}  # fmt: skip
CONDITIONS = (
    {name: WHEN[type] for type, names in TYPE_FIELDS.items() for name in names}
    | {name: "type == 'code' && !builtin" for name in ("eval_code_snippet", "timeout")}
    | {"combine": "type == 'llm' && samples > 1"}
    | {name: f"type == 'code' && builtin == '{key}'" for name, (key, _) in builtin_fields.FIELDS.items()}
)

BuiltinSettings = type(forms.Form)("BuiltinSettings", (forms.Form,), builtin_fields.form_fields())


def _number(label: str, help_text: str = "", whole: bool = False, **options: Any) -> forms.Field:
    widget = UnfoldAdminIntegerFieldWidget() if whole else UnfoldAdminDecimalFieldWidget({"step": "any"})
    kind = forms.IntegerField if whole else forms.FloatField
    return kind(label=label, help_text=help_text, required=False, widget=widget, **options)


class EvaluatorForm(ServiceForm, BuiltinSettings):
    """`projects` and `actor` are set by the admin, for each request. `scoring.evaluators` says what may be saved."""

    projects: QuerySet[Project]
    actor: object = ""

    template = forms.CharField(required=False, widget=forms.HiddenInput)
    provider = forms.ModelChoiceField(
        Provider.objects.none(), required=False, widget=UnfoldAdminSelectWidget,
        help_text="Whose model judges. A project's admins set providers up under Providers.",
    )  # fmt: skip
    model = forms.CharField(
        required=False, max_length=200, help_text="In the provider's own words.",
        widget=UnfoldAdminTextInputWidget({"list": "model-suggestions", "autocomplete": "off"}),
    )  # fmt: skip
    evaluator_definition = forms.CharField(
        label="Prompt", required=False, strip=False, widget=EditorWidget(18, wrap=True),
        help_text=f"A Jinja template over {VARIABLES}, and what lies in them: {{{{ input.question }}}}. What it "
        "shows of a record is marked as data for the judge. How to answer is added by EvalHub, from the metric.",
    )  # fmt: skip
    rubric = forms.CharField(
        required=False,
        strip=False,
        widget=EditorWidget(8, wrap=True),
        help_text="What earns which value of the metric.",
    )
    temperature = _number("Temperature", "0 repeats itself most. Empty: the provider's default, as some models demand.")
    top_p = _number("Top p", "Empty: the provider's default.")
    max_tokens = _number("Most tokens", "Of an answer with its reasoning. Empty: the provider's default.", whole=True)
    seed = _number("Seed", whole=True)
    call_timeout = _number("Seconds a call", "How long a call may take.", initial=60)
    extra = forms.JSONField(
        label="Further options", required=False, initial=dict, widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text='Fields of the request, sent as they are, such as {"reasoning_effort": "low"}.',
    )  # fmt: skip
    samples = _number("Samples", "How often the model is asked about each record; each is paid for.", True, initial=1)
    combine = forms.ChoiceField(
        label="Combined by", required=False, widget=UnfoldAdminSelectWidget,
        choices=[
            ("", "their mean if they are numbers, else what most say"), ("majority", "what most of them say"),
            ("mean", "their mean (numbers only)"),
        ],
    )  # fmt: skip
    builtin = forms.ChoiceField(
        label="Code", required=False, widget=UnfoldAdminSelectWidget,
        choices=[("", "Your own, in Python"), ("Built in", [(kind.key, kind.name) for kind in BUILTINS.values()])],
        help_text="A built-in evaluator has settings and needs no code.",
    )  # fmt: skip
    eval_code_snippet = forms.CharField(
        label="Python", required=False, strip=False, initial=SNIPPET, widget=EditorWidget(),
        help_text=f"def evaluate(...) asks by name for what it needs of {', '.join(NAMES)}. It runs in a sandbox "
        "without files and network. Tab indents; Esc, then Tab leaves the editor.",
    )  # fmt: skip
    timeout = _number("Seconds a record", "Longer than this is an error.", initial=1)
    guidelines = forms.CharField(
        required=False, strip=False, widget=UnfoldAdminTextareaWidget({"rows": 8}),
        help_text="What reviewers read beside the record: what earns which value, and what to do when in doubt.",
    )  # fmt: skip
    reviewers = _number("Reviewers", "How many people are to score each record.", True, initial=1)
    note = forms.CharField(
        label="What has changed", required=False, max_length=500, widget=UnfoldAdminTextInputWidget,
        help_text="Stands beside the new version. Only a change of what the evaluator does makes one.",
    )  # fmt: skip

    class Meta:
        model = Evaluator
        fields = ["project", "name", "slug", "description", "type", "metric"]
        widgets = {"description": UnfoldAdminTextareaWidget({"rows": 2})}

    def __init__(self, *args: Any, trying: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.trying = trying
        stored = self.instance if self.instance.pk else None
        if stored:
            self.initial = _initial(stored) | self.initial
        self.fields["name"].required = False
        self.fields["name"].help_text = "Empty: made from the slug."
        project = self._project()
        self._offer_metrics(project)
        self._offer_providers(project)
        if stored and is_scored(stored):
            for name in ("slug", "type", "metric"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "Stays, now that there are scores by it."
        self._link_metrics(project)
        if not stored:
            self.fields["metric"].required = not (self.template_used or self.data.get("builtin"))

    @property
    def template_used(self) -> JudgeTemplate | None:
        return JUDGE_TEMPLATES.get(self.data.get("template") or self.initial.get("template") or "")

    def _project(self) -> Project | None:
        """The one that is chosen, or the only one to choose from."""
        if self.instance.pk:
            return self.instance.project
        chosen = self.data.get("project") or self.initial.get("project")
        if str(chosen or "").isdecimal():
            return self.projects.filter(pk=chosen).first()
        few = list(self.projects[:2])
        if len(few) == 1:
            self.initial.setdefault("project", few[0].pk)
            return few[0]
        return None

    def _offer_metrics(self, project: Project | None) -> None:
        field = self.fields["metric"]
        now = Q(pk=self.instance.metric_id) if self.instance.pk else Q()
        field.queryset = field.queryset.filter(Q(archived_at=None) | now).select_related("project")
        if project:
            field.queryset = field.queryset.filter(project=project)
        field.label_from_instance = lambda metric: (
            f"{metric.name} ({metric.slug}, {metric.value_type})" + ("" if project else f" in {metric.project}")
        )

    def _link_metrics(self, project: Project | None) -> None:
        """A link in sight in place of unfold's menu, which no keyboard reaches; Django's script knows it by its id."""
        for name in ("project", "metric"):
            if name in self.fields:
                widget = self.fields[name].widget
                widget.can_add_related = widget.can_change_related = widget.can_view_related = False
        field = self.fields["metric"]
        if field.disabled:
            return
        more = "" if self.instance.pk else " Empty: one is made, where a template or a built-in evaluator says which."
        where = {"_popup": 1, "_to_field": "id"} | ({"project": project.pk} if project else {})
        field.help_text = format_html(
            "What it measures; fixed after the first score.{} "
            '<a id="add_id_metric" class="related-widget-wrapper-link add-metric" data-popup="yes" href="{}?{}">'
            "Make a metric</a>",
            more, reverse("admin:records_metric_add"), urlencode(where),
        )  # fmt: skip

    def _offer_providers(self, project: Project | None) -> None:
        allowed = [project] if project else self.projects
        providers = Provider.objects.filter(Q(project__in=allowed) | Q(project=None), archived_at=None)
        for name in ("provider", builtin_fields.field_of("embedding_similarity", "provider_id")):
            if name == "provider":
                self.fields[name].queryset = providers
            else:
                choices = [("", "---------"), *((p.pk, str(p)) for p in providers)]
                self.fields[name].widget = UnfoldAdminSelectWidget(choices=choices)
        self.model_suggestions = sorted({m for p in providers for m in p.model_names})

    def definition(self) -> dict[str, Any]:
        """What the form says the evaluator does; fields of the other types are not looked at."""
        data = self.cleaned_data
        match data.get("type"):
            case EvaluatorType.LLM:
                options = {name: data.get(name) for name in OPTIONS} | {"extra": data.get("extra") or {}}
                if data.get("call_timeout") is not None:
                    options["timeout"] = data["call_timeout"]
                said = {
                    "evaluator_definition": data.get("evaluator_definition", "").replace("\r\n", "\n"),
                    "rubric": data.get("rubric", "").replace("\r\n", "\n"),
                    "model": data.get("model"),
                    "options": options,
                    "samples": data.get("samples"),
                    "combine": data.get("combine") or None,
                }
                said = {name: value for name, value in said.items() if value is not None}
                return said | ({"provider_id": data["provider"].pk} if data.get("provider") else {})
            case EvaluatorType.CODE if data.get("builtin"):
                return {"builtin": data["builtin"], "settings": builtin_fields.settings_from(data, data["builtin"])}
            case EvaluatorType.CODE:
                said = {"eval_code_snippet": data.get("eval_code_snippet", "").replace("\r\n", "\n")}
                return said | ({} if data.get("timeout") is None else {"timeout": data["timeout"]})
            case _:
                said = {"guidelines": data.get("guidelines", "").replace("\r\n", "\n")}
                return said | ({} if data.get("reviewers") is None else {"reviewers": data["reviewers"]})

    def measured(self) -> tuple[Project, Metric]:
        """The project, and the chosen metric or an unsaved one as the template wants it. Raises ValidationError."""
        project = self.instance.project if self.instance.pk else self.cleaned_data.get("project")
        if project is None:
            raise ValidationError({"project": "Choose a project first."})
        metric = self.cleaned_data.get("metric")
        if metric is None and (wanted := self._wanted_metric()):
            metric = Metric(project=project, **wanted)
        if metric is None:
            raise ValidationError({"metric": "Choose a metric first: it says what a value may be."})
        if not self.cleaned_data.get("type"):
            raise ValidationError({"type": "Choose a type first."})
        return project, metric

    def apply(self) -> Evaluator:
        """Creates or changes the evaluator. Raises ValidationError with the definition's own names."""
        data, note = self.cleaned_data, self.cleaned_data.get("note", "")
        fields = {name: data[name] for name in ("name", "slug", "description", "type")}
        if self.instance.pk:
            stored = Evaluator.objects.select_related("project", "metric", "current").get(pk=self.instance.pk)
            fields["name"] = fields["name"] or stored.name
            save_version(stored, self.actor, self.definition(), note, metric=data["metric"], **fields)
            return stored
        project, metric = data["project"], data.get("metric") or self._make_metric(data["project"])
        return create_evaluator(project, self.actor, metric=metric, definition=self.definition(), note=note, **fields)

    def _make_metric(self, project: Project) -> Metric:
        """Raises ValidationError where nothing says which."""
        wanted = self._wanted_metric()
        if wanted is None:
            raise ValidationError({"metric": "Choose a metric, or make one."})
        return create_metric(project, **wanted | {"slug": metrics_made.free_slug(project, wanted["slug"])})

    def _wanted_metric(self) -> dict[str, Any] | None:
        match self.cleaned_data.get("type"):
            case EvaluatorType.LLM if self.template_used:
                return metrics_made.of_template(self.template_used)
            case EvaluatorType.CODE if key := self.cleaned_data.get("builtin"):
                return metrics_made.of_builtin(key, builtin_fields.settings_from(self.cleaned_data, key))
        return None

    def in_words(self, problem: ValidationError) -> list[str]:
        """Each message with the label of the field that it speaks of; first what the fields themselves refuse."""
        self.explain(problem)
        said = []
        for name, found in self.errors.items():
            tried = name in CONDITIONS or name in ("project", "metric", "type", "__all__")
            label = "" if name == "__all__" else f"{self.fields[name].label or name.replace('_', ' ').capitalize()}: "
            said += [f"{label}{message}" for message in found] if tried else []
        return said

    def explain(self, problem: ValidationError) -> None:
        """Each message at the field that it speaks of."""
        if not hasattr(problem, "error_dict"):
            self.add_error(None, problem)
            return
        for where, messages in problem.message_dict.items():
            name = SHOWN_AS.get(where, where)
            if where.startswith("settings."):
                name = builtin_fields.field_of(self.cleaned_data.get("builtin", ""), where.split(".")[1])
            known = name in self.fields
            for message in messages:
                self.add_error(
                    name if known else None, message if known or where == "__all__" else f"{where}: {message}"
                )


def _initial(evaluator: Evaluator) -> dict[str, Any]:
    """The fields of the form as the current version has them."""
    stored: Mapping[str, Any] = evaluator.current.definition if evaluator.current else {}
    if evaluator.type == EvaluatorType.LLM:
        options = stored.get("options", {})
        found = {name: options.get(name) for name in OPTIONS} | {"extra": options.get("extra") or {}}
        found |= {"call_timeout": options.get("timeout"), "provider": stored.get("provider_id")}
        return found | {
            name: stored.get(name) for name in ("evaluator_definition", "rubric", "model", "samples", "combine")
        }
    if evaluator.type == EvaluatorType.CODE and stored.get("builtin"):
        key = stored["builtin"]
        settings = {builtin_fields.field_of(key, name): value for name, value in stored.get("settings", {}).items()}
        return {"builtin": key} | settings
    return dict(stored)
