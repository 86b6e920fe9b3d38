import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

from experiments.datasets.grams import copied, grams

BATCH = 1_000


def fill(apps, schema_editor):
    items = apps.get_model("experiments", "DatasetItem").objects.order_by("pk")
    after = 0
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE item_grams (id bigint, grams integer[]) ON COMMIT DROP")
        while batch := list(items.filter(pk__gt=after).values_list("pk", "dataset_id", "search_text")[:BATCH]):
            with cursor.copy("COPY item_grams FROM STDIN") as copy:
                for key, dataset, text in batch:
                    copy.write_row((key, copied(grams(dataset, text))))
            after = batch[-1][0]
        cursor.execute("UPDATE dataset_item SET grams = g.grams FROM item_grams g WHERE dataset_item.id = g.id")


class Migration(migrations.Migration):
    """Filled before the index is made, which is faster at once."""

    dependencies = [("experiments", "0008_uploads_are_stored_as_they_come")]

    operations = [
        migrations.AddField(
            model_name="datasetitem",
            name="grams",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.IntegerField(),
                default=list,
                editable=False,
                help_text="Three-letter parts of the words of search_text, as numbers.",
                size=None,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="datasetitem",
            index=django.contrib.postgres.indexes.GinIndex(fields=["grams"], name="dataset_item_grams"),
        ),
    ]
