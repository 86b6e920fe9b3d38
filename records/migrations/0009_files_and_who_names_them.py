"""Which record names which lifted file, so that a file goes with the last of them."""

import django.db.models.deletion
from django.db import migrations, models


# For the files that are there already.
FILL = """
INSERT INTO blob_use (project_id, holder_id, sha256)
SELECT y.project_id, y.record_id, b.sha256
FROM payload y
CROSS JOIN LATERAL (VALUES (y.inputs), (y.outputs), (y.expected)) v(value)
CROSS JOIN LATERAL jsonb_path_query(v.value, 'strict $.**."$blob"') AS found
JOIN blob b ON b.project_id = y.project_id AND b.sha256 = found #>> '{}'
WHERE y.project_id IN (SELECT project_id FROM blob) AND v.value::text LIKE '%"$blob"%'
ON CONFLICT DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0002_one_time_passwords"),
        ("records", "0008_payloads_of_four_kilobytes_stay_in_line"),
    ]

    operations = [
        migrations.CreateModel(
            name="BlobUse",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "holder_id",
                        "sha256",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("holder_id", models.UUIDField()),
                ("sha256", models.CharField(max_length=64)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="evalhub.project",
                    ),
                ),
            ],
            options={
                "db_table": "blob_use",
                "indexes": [models.Index(fields=["project", "sha256"], name="blob_use_file")],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
