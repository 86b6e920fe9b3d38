"""What the queue calls: an id in, the rows in the database say the rest. Each may run twice, or never."""

from experiments.datasets import importing
from experiments.playground import running as playground
from experiments.running import working


def run_import(key: int) -> None:
    importing.run(key)


def work_experiment(experiment_id: int) -> None:
    working.work(experiment_id)


def work_playground(run_id: int) -> None:
    playground.work(run_id)
