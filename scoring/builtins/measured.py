"""Length, latency and cost: a number as it is or, where a limit is given, whether it keeps to it."""

from typing import Any, Literal

from pydantic import Field, model_validator

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import VALUE, NoVerdict, Path, as_number, as_text, pick
from scoring.verdicts import Verdict, completed, errored, skipped


class Limits(Settings):
    at_least: float | None = Field(None, title="At least", description="With a limit the answer is yes or no.")
    at_most: float | None = Field(None, title="At most", description="Without one it is the number itself.")

    @model_validator(mode="after")
    def _in_order(self) -> "Limits":
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is above at_most: nothing could pass.")
        return self


class LengthSettings(Limits):
    value: Path = VALUE
    unit: Literal["characters", "words", "lines", "items"] = Field("characters", title="Count")


class LatencySettings(Limits):
    measure: Literal["latency", "time_to_first_token"] = Field("latency", title="Measure")


def gives(settings: Limits) -> ValueType:
    limited = settings.at_least is not None or settings.at_most is not None
    return ValueType.BOOLEAN if limited else ValueType.NUMERICAL


def _judged(number: float, said: str, settings: Limits) -> Verdict:
    if gives(settings) == ValueType.NUMERICAL:
        return completed(number, said)
    low, high = settings.at_least, settings.at_most
    passed = (low is None or number >= low) and (high is None or number <= high)
    limits = [f"at least {low:g}" if low is not None else "", f"at most {high:g}" if high is not None else ""]
    return completed(passed, f"{said} Allowed is {' and '.join(filter(None, limits))}.")


def length(inputs: dict[str, Any], settings: LengthSettings) -> Verdict:
    value = pick(inputs, settings.value)
    if settings.unit == "items":
        if not isinstance(value, list | dict):
            raise NoVerdict(errored(f"{settings.value} is neither a list nor an object."))
        number = len(value)
    else:
        text = as_text(value)
        count = {"characters": len, "words": lambda t: len(t.split()), "lines": lambda t: len(t.splitlines())}
        number = count[settings.unit](text)
    return _judged(number, f"{number:,} {settings.unit}.", settings)


def latency(inputs: dict[str, Any], settings: LatencySettings) -> Verdict:
    seconds = _metric(inputs, settings.measure)
    return _judged(seconds, f"{seconds:g} seconds.", settings)


def cost(inputs: dict[str, Any], settings: Limits) -> Verdict:
    usd = _metric(inputs, "cost")
    return _judged(usd, f"{usd:g} USD.", settings)


def _metric(inputs: dict[str, Any], name: str) -> float:
    value = (inputs.get("metrics") or {}).get(name)
    if value is None:
        raise NoVerdict(skipped(f"The record has no {name}."))
    return as_number(value, f"metrics.{name}")


LENGTH = Builtin(
    key="length",
    name="Length",
    description="How long the output is, or whether its length keeps to limits.",
    settings=LengthSettings,
    evaluate=length,
    gives=gives,
)
LATENCY = Builtin(
    key="latency",
    name="Latency",
    description="Seconds the record took, or to its first token, or whether they keep to limits.",
    settings=LatencySettings,
    evaluate=latency,
    gives=gives,
)
COST = Builtin(
    key="cost",
    name="Cost",
    description="USD the record cost, or whether they keep to limits.",
    settings=Limits,
    evaluate=cost,
    gives=gives,
)
