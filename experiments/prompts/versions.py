"""Prompts and their versions: made, changed while they are drafts, committed, deployed; all audited. The one writer.

Wrong fields raise django.core.exceptions.ValidationError with a message for each, as forms and the API need.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic import ValidationError as Invalid

from evalhub import audit
from evalhub.api import nul_path
from evalhub.models import Project
from experiments.models import Prompt, PromptState, PromptVersion
from experiments.prompts.rendering import TYPES, declared, fits
from experiments.slugs import named
from scoring.builtins.schemas import checked
from scoring.definitions import field_problems
from scoring.providers import usable_by
from scoring.templating import TemplateProblem

MAX_MESSAGES = 50
MAX_TEMPLATE_CHARS = 100_000
# What EvalHub itself says in a call.
RESERVED_PARAMETERS = frozenset({
    "model", "messages", "system", "stream", "stream_options", "n", "response_format", "output_format",
})  # fmt: skip
DETAILS = frozenset({"name", "description"})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Message(_Strict):
    role: Literal["system", "user", "assistant"]
    content: str = Field(max_length=MAX_TEMPLATE_CHARS)


class Variable(_Strict):
    name: str = Field(min_length=1, max_length=100)
    type: Literal[TYPES] = "any"
    required: bool = True
    default: JsonValue = None


class Parameters(BaseModel):
    """Fields of the request; what is not named here is sent as it is."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=200_000)
    seed: int | None = None


class Content(_Strict):
    """What a version says, as people and clients write it; `variables` tell more of those that the templates use."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    provider_id: int | None = None
    model: str = Field("", max_length=200)
    parameters: dict[str, JsonValue] = {}
    response_format: dict[str, JsonValue] | None = None
    variables: list[Variable] = []


CONTENT = tuple(Content.model_fields)


def content_of(version: PromptVersion) -> dict[str, Any]:
    """What the version says, in the fields of Content."""
    return {name: getattr(version, name) for name in CONTENT}


def create_prompt(
    project: Project, actor: object, *, name: str, slug: str = "", description: str = "", note: str = "",
    **content: Any,
) -> Prompt:  # fmt: skip
    """With its first version, a draft. Without a slug it is made of the name."""
    prompt = Prompt(project=project, description=description, created_by=str(actor)[:160], **named(name, slug))
    prompt.full_clean(validate_unique=False, validate_constraints=False)
    said = read_content(project, content)
    with transaction.atomic():
        if Prompt.objects.filter(project=project, slug=prompt.slug).exists():
            raise ValidationError({"slug": f"The project has a prompt {prompt.slug} already."})
        prompt.save()
        audit.note(project, actor, "prompt.create", prompt.slug)
        _add(prompt, actor, said, note)
    return prompt


def change_prompt(prompt: Prompt, actor: object, **details: Any) -> None:
    """Name and description, which lie outside the versions."""
    with transaction.atomic():
        _locked(prompt)
        for name in DETAILS & set(details):
            setattr(prompt, name, details[name])
        prompt.changed_at = timezone.now()
        prompt.full_clean(validate_unique=False, validate_constraints=False)
        prompt.save(update_fields=[*DETAILS, "changed_at"])
        audit.note(prompt.project, actor, "prompt.change", prompt.slug, fields=sorted(details))


def save_draft(
    prompt: Prompt, actor: object, *, note: str | None = None, seen: datetime | None = None, **content: Any
) -> PromptVersion:
    """Changes the draft; where everything is committed, the next version begins as one. Fields that are not given stay.

    `seen` is the draft's changed_at as the writer saw it: where somebody else has changed it since, nothing is saved.
    """
    with transaction.atomic():
        _locked(prompt)
        newest = newest_version(prompt)
        said = read_content(prompt.project, content_of(newest) | content)
        if newest.state == PromptState.COMMITTED:
            return _add(prompt, actor, said, note or "")
        if seen is not None and newest.changed_at != seen:
            raise ValidationError(
                f"{newest.created_by} has changed this draft meanwhile. Copy what you wrote, and open the draft again."
            )
        _write(newest, said, newest.note if note is None else note)
        newest.created_by, newest.changed_at = str(actor)[:160], timezone.now()
        newest.save()
        _touch(prompt)
        audit.note(prompt.project, actor, "prompt.draft", prompt.slug, number=newest.number)
    return newest


def new_version(prompt: Prompt, actor: object, *, note: str = "", **content: Any) -> PromptVersion:
    """The next version, a draft; the one before it is committed, if it was a draft still."""
    with transaction.atomic():
        _locked(prompt)
        newest = newest_version(prompt)
        said = read_content(prompt.project, content_of(newest) | content)
        if newest.state == PromptState.DRAFT:
            commit(newest, actor)
        return _add(prompt, actor, said, note)


def commit(version: PromptVersion, actor: object) -> None:
    """From now on it is read-only; one that is committed stays as it is."""
    with transaction.atomic():
        _locked(version.prompt)
        version.refresh_from_db(fields=["state", "committed_at"])
        if version.state == PromptState.COMMITTED:
            return
        version.state, version.committed_at = PromptState.COMMITTED, timezone.now()
        version.save(update_fields=["state", "committed_at"])
        _touch(version.prompt)
        audit.note(version.prompt.project, actor, "prompt.commit", version.prompt.slug, number=version.number)


def deploy(version: PromptVersion, actor: object) -> None:
    """What experiments run from now on; to roll back is to deploy an older one. Raises ValidationError for a draft."""
    prompt = version.prompt
    with transaction.atomic():
        _locked(prompt)
        version.refresh_from_db(fields=["state", "deployed"])
        if version.state != PromptState.COMMITTED:
            raise ValidationError({"state": f"Version {version.number} is a draft: commit it first."})
        if version.deployed:
            return
        before = prompt.versions.filter(deployed=True)
        replaced = before.values_list("number", flat=True).first()
        before.update(deployed=False)
        version.deployed, version.deployed_at = True, timezone.now()
        version.save(update_fields=["deployed", "deployed_at"])
        _touch(prompt)
        detail = {"number": version.number, "instead_of": replaced}
        audit.note(prompt.project, actor, "prompt.deploy", prompt.slug, **detail)


def archive_prompt(prompt: Prompt, actor: object) -> None:
    """It is offered no more; its versions stay, and so do the experiments that ran them."""
    _put_away(prompt, actor, timezone.now())


def restore_prompt(prompt: Prompt, actor: object) -> None:
    _put_away(prompt, actor, None)


def newest_version(prompt: Prompt) -> PromptVersion:
    return prompt.versions.select_related("provider").order_by("-number")[0]


def read_content(project: Project, content: Mapping[str, Any]) -> dict[str, Any]:
    """As it is stored. Raises ValidationError with a message for each field that is wrong."""
    try:
        said = Content.model_validate({name: _plain(value) for name, value in content.items()})
        Parameters.model_validate(said.parameters)
    except Invalid as error:
        problems = field_problems(error)
        raise ValidationError(problems if error.title == "Content" else _under("parameters", problems)) from None
    problems: dict[str, Any] = {}
    messages = [message.model_dump() for message in said.messages]
    try:
        variables = declared(messages, [variable.model_dump() for variable in said.variables])
    except TemplateProblem as problem:
        raise ValidationError({"messages": str(problem)}) from None
    for variable in variables:
        if not fits(variable["type"], variable["default"]):
            problems["variables"] = f"The default of {variable['name']} is not of its type, {variable['type']}."
    if taken := RESERVED_PARAMETERS & set(said.parameters):
        problems["parameters"] = f"EvalHub itself says {', '.join(sorted(taken))}."
    if said.response_format is not None:
        try:
            checked(said.response_format)
        except ValueError as error:
            problems["response_format"] = str(error)
    if said.provider_id is not None and not usable_by(project.id).filter(pk=said.provider_id).exists():
        problems["provider_id"] = "The project has no such provider, or it is archived."
    read = said.model_dump() | {"messages": messages, "variables": variables}
    if (where := nul_path(read)) is not None:
        problems[where.split(".")[0]] = "Holds a NUL character, which cannot be stored."
    if problems:
        raise ValidationError(problems)
    return read


def _plain(value: Any) -> Any:
    return [item.model_dump() if isinstance(item, BaseModel) else item for item in value] if isinstance(
        value, list
    ) else value  # fmt: skip


def _under(prefix: str, problems: Mapping[str, list[str]]) -> dict[str, list[str]]:
    return {prefix: [f"{name}: {text}" for name, texts in problems.items() for text in texts]}


def _add(prompt: Prompt, actor: object, said: Mapping[str, Any], note: str) -> PromptVersion:
    last = prompt.versions.order_by("-number").values_list("number", flat=True).first() or 0
    version = PromptVersion(
        project=prompt.project, prompt=prompt, number=last + 1, created_by=str(actor)[:160]
    )  # fmt: skip
    _write(version, said, note)
    version.save()
    _touch(prompt)
    audit.note(prompt.project, actor, "prompt.version", prompt.slug, number=version.number)
    return version


def _write(version: PromptVersion, said: Mapping[str, Any], note: str) -> None:
    if len(note) > 500 or "\0" in note:
        raise ValidationError({"note": "At most 500 characters, and none of them NUL."})
    for name in CONTENT:
        setattr(version, name, said[name])
    version.note = note


def _locked(prompt: Prompt) -> None:
    """Nobody else writes this prompt or its versions until the commit."""
    Prompt.objects.select_for_update().get(project_id=prompt.project_id, pk=prompt.pk)


def _touch(prompt: Prompt) -> None:
    prompt.changed_at = timezone.now()
    Prompt.objects.filter(project_id=prompt.project_id, pk=prompt.pk).update(changed_at=prompt.changed_at)


def _put_away(prompt: Prompt, actor: object, at: datetime | None) -> None:
    with transaction.atomic():
        Prompt.objects.filter(project_id=prompt.project_id, pk=prompt.pk).update(archived_at=at)
        prompt.archived_at = at
        audit.note(prompt.project, actor, "prompt.archive" if at else "prompt.restore", prompt.slug)
