"""A payload of 2 to 4 KB, the usual one, is neither compressed nor moved out of its row.

PostgreSQL would do both from 2 KB on: writing it takes twice as long, and every preview reads a second table.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("records", "0007_column_widths")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE payload SET (toast_tuple_target = 4096)", "ALTER TABLE payload RESET (toast_tuple_target)"
        )
    ]
