"""Sorting by numbers that only some records have: time to the first token, tokens in and out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0002_one_time_passwords"),
        ("records", "0010_names_of_scorers"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                condition=models.Q(("ttft_ms__isnull", False)), fields=["project", "ttft_ms"], name="record_ttft"
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                condition=models.Q(("tokens_in__isnull", False)),
                fields=["project", "tokens_in"],
                name="record_tokens_in",
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                condition=models.Q(("tokens_out__isnull", False)),
                fields=["project", "tokens_out"],
                name="record_tokens_out",
            ),
        ),
    ]
