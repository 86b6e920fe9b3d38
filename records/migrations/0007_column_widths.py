"""How wide somebody has made a column of the records table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("records", "0006_saved_views")]

    operations = [
        migrations.AddField(
            model_name="columnlayout",
            name="widths",
            field=models.JSONField(
                default=dict, help_text="Pixels by column key, of columns that were made wider or narrower."
            ),
        ),
    ]
