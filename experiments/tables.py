"""The tables of the experiments' pages."""

import django_tables2 as tables

from evalhub.tables import FULL, Table
from experiments.models import Dataset, Experiment, Prompt

NUM = {"td": {"class": "num"}, "th": {"class": "num"}}


class DatasetTable(Table):
    name = tables.TemplateColumn(
        template_name="experiments/cells/_dataset.html", accessor="name", verbose_name="Dataset", attrs=FULL
    )
    size = tables.TemplateColumn("{% load humanize %}{{ value|intcomma }}", verbose_name="Items", attrs=NUM)
    revision = tables.TemplateColumn(
        "{% if value %}r{{ value }}{% else %}<span class='hint'>none</span>{% endif %}", verbose_name="Revision",
    )  # fmt: skip
    inputs_schema = tables.TemplateColumn(
        "{% if value %}checked{% else %}<span class='hint'>any</span>{% endif %}", verbose_name="Inputs"
    )
    created_by = tables.Column(verbose_name="By")
    changed_at = tables.TemplateColumn(template_name="evalhub/_moment.html", verbose_name="Changed", attrs=FULL)

    class Meta(Table.Meta):
        model = Dataset
        fields = ["name", "size", "revision", "inputs_schema", "created_by", "changed_at"]
        attrs = {"class": "table auto wrap cards-sm"}


class PromptTable(Table):
    """Prompts annotated with `newest` and `deployed` (numbers of versions) and `model`."""

    name = tables.TemplateColumn(
        template_name="experiments/cells/_prompt.html", accessor="name", verbose_name="Prompt", attrs=FULL
    )
    deployed = tables.TemplateColumn(
        "{% if value %}v{{ value }}{% else %}<span class='hint'>none</span>{% endif %}", verbose_name="Deployed",
        empty_values=(),
    )  # fmt: skip
    newest = tables.TemplateColumn("v{{ value }}", verbose_name="Newest")
    model = tables.Column(verbose_name="Model", attrs=FULL)
    created_by = tables.Column(verbose_name="By")
    changed_at = tables.TemplateColumn(template_name="evalhub/_moment.html", verbose_name="Changed", attrs=FULL)

    class Meta(Table.Meta):
        model = Prompt
        fields = ["name", "deployed", "newest", "model", "created_by", "changed_at"]
        attrs = {"class": "table auto wrap cards-sm"}


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
