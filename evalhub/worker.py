import rq


class Worker(rq.Worker):
    """RQ's worker that looks for abandoned jobs every minute: no flag sets it, and the default is ten."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, maintenance_interval=60, **kwargs)
