"""What a built-in evaluator is made of, and what several of them need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from records.models import ValueType
from scoring.verdicts import Verdict


class Settings(BaseModel):
    """A form's worth of settings; titles and descriptions are the form's labels and help texts."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000)


@dataclass(frozen=True, slots=True)
class Builtin:
    """`evaluate(inputs, settings)` is pure. `gives` is the value type that comes out with these settings.

    One that compares by meaning has no `evaluate`, but `texts` that are to be embedded and `compare` of their vectors.
    """

    key: str
    name: str
    description: str
    settings: type[Settings]
    evaluate: Callable[[dict[str, Any], Any], Verdict] | None
    gives: Callable[[Any], ValueType]
    known_as: tuple[str, ...] = ()  # in the autoevals library
    texts: Callable[[dict[str, Any], Any], list[str]] | None = None
    compare: Callable[[list[list[float]], Any], Verdict] | None = None
