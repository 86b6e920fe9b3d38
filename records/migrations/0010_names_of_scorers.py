"""Which evaluators and rules have scored in a project, told by one step through an index for each."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0009_files_and_who_names_them")]

    operations = [
        migrations.AddIndex(
            model_name="score",
            index=models.Index(
                condition=models.Q(("evaluator__gt", "")), fields=["project", "evaluator"], name="score_evaluator"
            ),
        ),
        migrations.AddIndex(
            model_name="score",
            index=models.Index(condition=models.Q(("rule__gt", "")), fields=["project", "rule"], name="score_rule"),
        ),
    ]
