"""Which charts there are: their names in URLs, and which part of the page measures them."""

from collections.abc import Iterable
from dataclasses import dataclass

from records.models import Metric, ValueType

TRAFFIC = {"records": "Records", "errors": "Error rate", "tokens": "Tokens", "cost": "Cost"}
MOST_METRICS = 12  # shown where nothing is chosen


@dataclass(frozen=True, slots=True)
class Chart:
    """`part` is the fragment that draws it. `metric` None: of the records themselves."""

    key: str
    title: str
    part: str
    metric: Metric | None = None
    of_passes: bool = False

    @property
    def label(self) -> str:
        """Among all charts, where a metric may have two."""
        return f"{self.title}, mean" if self.metric is not None and not self.of_passes else self.title


def all_charts(metrics: Iterable[Metric]) -> list[Chart]:
    """A metric with a pass condition has its rate, a number its mean too."""
    found = [Chart(key, title, "traffic") for key, title in TRAFFIC.items()]
    found.insert(2, Chart("latency", "Latency", "latency"))
    for metric in metrics:
        if judges(metric):
            key = f"passes.{metric.slug}"
            found.append(Chart(key, metric.name, key, metric, of_passes=True))
        if has_mean(metric):
            key = f"mean.{metric.slug}"
            found.append(Chart(key, metric.name, key, metric))
    return found


def shown(charts: list[Chart], chosen: str) -> list[Chart]:
    """The chosen ones in their order here; where none of the choice exists, one for each metric and all others."""
    keys = set(chosen.split(","))
    found = [chart for chart in charts if chart.key in keys]
    if found:
        return found
    of_metrics: dict[int, Chart] = {}
    for chart in charts:
        if chart.metric is not None:
            of_metrics.setdefault(chart.metric.pk, chart)
    main = list(of_metrics.values())[:MOST_METRICS]
    return [chart for chart in charts if chart.metric is None or chart in main]


def judges(metric: Metric) -> bool:
    """Whether its scores pass or fail."""
    if metric.value_type == ValueType.NUMERICAL:
        return metric.passing_score is not None
    if metric.value_type == ValueType.BOOLEAN:
        return metric.passing_value is not None
    return metric.value_type == ValueType.CATEGORICAL and bool(metric.passing_choices)


def has_mean(metric: Metric) -> bool:
    if metric.value_type == ValueType.CATEGORICAL:
        return any(choice.get("number") is not None for choice in metric.categorical_choices)
    return metric.value_type == ValueType.NUMERICAL
