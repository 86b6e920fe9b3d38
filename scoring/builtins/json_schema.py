"""Valid JSON, and as a schema wants it."""

from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, Field, JsonValue

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import VALUE, Path, pick
from scoring.verdicts import Verdict, completed, errored


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    if not schema:
        return schema
    from scoring.builtins.schemas import checked  # 0.2 s to import, which every process would pay

    return checked(schema)


class JsonSettings(Settings):
    value: Path = VALUE
    schema_: Annotated[dict[str, JsonValue], AfterValidator(_schema)] = Field(
        {}, alias="schema", title="JSON schema", description="Empty: any valid JSON will do."
    )


def evaluate(inputs: dict[str, Any], settings: JsonSettings) -> Verdict:
    value = pick(inputs, settings.value)
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            return completed(False, f"Not JSON: {error.msg} (line {error.lineno}, column {error.colno}).")
    if not settings.schema_:
        return completed(True, "Valid JSON.")
    from scoring.builtins.schemas import Inapplicable, mismatch

    try:
        problem = mismatch(settings.schema_, value)
    except Inapplicable as error:
        return errored(f"The schema cannot be applied: {error}")
    return completed(not problem, problem or "As the schema wants it.")


JSON = Builtin(
    key="json_schema",
    name="Valid JSON",
    description="The output is valid JSON and, if a schema is given, as the schema wants it.",
    settings=JsonSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.BOOLEAN,
    known_as=("ValidJSON",),
)
