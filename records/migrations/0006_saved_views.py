"""Lists of records under names, private or shared."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0002_one_time_passwords"),
        ("records", "0005_column_layouts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("query", models.TextField(blank=True)),
                ("shared", models.BooleanField(default=False, help_text="With everybody in the project.")),
                (
                    "is_default",
                    models.BooleanField(default=False, help_text="Where the project's Records page begins."),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        help_text="A shared view outlives them.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="evalhub.project"
                    ),
                ),
            ],
            options={
                "db_table": "saved_view",
                "ordering": ["-is_default", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project"),
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("shared", True)),
                        name="saved_view_shared_name",
                    ),
                    models.UniqueConstraint(
                        models.F("project"),
                        models.F("owner"),
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("shared", False)),
                        name="saved_view_own_name",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)), fields=("project",), name="saved_view_one_default"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("is_default", False), ("shared", True), _connector="OR"),
                        name="saved_view_default_is_shared",
                    ),
                ],
            },
        ),
    ]
