"""python -m tests.chaos --minutes 10 --seed 1: kills under load, then counts. Ends with 1 and the differences if any.

`--short` is what the test suite runs: a kill of each kind, and no waiting for the leases of the killed to run out.
"""

import argparse
import contextlib
import os
import random
import re
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

LONGEST = 300.0  # seconds in which nothing gets done: then it is stuck
STILL = 4.0  # seconds without change after which what is held is held by the killed: the leases of the living stand


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="the order of the kills (default: another each time)")
    parser.add_argument("--short", action="store_true", help="a few seconds in place of --minutes")
    parser.add_argument("--keep", action="store_true", help="leaves the data folder and the logs")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(10**6)  # noqa: S311
    say(f"Seed {seed}.")
    home = Path(tempfile.mkdtemp(prefix="eh-chaos-"))
    logs = Path(tempfile.mkdtemp(prefix="eh-chaos-logs-"))
    prepare(home)
    try:
        wrong = run(home, logs, seed, options.minutes * 60, options.short)
    finally:
        if options.keep:
            say(f"Data in {home}, logs in {logs}.")
        else:
            shutil.rmtree(home)
            shutil.rmtree(logs)
    for line in wrong:
        say(f"WRONG: {line}")
    say("Something is wrong." if wrong else "Everything is there, once.")
    sys.exit(1 if wrong else 0)


def prepare(home: Path) -> None:
    """Before the settings are read: where the data will be, and the secret that keys are checked by, here and there."""
    os.environ |= {"EVALHUB_DATA": str(home), "DJANGO_SETTINGS_MODULE": "evalhub.settings"}
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        os.environ.pop(name, None)
    (home / "secret_key").write_text(secrets.token_urlsafe(50))


def run(home: Path, logs: Path, seed: int, seconds: float, short: bool) -> list[str]:
    """The differences, in words."""
    from tests.chaos import counts, kills, world
    from tests.chaos.load import PAGES, Load
    from tests.evalhub.running import Up
    from tests.model_server import model_server

    up = Up(home, logs)
    up.start()
    try:
        import django

        django.setup()
        up.sign_in(up.password())
        with model_server() as model:
            model.keeps_requests, model.seconds, model.refuses = False, 0.05, world.sometimes_busy(seed)
            there = world.make(model.url, quiet_seconds=5 if short else 60)
            load = Load(up, there.key, seed, pause=0.15 if short else 1.0)
            load.begin(rescore_every=3.0 if short else 45.0)
            load.wait_for(100)
            if short:
                killed = kills.kill_for(up, 7.0, seed, kills.FEW, (1.0, 1.5), say)
            else:
                killed = kills.kill_for(up, seconds, seed, list(kills.VICTIMS), (4.0, 16.0), say)
            load.end()
            say(f"Killed: {dict(killed)}")
            say(
                f"Acknowledged: {len(load.records)} records, {len(load.scores)} scores, {len(load.runs)} re-scores; "
                f"answers {dict(load.answers)}, pages {dict(load.pages)}"
            )
            left = settle(there, short)
            wrong = [f"nothing was done for {LONGEST:.0f} s of {left}"] if left else []
            wrong += counts.differences(there, load)
            for path in PAGES:
                status, _ = up.get(path.format(record=""))
                wrong += [f"{path} answers {status} when all is over"] if status != 200 else []
            return wrong
    finally:
        up.stop()
        say(f"Errors in the log: {dict(errors(up.output()))}")


def settle(there, short: bool) -> dict[str, int]:
    """Waits until nothing waits any more; what still does where nothing was done for LONGEST seconds."""
    from django.db import OperationalError, connection

    from tests.chaos import counts

    began = last = hastened = time.monotonic()
    before, left = {}, {"everything": 1}
    while left and time.monotonic() - last < LONGEST:
        with contextlib.suppress(OperationalError):  # of a connection that a kill has ended
            if left := counts.waiting(there):
                before, last = left, last if left == before else time.monotonic()
                if short and time.monotonic() - max(last, hastened) > STILL:
                    hasten(there)
                    hastened = time.monotonic()
                time.sleep(1.0)
        connection.close()
    say(f"Settled after {time.monotonic() - began:.0f} s.")
    return left


def hasten(there) -> None:
    """As if the time had passed that leases and quiet traces are given, and the sweeper had come."""
    from django.db.models import F
    from django.utils import timezone

    from records.models import Score, ScoreStatus
    from scoring.management.commands.sweep import release_leases
    from scoring.models import OpenTrace
    from scoring.rules.healing import ring_lost
    from scoring.runs.healing import heal_runs

    now = timezone.now()
    held = Score.objects.filter(project=there.project, status=ScoreStatus.PENDING, lease_until__gt=F("created_at"))
    held.update(lease_until=now)
    OpenTrace.objects.filter(project=there.project).update(due_at=now)
    release_leases()
    ring_lost()
    heal_runs()


def errors(output: str) -> Counter:
    """Exceptions that were logged, by type."""
    return Counter(re.findall(r"^([A-Za-z_.]+(?:Error|Exception|Timeout|Failed|Shutdown)\w*)(?::|$)", output, re.M))


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
