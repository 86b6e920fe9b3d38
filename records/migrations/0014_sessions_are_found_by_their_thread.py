"""Sessions: the records that have a thread by time, and those of one thread."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("evalhub", "0002_one_time_passwords"),
        ("records", "0013_what_people_said"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("project"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("thread", ""), _negated=True),
                name="record_thread_time",
            ),
        ),
        migrations.AddIndex(
            model_name="record",
            index=models.Index(
                models.F("project"),
                models.F("thread"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("thread", ""), _negated=True),
                name="record_thread",
            ),
        ),
    ]
