"""Forms of the pages outside the records: who one is, the project's settings, its members and keys."""

from datetime import datetime, timedelta

from django import forms
from django.conf import settings
from django.utils import timezone

from evalhub import zones
from evalhub.models import SLUG, ApiKey, Project, Role, Scope, User

MOST_DAYS = 36_500


def _zone_choices(empty: str = "") -> list[tuple[str, str]]:
    return ([("", empty)] if empty else []) + [(name, name.replace("_", " ")) for name in zones.names()]


class ProfileForm(forms.ModelForm):
    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: _zone_choices("Each project's own"),
        help_text="In which times are shown and filters such as “today” are read.",
    )

    class Meta:
        model = User
        fields = ["first_name", "last_name", "email", "time_zone"]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        if settings.OIDC_ISSUER:  # or one could give oneself somebody else's, whose first sign-in would then come here
            self.fields["email"].disabled = True
            self.fields["email"].help_text = f"{settings.OIDC_NAME} knows you by it: a superuser changes it."


class ProjectForm(forms.ModelForm):
    time_zone = forms.ChoiceField(choices=_zone_choices, help_text="For members who have not chosen their own.")

    class Meta:
        model = Project
        fields = ["name", "description", "time_zone", "reviewer_cost_limit"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
        labels = {"reviewer_cost_limit": "Cost limit for reviewers"}

    def clean_reviewer_cost_limit(self):
        limit = self.cleaned_data["reviewer_cost_limit"]
        if limit < 0:
            raise forms.ValidationError("A limit cannot be below 0; 0 lets reviewers run what is free.")
        return limit


class RetentionForm(forms.ModelForm):
    payload_days = forms.IntegerField(
        label="Days for inputs and outputs",
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        help_text="After them a record stays with its scores and sums, but what went in and came out is gone, with the "
        "prompts and replies of judges. It can be scored no more by what needs them.",
    )
    record_days = forms.IntegerField(
        label="Days for records",
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        help_text="After them a record goes with its scores, those of experiments and those that people gave too.",
    )

    class Meta:
        model = Project
        fields = ["payload_days", "record_days"]

    def clean(self) -> dict[str, object]:
        data = super().clean()
        payloads, records = data.get("payload_days"), data.get("record_days")
        if payloads and records and payloads > records:
            self.add_error("payload_days", f"The records themselves go after {records} days.")
        return data


class MemberForm(forms.Form):
    """Somebody by user name or e-mail; a new user is made when asked for. `cleaned_data["user"]` is None then."""

    who = forms.CharField(label="User name or e-mail", max_length=150)
    role = forms.TypedChoiceField(choices=Role.choices, coerce=lambda value: Role(int(value)), initial=Role.VIEWER)
    create = forms.BooleanField(
        required=False,
        label="Create this user if there is none",
        help_text="With a password for one sign-in, shown once.",
    )

    def __init__(self, *args: object, project: Project, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        if settings.OIDC_ISSUER:
            self.fields["create"].help_text = (
                f"By an e-mail address, to sign in with {settings.OIDC_NAME}; else with a password for one sign-in, "
                "shown once."
            )

    def clean(self) -> dict[str, object]:
        data = super().clean()
        who = data.get("who", "").strip()
        if not who:
            return data
        found = list(User.objects.filter(username__iexact=who)[:2]) or list(User.objects.filter(email__iexact=who)[:2])
        if len(found) > 1:
            self.add_error("who", "Several users answer to this; give the exact user name of one.")
        elif found and not found[0].is_active:
            self.add_error("who", f"{found[0]} may not sign in any more.")
        elif found and found[0].memberships.filter(project=self.project).exists():
            self.add_error("who", f"{found[0]} is a member already.")
        elif not found and not data.get("create"):
            self.add_error("who", "There is no such user. Tick the box below to create one.")
        elif not found:
            self._check_new(who)
        data["user"] = found[0] if found else None
        return data

    def _check_new(self, who: str) -> None:
        try:
            User(username=who).clean_fields(exclude=["password"])
        except forms.ValidationError as problem:
            self.add_error("who", problem.message_dict.get("username", problem.messages))


class RoleForm(forms.Form):
    role = forms.TypedChoiceField(choices=Role.choices, coerce=lambda value: Role(int(value)))


class KeyForm(forms.Form):
    EXPIRIES = [("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), ("", "never")]

    name = forms.CharField(max_length=80, help_text="Who or what will use it, such as “checkout, production”.")
    scopes = forms.MultipleChoiceField(
        choices=[
            (Scope.INGEST, "Send records, traces and scores"),
            (Scope.READ, "Read everything in the project"),
            (Scope.WRITE, "Change records, evaluators, rules, datasets, experiments"),
            (Scope.ADMIN, "Delete, and change the project itself"),
        ],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.INGEST],
        error_messages={"required": "Choose at least one thing that the key may do."},
    )
    expires = forms.ChoiceField(choices=EXPIRIES, required=False, initial="365", label="Expires")

    def __init__(self, *args: object, project: Project, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    def clean_name(self) -> str:
        name = self.cleaned_data["name"]
        if ApiKey.objects.filter(project=self.project, name=name).exists():
            raise forms.ValidationError("A key of this name exists, or existed; the audit trail would mix them up.")
        return name

    def clean_expires(self) -> datetime | None:
        days = self.cleaned_data["expires"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class NewProjectForm(forms.ModelForm):
    slug = forms.CharField(
        label="Name in addresses",
        max_length=63,
        validators=[SLUG],
        help_text="Lower-case letters, digits and hyphens. It is part of every address and stays as it is.",
    )
    time_zone = forms.ChoiceField(choices=_zone_choices, help_text="For members who have not chosen their own.")

    class Meta:
        model = Project
        fields = ["name", "slug", "description", "time_zone"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
