from importlib import import_module

import rq
from django.conf import settings


class Worker(rq.Worker):
    """RQ's worker that looks for abandoned jobs every minute (no flag sets it, and the default is ten), and that has
    loaded what jobs need: each is a fork, and would spend more than half a second on imports."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, maintenance_interval=60, **kwargs)
        for name in settings.JOB_MODULES:
            import_module(name)
