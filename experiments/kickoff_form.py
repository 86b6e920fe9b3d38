"""The form that starts an experiment. What it says is looked up and checked by `experiments.running.checking`."""

from typing import Any

from django import forms
from django.utils import timezone

from evalhub.models import Project, User
from experiments.forms import JsonField
from experiments.models import Dataset, Experiment, Prompt, Workflow
from experiments.models.experiment import MOST_CONCURRENCY, MOST_EPOCHS
from experiments.running.wanted import Wanted
from records.search import ceiling_of
from records.selection import matching
from scoring.providers import usable_by
from scoring.runs.starting import machine_evaluators

HOUR = 3600


class ParametersField(JsonField):
    """A JSON object; empty: {}."""

    def clean(self, value: str) -> dict[str, Any]:
        read = super().clean(value)
        if read is not None and not isinstance(read, dict):
            raise forms.ValidationError('An object, such as {"temperature": 0}.')
        return read or {}


class ExperimentForm(forms.Form):
    """All workflows in one: the page shows the fields of the one that is chosen, and only those are read."""

    name = forms.CharField(max_length=120, help_text="It names the trace of each case, too.")
    workflow = forms.ChoiceField(
        choices=[
            (Workflow.PROMPT, "Prompt"), (Workflow.COMPLETION, "Completion"), (Workflow.CUSTOM, "Custom"),
            (Workflow.EXISTING, "Existing outputs"),
        ],
        initial=Workflow.PROMPT, widget=forms.RadioSelect,
    )  # fmt: skip
    dataset = forms.ChoiceField(required=False)
    revision = forms.IntegerField(
        required=False, min_value=1, widget=forms.NumberInput(attrs={"placeholder": "newest"})
    )
    split = forms.CharField(required=False, max_length=40, help_text="Only cases of this split, such as test.")
    prompt = forms.ChoiceField(required=False, help_text="Its deployed version runs, unless you name another.")
    version = forms.IntegerField(
        required=False, min_value=1, widget=forms.NumberInput(attrs={"placeholder": "deployed"})
    )
    provider_id = forms.TypedChoiceField(required=False, label="Provider", coerce=int, empty_value=None)
    model = forms.CharField(required=False, max_length=200, widget=forms.TextInput(attrs={"list": "models"}))
    parameters = ParametersField(
        rows=3,
        required=False,
        help_text="Further fields of the request, as JSON. No limit on the answer unless you set one.",
    )
    q = forms.CharField(
        required=False, label="Records", help_text="A filter, as on the Records page; empty: all of them."
    )
    evaluators = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    epochs = forms.IntegerField(min_value=1, max_value=MOST_EPOCHS, initial=1, help_text="How often each case is run.")
    concurrency = forms.IntegerField(
        min_value=1,
        max_value=MOST_CONCURRENCY,
        initial=8,
        label="Calls at once",
        help_text="The provider's limit counts too.",
    )
    hours = forms.IntegerField(
        min_value=1, max_value=30 * 24, initial=24, label="Hours until it expires",
        help_text="What no client has submitted by then is given up.",
    )  # fmt: skip
    baseline = forms.ChoiceField(required=False, help_text="What the results are compared with.")
    description = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(
        self, data: Any = None, *, project: Project, user: User, initial: dict[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=initial)
        self.project, self.user = project, user
        datasets = Dataset.objects.filter(project=project, archived_at=None)
        self._choose(
            "dataset", "Choose a dataset", [(d.slug, f"{d.name} ({d.size:,} cases, r{d.revision})") for d in datasets]
        )
        prompts = Prompt.objects.filter(project=project, archived_at=None).prefetch_related("versions")
        self._choose("prompt", "Choose a prompt", [(prompt.slug, _told(prompt)) for prompt in prompts])
        self._choose("provider_id", "Choose a provider", [(p.pk, p.name) for p in usable_by(project.id)])
        before = Experiment.objects.filter(project=project).order_by("-created_at", "-id")[:200]
        self._choose("baseline", "None", [(one.slug, one.name) for one in before])
        self.fields["evaluators"].choices = [
            (e.slug, f"{e.metric.name}: {e.name} v{e.current.number}") for e in machine_evaluators(project)
        ]

    def _choose(self, name: str, empty: str, choices: list[tuple[Any, str]]) -> None:
        self.fields[name].choices = [("", empty), *choices]

    def wanted(self) -> Wanted:
        """Raises FilterError."""
        data = self.cleaned_data
        workflow = Workflow(data["workflow"])
        of_dataset = workflow != Workflow.EXISTING
        asks = workflow in (Workflow.PROMPT, Workflow.COMPLETION)
        wanted = Wanted(
            name=data["name"], workflow=workflow, description=data["description"], evaluators=data["evaluators"],
            epochs=data["epochs"] if of_dataset else 1, baseline=data["baseline"], timeout=data["hours"] * HOUR,
            concurrency=data["concurrency"] if asks else self.fields["concurrency"].initial,
        )  # fmt: skip
        if of_dataset:
            wanted.dataset, wanted.revision, wanted.split = data["dataset"], data["revision"], data["split"]
        else:
            zone = str(timezone.get_current_timezone())
            now = timezone.now()
            wanted.records = matching(self.project, self.user, data["q"], False, now, zone, ceiling_of())
        if workflow == Workflow.PROMPT:
            wanted.prompt, wanted.version = data["prompt"], data["version"]
        elif workflow == Workflow.COMPLETION:
            wanted.provider_id, wanted.model, wanted.parameters = data["provider_id"], data["model"], data["parameters"]
        return wanted

    def take(self, problems: dict[str, list[str]]) -> None:
        """What the check has found, at the fields that it is about."""
        for name, messages in problems.items():
            field = {"records": "q", "timeout": "hours", "slug": "name"}.get(name, name)
            for message in messages:
                self.add_error(field if field in self.fields else None, message)


def _told(prompt: Prompt) -> str:
    deployed = next((version.number for version in prompt.versions.all() if version.deployed), None)
    return f"{prompt.name} (v{deployed})" if deployed else f"{prompt.name} (nothing deployed)"
