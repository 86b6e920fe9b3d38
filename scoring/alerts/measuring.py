"""One figure of the monitor over an alert's window."""

from datetime import datetime
from zoneinfo import ZoneInfo

from evalhub.models import Project
from evalhub.zones import available
from records.filterlang import parse
from records.search import Search
from records.vocabulary import vocabulary_of
from scoring.models import Alert, Figure
from scoring.monitor.latency import quantile
from scoring.monitor.scope import Scope, window_of
from scoring.monitor.traffic import Counts, traffic
from scoring.monitor.values import values
from scoring.stats.estimates import Estimate, number, percent
from scoring.stats.rates import rate
from scoring.stats.weighted import Sums, weighted_mean, weighted_rate

QUANTILES = {Figure.LATENCY_P50: 0.5, Figure.LATENCY_P95: 0.95}


def scope_of_alert(alert: Alert, now: datetime) -> Scope:
    """Raises FilterError where the filter has lost its meaning."""
    vocabulary = vocabulary_of(alert.project)
    node = parse(alert.filter, vocabulary)
    search = Search(alert.project_id, node, vocabulary, now, _zone(alert.project), roots=not alert.all_spans)
    return window_of(search, alert.window_seconds)


def measure(alert: Alert, now: datetime) -> Estimate:
    """In the alert's units: shares, seconds, USD, or as the metric has it. Raises FilterError, SearchTimeout."""
    scope = scope_of_alert(alert, now)
    if alert.figure in QUANTILES:
        return quantile(scope, QUANTILES[Figure(alert.figure)])
    if alert.metric_id is not None:
        found = values(scope, alert.metric_id)
        if alert.figure == Figure.PASSES:
            return weighted_rate(sum(found.verdicts.values(), Sums()))
        return weighted_mean(sum(found.numbers.values(), Sums()))
    seen = traffic(scope)
    return _of_traffic(Figure(alert.figure), seen.total(), seen.about)


def shown(alert: Alert, value: float) -> str:
    """A value in the alert's unit."""
    if alert.figure in (Figure.PASSES, Figure.ERRORS):
        return percent(value) if value in (0, 1) or 0.005 <= value <= 0.995 else f"{100 * value:.3g} %"
    if alert.figure in QUANTILES:
        return f"{value:.3g} s"
    return f"${value:,.2f}" if alert.figure == Figure.COST else number(value)


def _of_traffic(figure: Figure, counts: Counts, about: bool) -> Estimate:
    """Sums have no interval: they are what they are, and of the 1 % sample about that."""
    if figure == Figure.ERRORS:
        return rate(counts.errors, counts.seen)
    value = {Figure.RECORDS: counts.records, Figure.TOKENS: counts.tokens, Figure.COST: counts.cost}[figure]
    text = f"{'about ' if about else ''}{number(float(value))}, {counts.records:,} records"
    return Estimate(float(value), None, None, counts.records, text)


def _zone(project: Project) -> ZoneInfo:
    return ZoneInfo(project.time_zone if project.time_zone in available() else "UTC")
