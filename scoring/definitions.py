"""What a version of an evaluator does, by its type: the shape of `EvaluatorVersion.definition`, and what is right.

`read_definition` is for what people and clients write, and refuses with the field and the reason; `load_definition` for
what is stored, which has been through it. Pure: whether a provider is there is `scoring.evaluators`' question.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic import ValidationError as Invalid

from evalhub.api import nul_path
from records.models import Metric, ValueType
from scoring import prompts, snippets
from scoring.builtins import BUILTINS
from scoring.models import EvaluatorType

MAX_TEXT_CHARS = 100_000
# What the judge itself says in a call.
RESERVED_OPTIONS = frozenset({
    "model", "messages", "system", "stream", "stream_options", "n", "tools", "tool_choice", "response_format",
    "functions", "function_call", "output_config", "output_format", "user",
})  # fmt: skip


Text = Annotated[str, Field(max_length=MAX_TEXT_CHARS)]


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class ModelOptions(_Definition):
    """How the model is called; what is None is not sent, and the provider's own default holds."""

    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1, le=200_000)
    seed: int | None = None
    timeout: float = Field(60, ge=1, le=600, description="Seconds a call may take.")
    extra: dict[str, JsonValue] = Field({}, description="Further fields of the request, sent as they are.")


class JudgeDefinition(_Definition):
    """An LLM judge. `evaluator_definition` is the prompt template (`scoring.prompts`), `rubric` what earns which value.

    With several samples `combine` says how they become one: `mean` of numbers, or what the `majority` said. Left out,
    it is the mean of a numerical metric and the majority of any other.
    """

    evaluator_definition: Text
    rubric: Text = ""
    provider_id: int
    model: str = Field(min_length=1, max_length=200)
    options: ModelOptions = ModelOptions()
    samples: int = Field(1, ge=1, le=25)
    combine: Literal["mean", "majority"] | None = None

    @property
    def needs_trace(self) -> bool:
        return "trace" in prompts.check_template(self.evaluator_definition)


class CodeDefinition(_Definition):
    """A snippet of Python for the sandbox, `timeout` seconds a record, or a built-in evaluator and its settings."""

    eval_code_snippet: str = Field("", max_length=snippets.MAX_SNIPPET_CHARS)
    builtin: str = ""
    settings: dict[str, JsonValue] = {}
    timeout: float = Field(1, ge=0.1, le=30)

    @property
    def needs_trace(self) -> bool:
        return not self.builtin and "trace" in snippets.asks_for(self.eval_code_snippet)


class HumanDefinition(_Definition):
    """People. `reviewers` is how many are to score each record."""

    guidelines: Text = ""
    reviewers: int = Field(1, ge=1, le=20)

    @property
    def needs_trace(self) -> bool:
        return False


Definition = JudgeDefinition | CodeDefinition | HumanDefinition
MODELS: dict[str, type[Definition]] = {
    EvaluatorType.LLM: JudgeDefinition,
    EvaluatorType.CODE: CodeDefinition,
    EvaluatorType.HUMAN: HumanDefinition,
}


def load_definition(type: str, stored: Mapping[str, Any]) -> Definition:
    return MODELS[type].model_validate(stored)


def read_definition(type: str, sent: Mapping[str, Any], metric: Metric) -> Definition:
    """Raises ValidationError with a message for each field that is wrong, `settings.pattern` for one inside another."""
    try:
        definition = MODELS[type].model_validate(dict(sent))
    except Invalid as error:
        raise ValidationError(field_problems(error)) from None
    problems = _metric_problems(type, metric) | CHECKS[type](definition, metric)
    if problems:
        raise ValidationError(problems)
    if (where := nul_path(definition_json(definition))) is not None:
        raise ValidationError({where: "Holds a NUL character, which cannot be stored."})
    return definition


def definition_json(definition: Definition) -> dict[str, Any]:
    """As it is stored."""
    return definition.model_dump(mode="json")


def field_problems(error: Invalid, prefix: str = "") -> dict[str, list[str]]:
    """pydantic's problems as Django's: by the field's path, in words."""
    found: dict[str, list[str]] = {}
    for item in error.errors():
        where = ".".join(str(part) for part in item["loc"])
        message = {"missing": "Is missing.", "extra_forbidden": "There is no such field."}.get(
            item["type"], item["msg"]
        )
        found.setdefault(f"{prefix}{where}".rstrip("."), []).append(message.removeprefix("Value error, "))
    return found


def _metric_problems(type: str, metric: Metric) -> dict[str, str]:
    if metric.archived_at:
        return {"metric": f"The metric {metric.slug} is archived: it takes no new scores."}
    if metric.value_type == ValueType.CATEGORICAL and not any(
        not c.get("archived") for c in metric.categorical_choices
    ):
        return {"metric": f"The metric {metric.slug} is categorical and has no choices to choose from."}
    return {}


def _check_judge(definition: JudgeDefinition, metric: Metric) -> dict[str, str]:
    problems = {}
    try:
        if not prompts.check_template(definition.evaluator_definition):
            problems["evaluator_definition"] = (
                "It shows nothing of the record: write {{ input }} and {{ output }} where they belong."
            )
    except prompts.TemplateProblem as problem:
        problems["evaluator_definition"] = str(problem)
    if taken := RESERVED_OPTIONS & set(definition.options.extra):
        problems["options.extra"] = f"The judge itself says {', '.join(sorted(taken))}."
    if definition.combine is None:
        definition.combine = "mean" if metric.value_type == ValueType.NUMERICAL else "majority"
    if definition.samples > 1:
        if metric.value_type == ValueType.COMMENT:
            problems["samples"] = "Comments cannot be combined: take one sample."
        elif definition.combine == "mean" and metric.value_type != ValueType.NUMERICAL:
            problems["combine"] = f"There is no mean of {metric.value_type} values: take the majority."
    return problems


def _check_code(definition: CodeDefinition, metric: Metric) -> dict[str, Any]:
    if bool(definition.builtin) == bool(definition.eval_code_snippet.strip()):
        return {"eval_code_snippet": "Give either a snippet or the name of a built-in evaluator."}
    if not definition.builtin:
        found = snippets.problems(definition.eval_code_snippet)
        return {"eval_code_snippet": found} if found else {}
    builtin = BUILTINS.get(definition.builtin)
    if builtin is None:
        return {
            "builtin": f"There is no built-in evaluator {definition.builtin[:60]!r}; there are {', '.join(BUILTINS)}."
        }
    try:
        settings = builtin.settings.model_validate(definition.settings)
    except Invalid as error:
        return field_problems(error, "settings.")
    definition.settings = settings.model_dump(mode="json", by_alias=True)
    given = builtin.gives(settings)
    fits = {given} | ({ValueType.NUMERICAL} if given == ValueType.BOOLEAN else set())
    if metric.value_type not in fits:
        return {
            "metric": f"{builtin.name} with these settings gives a {given} value; {metric.slug} is {metric.value_type}."
        }
    return {}


CHECKS = {
    EvaluatorType.LLM: _check_judge,
    EvaluatorType.CODE: _check_code,
    EvaluatorType.HUMAN: lambda definition, metric: {},
}
