"""Numbers that the floors above tell about themselves: `settings.MEASURES` names the functions."""

from dataclasses import dataclass, field

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True, slots=True)
class Measure:
    """`name` is for Prometheus (evalhub_ goes before it), `label` for the System page, where there are no `labels`."""

    name: str
    label: str
    value: float
    labels: dict[str, str] = field(default_factory=dict)
    unit: str = ""

    @property
    def shown(self) -> str:
        return f"{self.value:,.0f}{f' {self.unit}' if self.unit else ''}"


def measures() -> list[Measure]:
    return [measure for name in settings.MEASURES for measure in import_string(name)()]
