"""What the queue calls: ids in, the row in the database says the rest."""

from records import bulk


def run_bulk(job_id: int) -> None:
    bulk.run(job_id)
