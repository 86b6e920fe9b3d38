"""The sum of a trace of many dear spans passes what one span may cost: no table is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("records", "0002_functions_and_storage"),
    ]

    operations = [
        migrations.AlterField(
            model_name="record",
            name="trace_cost",
            field=models.DecimalField(decimal_places=8, max_digits=24, null=True),
        ),
        migrations.AlterField(
            model_name="recordsample",
            name="trace_cost",
            field=models.DecimalField(decimal_places=8, max_digits=24, null=True),
        ),
    ]
