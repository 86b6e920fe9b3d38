from django.db import migrations


class Migration(migrations.Migration):
    """Without an attempt to compress: a file is there for minutes, and compressing takes longer than writing it."""

    dependencies = [("experiments", "0007_playground")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE dataset_import_part ALTER COLUMN content SET STORAGE EXTERNAL",
            "ALTER TABLE dataset_import_part ALTER COLUMN content SET STORAGE EXTENDED",
        )
    ]
