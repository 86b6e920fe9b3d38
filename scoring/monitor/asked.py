"""What the Monitor page's URL asks for. It fails closed: what cannot be read shows nothing."""

from datetime import datetime
from functools import cached_property

from django.http import QueryDict

from evalhub.models import Project, User
from records.filterlang import FilterError
from records.filters import RecordFilters
from records.models import Metric
from scoring.monitor.charts import Chart, all_charts, shown
from scoring.monitor.grouping import MOST, Grouping, UnknownGrouping, can_be_named, grouping_of, top_groups
from scoring.monitor.panels import Split
from scoring.monitor.scope import DEFAULT, BadRange, Scope, range_of, scope_of

GROUPS = "group"  # a group's value, once for each: the page names them to its parts, so that all draw the same


class Asked:
    """`filters` is the form of the filter language; `problem` says what else is wrong, empty where nothing is."""

    def __init__(self, data: QueryDict, project: Project, user: User) -> None:
        self.data, self.project = data, project
        self.filters = RecordFilters(data, project, user)
        self.preset = data.get("range", "") or DEFAULT
        self.since: datetime | None = None
        self.until: datetime | None = None
        self.grouping: Grouping | None = None
        self.problem = ""
        try:
            self.since, self.until = range_of(
                self.preset, data.get("from", ""), data.get("to", ""), self.filters.now, self.filters.zone
            )
            self.grouping = grouping_of(data.get("by", "").strip(), self.filters.vocabulary)
        except (BadRange, UnknownGrouping) as problem:
            self.problem = str(problem)

    @property
    def error(self) -> FilterError | None:
        return self.filters.error

    @property
    def is_custom(self) -> bool:
        return bool(self.data.get("from") or self.data.get("to"))

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.filters.search, self.since, self.until)

    @cached_property
    def charts(self) -> list[Chart]:
        """All there are to choose from."""
        return all_charts(Metric.objects.filter(project=self.project, archived_at=None).order_by("position", "id"))

    @cached_property
    def shown(self) -> list[Chart]:
        return shown(self.charts, self.data.get("charts", ""))

    def found_groups(self) -> tuple[str, ...]:
        """The most frequent groups, looked for."""
        return top_groups(self.scope, self.grouping) if self.grouping else ()

    @property
    def split(self) -> Split:
        """By the groups that the URL names, as far as they can be some of `found_groups`."""
        named = dict.fromkeys(value for value in self.data.getlist(GROUPS) if can_be_named(value))
        return Split(self.scope, self.grouping, tuple(named)[:MOST] if self.grouping else ())
