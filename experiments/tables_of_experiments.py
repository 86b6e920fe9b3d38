"""The table of a project's experiments."""

import django_tables2 as tables

from evalhub.tables import FULL, Table
from experiments.models import Experiment

NUM = {"td": {"class": "num"}, "th": {"class": "num"}}


class ExperimentTable(Table):
    """Experiments that carry their totals as `counted`."""

    name = tables.TemplateColumn(
        template_name="experiments/cells/_experiment.html", accessor="name", verbose_name="Experiment", attrs=FULL
    )
    state = tables.TemplateColumn(template_name="experiments/cells/_experiment_state.html", attrs=FULL)
    rows = tables.TemplateColumn(
        template_name="experiments/cells/_experiment_rows.html", empty_values=(), accessor="counted",
        verbose_name="Rows", attrs=NUM,
    )  # fmt: skip
    metrics = tables.TemplateColumn(
        template_name="experiments/cells/_experiment_metrics.html", empty_values=(), accessor="counted",
        verbose_name="Results", attrs=FULL,
    )  # fmt: skip
    cost = tables.TemplateColumn(
        template_name="experiments/cells/_experiment_cost.html", empty_values=(), accessor="counted",
        verbose_name="Cost", attrs=NUM,
    )  # fmt: skip
    created_at = tables.TemplateColumn(template_name="evalhub/_moment.html", verbose_name="Begun", attrs=FULL)

    class Meta(Table.Meta):
        model = Experiment
        fields = ["name", "state", "rows", "metrics", "cost", "created_at"]
        attrs = {"class": "table auto wrap cards-sm"}
