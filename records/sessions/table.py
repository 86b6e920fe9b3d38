"""The table of a project's sessions."""

import django_tables2 as tables

from evalhub.tables import FULL, Table

NUM = {"td": {"class": "num nowrap"}, "th": {"class": "num"}}
WHEN = {"td": {"class": "full nowrap"}}


class SessionTable(Table):
    """Rows have `thread`, `row` (its newest record that matches), `totals` and `preview` (what it began with)."""

    thread = tables.TemplateColumn(template_name="records/sessions/_thread.html", verbose_name="Session", attrs=FULL)
    last = tables.TemplateColumn(
        "{% load records %}{{ value|moment }}", accessor="row__created_at", verbose_name="Last", attrs=WHEN
    )
    turns = tables.TemplateColumn(
        template_name="records/sessions/_turns.html", accessor="totals", verbose_name="Turns", attrs=NUM
    )
    lasted = tables.TemplateColumn(
        "{% load records %}{{ value|milliseconds }}", accessor="totals__lasted_ms", verbose_name="Duration", attrs=NUM
    )
    tokens = tables.TemplateColumn(
        "{% load humanize %}{{ value|intcomma }}", accessor="totals__tokens", verbose_name="Tokens", attrs=NUM
    )
    cost = tables.TemplateColumn(
        "{% load records %}{{ value|money }}", accessor="totals__cost", verbose_name="Cost", attrs=NUM
    )
    failed = tables.TemplateColumn(
        template_name="records/sessions/_failed.html", accessor="totals__failed", verbose_name="Errors", attrs=NUM
    )
    scores = tables.TemplateColumn(
        template_name="records/sessions/_scores.html", accessor="totals", verbose_name="Scores", attrs=FULL
    )

    class Meta(Table.Meta):
        attrs = {"class": "table auto wrap cards-sm sessions"}
