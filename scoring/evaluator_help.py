"""What the help of evaluators says, made from what the code holds to wherever there is such a thing. Pure."""

from typing import Any, NamedTuple

from annotated_types import Ge, Le

from records.models import Rank, ScoreStatus, ValueType
from records.scores import MAX_ATTEMPTS
from scoring.builtins import BUILTINS
from scoring.definitions import CodeDefinition, JudgeDefinition
from scoring.inputs import MAX_TRACE_SPANS, NAMES
from scoring.models import EvaluatorType
from scoring.prompts import ALIASES, MAX_TEXT_CHARS
from scoring.sandbox.jail import MEMORY
from scoring.sandbox.outcomes import MOST_OUTPUT, MOST_RESULT
from scoring.snippets import MAX_SNIPPET_CHARS
from scoring.trial import MAX_ROWS


class Type(NamedTuple):
    name: str
    choose: str
    cost: str


class Value(NamedTuple):
    type: str
    holds: str
    passes: str


class Variable(NamedTuple):
    names: str
    holds: str


TYPES = (
    Type(EvaluatorType.LLM.label, "Meaning matters: is it right, helpful, safe, in the right tone?", "a model's calls"),
    Type("Built-in check", f"One of {len(BUILTINS)} usual questions, of text, JSON, numbers, length, latency or cost.",
         "nothing, but for the one that compares meaning by embeddings"),
    Type(EvaluatorType.CODE.label, "A rule that Python can decide and no built-in check does.", "processor time"),
    Type(EvaluatorType.HUMAN.label, "Only people can tell, or a judge is to be checked against them.", "people's time"),
)  # fmt: skip
VALUES = (
    Value(ValueType.NUMERICAL, "A number, within the bounds if there are some.",
          "Passes from the passing score up, or down where lower is better."),
    Value(ValueType.BOOLEAN, "True or false.",
          "Passes if it is the passing value, which is true unless somebody chose otherwise."),
    Value(ValueType.CATEGORICAL, "One choice, or several where the metric allows it.",
          "Passes if every choice it names is a passing one."),
    Value(ValueType.COMMENT, "Text.", "Neither passes nor fails."),
)  # fmt: skip
VARIABLES = {
    "input": "what the AI system was given: text, chat messages or an object",
    "output": "what it answered",
    "expected": "the answer that was wanted, if there is one",
    "metadata": "metadata.model, metadata.environment and all keys that were sent",
    "metrics": "metrics.latency (seconds), metrics.cost (US dollars), metrics.total_request_tokens and others",
    "messages": "input and output as a conversation: a list of role and content",
    "trace": f"trace.spans, up to {MAX_TRACE_SPANS}: each has name, kind, input, output and error",
}
TEMPLATE = """\
Question:
{{ input }}

Answer to be judged:
{{ output }}
{% if expected %}
Right answer:
{{ expected }}
{% endif %}
{% for span in trace.spans | of_kind("retriever") %}{{ span.output }}
{% endfor %}"""
RUBRIC = "true: every fact in the answer is right.\nfalse: one is wrong; name it."
ANSWER = '{"reasoning": "The answer names 30 days, the right one 14.", "value": false}'
# A template's line where the record lacks what it shows, and what the score becomes.
LACKING = (
    ("{{ expected }}", ScoreStatus.SKIPPED, "the record has none: there is nothing to judge"),
    ("{{ input.question }}", ScoreStatus.ERRORED, "the input has no such key"),
    ("{% if expected %}…{% endif %}", ScoreStatus.COMPLETED, "the part is left out"),
    ('{{ metadata.tier | default("none") }}', ScoreStatus.COMPLETED, "the prompt says none"),
)
SNIPPET = """\
def evaluate(output, expected):
    if expected is None:
        return None
    right = str(expected).lower() in str(output).lower()
    return {"score": right, "reasoning": "found" if right else "not found"}"""
# What a snippet may return, and what the score becomes. `{"value": 1}` is none of it.
RETURNS = (
    ("0.8", ScoreStatus.COMPLETED, "a number; for a numerical metric True counts 1"),
    ("True", ScoreStatus.COMPLETED, "a boolean; 1 and 0 will do"),
    ('"good"', ScoreStatus.COMPLETED, "a choice of a categorical metric, or a comment"),
    ('["good", "short"]', ScoreStatus.COMPLETED, "several choices"),
    ('{"score": 0.8, "reasoning": "why"}', ScoreStatus.COMPLETED, "any of these, with its reasoning"),
    ("None", ScoreStatus.SKIPPED, "it declines"),
    ('{"value": 1}', ScoreStatus.ERRORED, "so is anything else, an exception, too much time or memory"),
)
STATUSES = {
    ScoreStatus.PENDING: "Planned, not done: it waits for a worker, for a provider's limit or for a person.",
    ScoreStatus.COMPLETED: "There is a value. It passes, fails, or does neither where the metric does not say what "
    "passes.",
    ScoreStatus.ERRORED: "It was tried and gave no value; the error is kept. Never counted as a fail.",
    ScoreStatus.SKIPPED: "It declined: there was nothing to judge. Its reasoning says what was missing.",
}
RANKS = {
    Rank.ADJUDICATED: "who settled a disagreement of reviewers",
    Rank.HUMAN: "any person",
    Rank.PRIMARY: "the evaluator that is the metric's primary one",
    Rank.OTHER: "any other evaluator",
}


def variables() -> list[Variable]:
    """Those of a judge's template, each with its other name; a snippet's arguments have the same names."""
    others = {name: alias for alias, name in ALIASES.items()}
    return [Variable(" or ".join([name, others[name]] if name in others else [name]), VARIABLES[name])
            for name in NAMES]  # fmt: skip


def limits() -> dict[str, Any]:
    """Seconds, megabytes and characters, as the code has them."""
    samples, timeout = JudgeDefinition.model_fields["samples"], CodeDefinition.model_fields["timeout"]
    return {
        "samples": _bound(samples.metadata, Le, "le"), "seconds": timeout.default,
        "least_seconds": _bound(timeout.metadata, Ge, "ge"), "most_seconds": _bound(timeout.metadata, Le, "le"),
        "megabytes": MEMORY >> 20, "result": MOST_RESULT, "printed": MOST_OUTPUT, "snippet": MAX_SNIPPET_CHARS,
        "text": MAX_TEXT_CHARS[0], "attempts": MAX_ATTEMPTS, "tried": MAX_ROWS,
    }  # fmt: skip


def _bound(metadata: list[Any], kind: type, name: str) -> float:
    return next(getattr(one, name) for one in metadata if isinstance(one, kind))
