"""What Django cannot say: two functions that the write path calls, and how often its tables are vacuumed."""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION evalhub_uuid7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
    substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;
-- 1 % of all records, by the random tail of their id: the same rows in every table and process (records.ids.is_sampled).
CREATE FUNCTION evalhub_sampled(id uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT get_byte(uuid_send(id), 15) * 256 + get_byte(uuid_send(id), 14) < 655
$$;
"""

# Index-only scans decay and roll-ups bloat under PostgreSQL's defaults of 20 %.
STORAGE = """
ALTER TABLE record SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
ALTER TABLE score SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
  autovacuum_vacuum_cost_delay = 1);
ALTER TABLE record_rollup SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE score_rollup SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
"""


class Migration(migrations.Migration):
    dependencies = [("records", "0001_records_scores_and_rollups")]

    operations = [
        migrations.RunSQL(FUNCTIONS, "DROP FUNCTION evalhub_uuid7(); DROP FUNCTION evalhub_sampled(uuid);"),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
    ]
