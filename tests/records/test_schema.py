from django.db import connection


def test_sql_and_python_agree_on_what_is_sampled(db):
    from records.ids import is_sampled, uuid7

    ids = [uuid7() for _ in range(3000)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM unnest(%s::uuid[]) AS id WHERE evalhub_sampled(id)", [ids])
        assert {row[0] for row in cursor} == {id for id in ids if is_sampled(id)}
