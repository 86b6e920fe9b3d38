"""How somebody has arranged the records table of a project."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0002_one_time_passwords"),
        ("records", "0004_bulk_jobs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ColumnLayout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("columns", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list)),
                ("rows", models.SmallIntegerField(default=50, help_text="A page of the list.")),
                (
                    "density",
                    models.CharField(
                        choices=[("dense", "Dense"), ("normal", "Normal"), ("roomy", "Roomy")],
                        default="normal",
                        max_length=10,
                    ),
                ),
                ("wrap", models.BooleanField(default=False, help_text="Cells take more than one line.")),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="evalhub.project"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "db_table": "column_layout",
                "constraints": [
                    models.UniqueConstraint(fields=("project", "user"), name="column_layout_once"),
                    models.CheckConstraint(condition=models.Q(("rows__in", (50, 100, 200))), name="column_layout_rows"),
                ],
            },
        ),
    ]
