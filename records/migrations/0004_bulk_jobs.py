"""A row for every bulk act on records: its selection, its progress, what it did."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0002_one_time_passwords"),
        ("records", "0003_room_for_the_cost_of_a_trace"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkJob",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("tag", "Tag"), ("untag", "Untag"), ("delete", "Delete")], max_length=10),
                ),
                ("tags", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list)),
                (
                    "spans_below",
                    models.BooleanField(default=False, help_text="Delete the spans below each record too."),
                ),
                ("by", models.CharField(help_text="The user's name, which outlives the user.", max_length=160)),
                ("ids", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), null=True)),
                ("filter", models.TextField(blank=True)),
                ("all_spans", models.BooleanField(default=False)),
                (
                    "zone",
                    models.CharField(default="UTC", help_text="In which the filter's dates are read.", max_length=64),
                ),
                (
                    "ceiling",
                    models.UUIDField(
                        help_text="An id above all that had arrived: later ones are not touched.", null=True
                    ),
                ),
                ("words", models.TextField(help_text="The selection as the reader saw it said.")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                            ("errored", "Errored"),
                        ],
                        default="pending",
                        max_length=10,
                    ),
                ),
                (
                    "total",
                    models.IntegerField(help_text="Empty until counted, and where counting takes too long.", null=True),
                ),
                ("done", models.IntegerField(default=0)),
                ("changed", models.IntegerField(default=0)),
                ("failed", models.IntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("reached", models.TextField(blank=True, help_text="Cursor: the work goes on behind it.")),
                (
                    "attempt",
                    models.IntegerField(
                        default=0, help_text="Whose work counts: a worker that was given up writes nothing."
                    ),
                ),
                ("beat_at", models.DateTimeField(help_text="Last sign of life of the worker.", null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("dismissed", models.BooleanField(default=False, help_text="No longer shown on the Records page.")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="evalhub.project"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "bulk_job",
                "indexes": [
                    models.Index(
                        condition=models.Q(("dismissed", False)), fields=["project", "-id"], name="bulk_job_shown"
                    ),
                    models.Index(
                        condition=models.Q(("status__in", ("pending", "running"))),
                        fields=["id"],
                        name="bulk_job_unfinished",
                    ),
                ],
            },
        ),
    ]
