"""The editor of a prompt: its form, which is one field a message, and what is found in it while it is written."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.http import QueryDict

from evalhub.models import Project
from experiments.models import PromptVersion
from experiments.prompts.rendering import TYPES, Rendered, RenderProblem, declared, render
from experiments.prompts.versions import MAX_MESSAGES
from records.conversation import pretty
from scoring.models import Provider
from scoring.providers import usable_by
from scoring.templating import TemplateProblem

ROLES = ("system", "user", "assistant")
NUMBERS = ("temperature", "top_p", "max_tokens", "seed")
FIRST = [{"role": "system", "content": ""}, {"role": "user", "content": ""}]


@dataclass(slots=True)
class Written:
    """The form as somebody filled it: texts, whatever they say. `errors` are by the names of its fields."""

    messages: list[dict[str, str]] = field(default_factory=lambda: [dict(one) for one in FIRST])
    provider_id: str = ""
    model: str = ""
    numbers: dict[str, str] = field(default_factory=lambda: dict.fromkeys(NUMBERS, ""))
    extra: str = ""
    response_format: str = ""
    note: str = ""
    said: dict[str, dict[str, Any]] = field(default_factory=dict)  # of variables, by name
    values: dict[str, str] = field(default_factory=dict)  # to try the prompt with
    errors: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, version: PromptVersion) -> "Written":
        parameters = dict(version.parameters)
        numbers = {name: _shown(parameters.pop(name, None)) for name in NUMBERS}
        return cls(
            messages=[dict(message) for message in version.messages], provider_id=_shown(version.provider_id),
            model=version.model, numbers=numbers, extra=pretty(parameters) if parameters else "",
            response_format=pretty(version.response_format) if version.response_format else "", note=version.note,
            said={v["name"]: v | {"default": _as_text(v["default"])} for v in version.variables},
        )  # fmt: skip

    @classmethod
    def read(cls, data: QueryDict) -> "Written":
        """Of a post. A button `remove` or `add` changes the messages first."""
        pairs = zip(data.getlist("role"), data.getlist("content"), strict=False)
        messages = [{"role": role, "content": content.replace("\r\n", "\n")} for role, content in pairs][:MAX_MESSAGES]
        gone = data.get("remove", "")
        messages = [message for place, message in enumerate(messages) if str(place) != gone]
        if "add" in data and len(messages) < MAX_MESSAGES:
            last = messages[-1]["role"] if messages else ""
            messages.append({"role": "assistant" if last == "user" else "user", "content": ""})
        names = data.getlist("variable")
        return cls(
            messages=messages, provider_id=data.get("provider_id", ""), model=data.get("model", "").strip(),
            numbers={name: data.get(name, "").strip() for name in NUMBERS}, extra=data.get("extra", "").strip(),
            response_format=data.get("response_format", "").strip(), note=data.get("note", "").strip(),
            said={
                name: {
                    "name": name, "type": data.get(f"type.{name}", "any"), "required": f"required.{name}" in data,
                    "default": data.get(f"default.{name}", ""),
                }
                for name in names
            },
            values={name: data.get(f"value.{name}", "") for name in names},
        )  # fmt: skip

    def content(self) -> dict[str, Any]:
        """What the services are asked to store. Raises ValidationError for texts that cannot be read."""
        problems: dict[str, str] = {}
        parameters: dict[str, Any] = {}
        for name, text in self.numbers.items():
            try:
                if text:
                    parameters[name] = int(text) if name in ("max_tokens", "seed") else float(text)
            except ValueError:
                problems[name] = "Is to be a number."
        extra = _json(self.extra, "extra", problems)
        if extra is not None and not isinstance(extra, dict):
            problems["extra"] = 'Is to be an object, such as {"stop": ["END"]}.'
        schema = _json(self.response_format, "response_format", problems)
        if not re.fullmatch("[0-9]{0,18}", self.provider_id):
            problems["provider_id"] = "Choose a provider."
        if problems:
            raise ValidationError(problems)
        return {
            "messages": self.messages, "provider_id": int(self.provider_id) if self.provider_id else None,
            "model": self.model, "parameters": parameters | (extra or {}), "response_format": schema,
            "variables": self.declared_so_far(),
        }  # fmt: skip

    def declared_so_far(self) -> list[dict[str, Any]]:
        return [
            one | {"default": typed(one["type"], one["default"])} for one in self.said.values() if one["type"] in TYPES
        ]

    def explain(self, problem: ValidationError) -> None:
        """Each message at the field that it speaks of; those of parameters at their own."""
        if not hasattr(problem, "error_dict"):
            self.errors.setdefault("", []).extend(problem.messages)
            return
        for name, texts in problem.message_dict.items():
            for text in texts:
                place, _, rest = text.partition(": ")
                if name == "parameters" and place in NUMBERS:
                    self.errors.setdefault(place, []).append(rest)
                else:
                    place = {"parameters": "extra", "__all__": ""}.get(name, name.partition(".")[0])
                    self.errors.setdefault(place, []).append(text)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the templates say so far: their variables, and the prompt with the values that are being tried."""

    variables: list[dict[str, Any]]
    rendered: Rendered | None
    problem: str


def look(written: Written, values: Mapping[str, Any] | None = None) -> Looked:
    """`values` in place of those of the form. Before anything is typed in there is nothing to render."""
    try:
        variables = declared(written.messages, written.declared_so_far())
    except TemplateProblem as problem:
        return Looked([one | {"value": ""} for one in written.said.values()], None, str(problem))
    if values is None:
        values = {v["name"]: typed(v["type"], written.values.get(v["name"], "")) for v in variables}
    shown = [
        v
        | {"default": _as_text(v["default"]), "value": written.values.get(v["name"]) or _as_text(values.get(v["name"]))}
        for v in variables
    ]
    try:
        return Looked(shown, render(written.messages, variables, values), "")
    except RenderProblem as problem:
        return Looked(shown, None, str(problem))


def typed(type: str, text: str) -> Any:
    """A value as somebody types it: text stays text, the others are read as JSON; empty is not given."""
    if not text:
        return None
    if type == "text":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _as_text(value: Any) -> str:
    return "" if value is None else pretty(value)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)


def _json(text: str, name: str, problems: dict[str, str]) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problems[name] = f"This is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        return None


def usable(project: Project) -> list[Provider]:
    """The providers to choose from."""
    return list(usable_by(project.id))
