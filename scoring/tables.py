"""The tables of scoring's pages."""

import django_tables2 as tables

from evalhub.tables import FULL, Table
from scoring.models import ScoringRun


class RunTable(Table):
    number = tables.TemplateColumn(template_name="scoring/run/_number.html", verbose_name="Run", attrs=FULL)
    status = tables.TemplateColumn(template_name="scoring/run/_status.html", attrs=FULL)
    done = tables.TemplateColumn(
        template_name="scoring/run/_done.html", verbose_name="Scored", attrs={"td": {"class": "num"}}
    )
    errored = tables.TemplateColumn("{% load humanize %}{{ value|intcomma }}", attrs={"td": {"class": "num"}})
    cost = tables.TemplateColumn(
        "{% load records %}{{ value|money }}", verbose_name="Cost", attrs={"td": {"class": "num"}}
    )
    created_at = tables.TemplateColumn(template_name="scoring/run/_begun.html", verbose_name="Begun", attrs=FULL)

    class Meta(Table.Meta):
        model = ScoringRun
        fields = ["number", "status", "done", "errored", "cost", "created_at"]
        attrs = {"class": "table auto wrap cards-sm"}
        empty_text = "No scoring runs yet. Tick records on the Records page and re-score them."


class RuleTable(Table):
    """Rows of {"rule", "standing"}."""

    rule = tables.TemplateColumn(template_name="scoring/rules/_name.html", attrs=FULL)
    state = tables.TemplateColumn(template_name="scoring/rules/_state.html", accessor="rule", attrs=FULL)
    day = tables.TemplateColumn(
        template_name="scoring/rules/_day.html", accessor="standing__day", verbose_name="Last 24 hours", attrs=FULL
    )
    spent = tables.TemplateColumn(
        template_name="scoring/rules/_spent.html", accessor="standing", verbose_name="Spent today",
        attrs={"td": {"class": "num"}},
    )  # fmt: skip
    error = tables.TemplateColumn(
        template_name="scoring/rules/_error.html", accessor="standing__last_error", verbose_name="Last error",
        attrs=FULL, empty_values=(),
    )  # fmt: skip

    class Meta(Table.Meta):
        attrs = {"class": "table auto wrap cards-sm rules"}
