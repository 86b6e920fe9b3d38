"""The form of an alert, as its page has it; what may be saved is `scoring.alerts.editing`'s to say."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from evalhub.models import Project
from records.models import Metric
from scoring.alerts.editing import Saved, change_alert, checked, create_alert
from scoring.alerts.messages import lasting
from scoring.models import OF_METRIC, Alert, Certainty, Figure, NoData, Side
from scoring.monitor.charts import has_mean, judges

WINDOWS = (300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 3 * 86400, 7 * 86400)
WAITS = (0, 120, 300, 900, 1800, 3600, 6 * 3600, 86400)


class Share(forms.CharField):
    """A number; "75 %" is 0.75."""

    def to_python(self, value: Any) -> float | None:
        text = str(value if value is not None else "").strip().replace(",", ".")
        if not text:
            return None
        percent = text.endswith("%")
        try:
            number = float(text.removesuffix("%").strip())
        except ValueError:
            raise ValidationError("Enter a number, such as 75 % or 2.5.") from None
        return number / 100 if percent else number

    def prepare_value(self, value: Any) -> Any:
        return f"{value:.12g}" if isinstance(value, float) else value


class Emails(forms.CharField):
    """Addresses with commas or line breaks between."""

    def to_python(self, value: Any) -> list[str]:
        return [part.strip() for part in str(value or "").replace("\n", ",").split(",") if part.strip()]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value


class AlertForm(forms.Form):
    name = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    what = forms.ChoiceField(label="Watch")
    filter = forms.CharField(
        required=False, max_length=4000, help_text="In the filter language; empty: all records.",
        widget=forms.TextInput(attrs={
            "id": "q", "autocomplete": "off", "spellcheck": "false", "role": "combobox", "aria-autocomplete": "list",
            "aria-expanded": "false", "aria-controls": "completions",
        }),
    )  # fmt: skip
    all_spans = forms.BooleanField(required=False, label="All spans", help_text="Else root records alone.")
    window_seconds = forms.TypedChoiceField(label="Over the last", coerce=int, initial=3600)
    side = forms.ChoiceField(choices=Side, label="Fires")
    threshold = Share(help_text="A rate such as 75 %, seconds, USD, or as the metric has it.")
    certainty = forms.ChoiceField(
        choices=Certainty, label="Compare", help_text="Of the 95 % interval. What has none is compared itself."
    )
    least = forms.IntegerField(
        min_value=0, max_value=10**9, initial=15, label="Least cases", help_text="With fewer there is no data."
    )
    no_data = forms.ChoiceField(choices=NoData, label="Without data")
    pending_seconds = forms.TypedChoiceField(
        label="Fires after", coerce=int, initial=0, help_text="So long it must last."
    )
    recovery_seconds = forms.TypedChoiceField(
        label="Over after", coerce=int, initial=0, help_text="So long it must be fine."
    )
    recovery_threshold = Share(
        required=False, label="Fine from", help_text="Empty: from the threshold on. Another one keeps it from flapping."
    )
    emails = Emails(required=False, label="E-mail to", help_text="Addresses with commas between.")
    webhook = forms.CharField(
        required=False, max_length=500, help_text="An address that takes signed JSON by POST.",
        widget=forms.URLInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    renew_secret = forms.BooleanField(
        required=False, label="Make a new secret", help_text="The webhook's; the one of before is void at once."
    )
    enabled = forms.BooleanField(required=False, initial=True, label="Enabled")

    def __init__(self, *args: Any, project: Project, alert: Alert | None = None, **kwargs: Any) -> None:
        self.project, self.alert = project, alert
        if alert is not None:
            kwargs["initial"] = _initial(alert) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.metrics = {metric.slug: metric for metric in Metric.objects.filter(project=project)}
        self.fields["what"].choices = _choices(self.metrics.values(), alert)
        for name, choices in (("window_seconds", WINDOWS), ("pending_seconds", WAITS), ("recovery_seconds", WAITS)):
            own = [getattr(alert, name)] if alert is not None else []
            sent = self.data.get(name, "")
            own += [int(sent)] if sent.isascii() and sent.isdigit() and len(sent) < 8 else []  # set over the API
            self.fields[name].choices = [
                (seconds, lasting(seconds) if seconds else "at once") for seconds in sorted({*choices, *own})
            ]
        if alert is None or not alert.secret:
            del self.fields["renew_secret"]

    def sent(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("what", "renew_secret")}
        figure, _, slug = self.cleaned_data["what"].partition(".")
        return data | {"figure": figure, "metric": self.metrics.get(slug)}

    def save(self, actor: object) -> Saved | None:
        """None where something is wrong, which the form then says."""
        try:
            if self.alert is None:
                return create_alert(self.project, actor, **self.sent())
            renew = self.cleaned_data.get("renew_secret", False)
            return change_alert(self.alert, actor, renew_secret=renew, **self.sent())
        except ValidationError as problem:
            self.explain(problem)
        return None

    def look(self) -> Alert | None:
        """The alert as the form has it, stored nowhere; None where something is wrong."""
        try:
            return checked(self.project, **self.sent())
        except ValidationError as problem:
            self.explain(problem)
        return None

    def explain(self, problem: ValidationError) -> None:
        if not hasattr(problem, "error_dict"):
            self.add_error(None, problem)
            return
        for name, errors in problem.error_dict.items():
            field = {"figure": "what", "metric": "what"}.get(name, name)
            self.add_error(field if field in self.fields else None, errors)


def _initial(alert: Alert) -> dict[str, Any]:
    names = [name for name in AlertForm.base_fields if name not in ("what", "renew_secret")]
    what = f"{alert.figure}.{alert.metric.slug}" if alert.metric else alert.figure
    return {name: getattr(alert, name) for name in names} | {"what": what}


def _choices(metrics: Any, alert: Alert | None) -> list[tuple[str, str]]:
    """The figures of records, then of each metric at work, and of the alert's own."""
    found = [(figure.value, figure.label) for figure in Figure if figure not in OF_METRIC]
    for metric in metrics:
        if metric.archived_at and not (alert and alert.metric_id == metric.pk):
            continue
        if judges(metric):
            found.append((f"{Figure.PASSES}.{metric.slug}", f"Pass rate of {metric.name}"))
        if has_mean(metric):
            found.append((f"{Figure.MEAN}.{metric.slug}", f"Mean of {metric.name}"))
    return found
