"""The completion workflow: each case's inputs are the messages themselves."""

from collections.abc import Mapping
from typing import Any

from experiments.models import Experiment
from experiments.workflows.asking import Call, CaseProblem
from scoring.dialects import Message
from scoring.providers import config_of

WHAT = 'Its inputs are no array of messages, such as [{"role": "user", "content": "Hello"}].'


def call_of(experiment: Experiment) -> Call:
    """With the experiment's own parameters and no others: in particular no bound on the answer's length.

    Raises secrets.UnreadableSecret.
    """
    return Call(config_of(experiment.provider), experiment.model, messages_of, experiment.parameters)


def messages_of(inputs: Any) -> list[Message]:
    """An array of messages, or an object that holds one as `messages`. Raises CaseProblem."""
    said = inputs.get("messages") if isinstance(inputs, Mapping) else inputs
    if not isinstance(said, list) or not said:
        raise CaseProblem(WHAT)
    for number, message in enumerate(said, 1):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str) or not message["role"]:
            raise CaseProblem(f"Message {number} has no role." if isinstance(message, Mapping) else WHAT)
        content = message.get("content")
        parts = isinstance(content, list) and content and message["role"] != "system"
        if not isinstance(content, str) and not parts:
            raise CaseProblem(f"Message {number} ({message['role'][:20]}) has no content that can be sent.")
    return [dict(message) for message in said]
