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
