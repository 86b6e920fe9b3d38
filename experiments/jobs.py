"""What the queue calls: an id in, the rows in the database say the rest. Each may run twice, or never."""

from experiments.running import working


def work_experiment(experiment_id: int) -> None:
    working.work(experiment_id)
