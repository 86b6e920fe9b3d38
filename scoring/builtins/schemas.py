"""JSON schemas, checked and applied by the jsonschema package. Nothing is fetched, and patterns are RE2's.

The package is imported where it is used: ten megabytes and a tenth of a second that most processes never need.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from scoring.builtins.regex import compiled


class Inapplicable(Exception):
    """The schema refers to what is not there, or to itself without an end."""


def checked(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself. Raises ValueError with what is wrong about it."""
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

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


def mismatch(schema: dict[str, Any], value: Any) -> str:
    """Where and why the value is not as the schema wants it; empty if it is. Raises Inapplicable."""
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        problem = best_match(_validator(orjson.dumps(schema)).iter_errors(value))
    except (Unresolvable, RecursionError) as error:
        raise Inapplicable(str(error)) from error
    return f"{problem.json_path}: {problem.message[:1000]}" if problem else ""


@lru_cache(maxsize=64)
def _validator(schema: bytes) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend, validator_for
    from referencing import Registry

    parsed = orjson.loads(schema)
    kind = extend(validator_for(parsed, default=Draft202012Validator), {"pattern": _matches})
    return kind(parsed, registry=Registry())


def _matches(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Exception]:
    from jsonschema import ValidationError as Mismatch

    if isinstance(instance, str) and not compiled(pattern).search(instance):
        yield Mismatch(f"{instance[:200]!r} does not match {pattern!r}")
