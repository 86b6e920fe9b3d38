from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0003_answers_kept_for_repeated_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="payload_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Inputs and outputs are kept so long after they arrive; empty: for ever.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="project",
            name="record_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Records and their scores are kept so long after they arrive; empty: for ever.",
                null=True,
            ),
        ),
    ]
