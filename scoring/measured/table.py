"""The table of a project's evaluators."""

import django_tables2 as tables

from evalhub.tables import FULL, Table

NUM = {"td": {"class": "num"}}


class EvaluatorTable(Table):
    """Rows are (evaluator, volume)."""

    name = tables.TemplateColumn(
        template_name="scoring/evaluators/_name.html", accessor="evaluator", verbose_name="Evaluator", attrs=FULL
    )
    metric = tables.TemplateColumn(
        "{{ value.name }}", accessor="evaluator__metric", verbose_name="Measures", attrs=FULL
    )
    version = tables.TemplateColumn("v{{ value.number }}", accessor="evaluator__current", verbose_name="Version")
    scores = tables.TemplateColumn(
        "{% load humanize %}{{ value|intcomma }}", accessor="volume__scores", verbose_name="Scores", attrs=NUM
    )
    passes = tables.TemplateColumn(
        template_name="scoring/evaluators/_passes.html", accessor="volume__passes", verbose_name="Pass rate (95 %)",
        attrs=FULL,
    )  # fmt: skip
    errored = tables.TemplateColumn(
        template_name="scoring/evaluators/_errors.html", accessor="volume__errors", verbose_name="Errored", attrs=FULL
    )
    cost = tables.TemplateColumn(
        template_name="scoring/evaluators/_cost.html", accessor="volume", verbose_name="Cost", attrs=NUM
    )

    class Meta(Table.Meta):
        attrs = {"class": "table auto wrap cards-sm"}
