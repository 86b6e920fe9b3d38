"""What the queue calls: ids in, the row in the database says the rest."""

from experiments.datasets import importing


def run_import(key: int) -> None:
    importing.run(key)
