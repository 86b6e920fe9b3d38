"""Valid JSON, and as a schema wants it. Nothing is fetched, and patterns are RE2's."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any

import orjson
from jsonschema import Draft202012Validator, SchemaError
from jsonschema import ValidationError as Mismatch
from jsonschema.exceptions import best_match
from jsonschema.validators import extend, validator_for
from pydantic import AfterValidator, Field, JsonValue
from referencing import Registry
from referencing.exceptions import Unresolvable

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import VALUE, Path, pick
from scoring.builtins.regex import compiled
from scoring.verdicts import Verdict, completed, errored


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    if not schema:
        return schema
    named = schema.get("$schema")
    if named is not None and validator_for(schema, default=None) is None:
        raise ValueError(f"$schema names no dialect that is known here: {str(named)[:100]}.")
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"This is no JSON schema: {error.json_path}: {error.message[:300]}") from None
    for part in _parts(schema):
        if isinstance(part.get("pattern"), str):
            compiled(part["pattern"])
        if isinstance(part.get("patternProperties"), dict):
            raise ValueError("patternProperties is not supported.")
        reference = part.get("$ref", part.get("$dynamicRef"))
        if isinstance(reference, str) and not reference.startswith("#"):
            raise ValueError(f"$ref {reference[:100]!r} leads out of the schema, and nothing is fetched.")
    return schema


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


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
    try:
        problem = best_match(_validator(orjson.dumps(settings.schema_)).iter_errors(value))
    except (Unresolvable, RecursionError) as error:
        return errored(f"The schema cannot be applied: {error}")
    if problem is None:
        return completed(True, "As the schema wants it.")
    return completed(False, f"{problem.json_path}: {problem.message[:1000]}")


@lru_cache(maxsize=64)
def _validator(schema: bytes) -> Any:
    parsed = orjson.loads(schema)
    kind = extend(validator_for(parsed, default=Draft202012Validator), {"pattern": _matches})
    return kind(parsed, registry=Registry())


def _matches(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Mismatch]:
    if isinstance(instance, str) and not compiled(pattern).search(instance):
        yield Mismatch(f"{instance[:200]!r} does not match {pattern!r}")


JSON = Builtin(
    key="json_schema",
    name="Valid JSON",
    description="The output is valid JSON and, if a schema is given, as the schema wants it.",
    settings=JsonSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.BOOLEAN,
    known_as=("ValidJSON",),
)
