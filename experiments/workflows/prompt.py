"""The prompt workflow: a version's messages, filled with each case's inputs as variables."""

from collections.abc import Mapping
from typing import Any

from experiments.models import PromptVersion
from experiments.prompts.rendering import RenderProblem, render
from experiments.workflows.asking import Call, CaseProblem
from scoring.dialects import Message
from scoring.providers import config_of


def call_of(version: PromptVersion) -> Call:
    """Raises secrets.UnreadableSecret."""
    return Call(
        config_of(version.provider), version.model, lambda inputs: messages_of(version, inputs), version.parameters,
        version.response_format, version.prompt.slug, version.number, version.messages,
    )  # fmt: skip


def messages_of(version: PromptVersion, inputs: Any) -> list[Message]:
    """Raises CaseProblem, which names the variables that are missing."""
    if not isinstance(inputs, Mapping):
        raise CaseProblem("Its inputs are no object of variables.")
    try:
        return render(version.messages, version.variables, inputs).messages
    except RenderProblem as problem:
        raise CaseProblem(str(problem)) from None


def unknown_variables(version: PromptVersion, inputs: Any) -> list[str]:
    """What a case has and the prompt does not use."""
    known = {variable["name"] for variable in version.variables}
    return [name for name in inputs if name not in known] if isinstance(inputs, Mapping) else []
