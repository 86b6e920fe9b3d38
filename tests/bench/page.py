"""The Records page over the filter matrix: page, table fragment, count and history chart, against the real web server.

Milliseconds from request to the last byte, p95 of the requests of a round; needs `fill` to have run.
"""

import argparse
import http.client
import time
from statistics import median
from urllib.parse import urlencode

from tests.bench import house
from tests.bench.figures import p95, report

MATRIX = {
    "unfiltered": "",
    "status": "status:completed",
    "rare status": "status:errored",
    "source": "source:trace",
    "source only in old rows": "source:playground",
    "metric fails 10 %": "metric.quality.status:fail",
    "metric fails 0.1 %": "metric.correct.status:fail",
    "two metrics": "metric.correct.status:fail metric.quality.status:fail",
    "metric value": "metric.quality:<0.05",
    "metadata key 10 %": "metadata.variant:v3",
    "metadata key 0.1 %": "metadata.account:a77",
    "latency range": "latency:>7.5",
    "cost range": "cost:>0.02",
    "time range": "created:>-40d created:<-35d",
    "four at once": "metric.quality.status:fail environment:production metadata.variant:v4 latency:>2",
    "text 1 %": "quixotic",
    "rare text": "zyzzyva",
}
# Of these the rows alone: page and rows differ by the frame, count and history do not ask for an order.
SORTED = {
    "unfiltered": "",
    "metric fails 10 %": "metric.quality.status:fail",
    "metric fails 0.1 %": "metric.correct.status:fail",
    "metadata key 10 %": "metadata.variant:v3",
}
SORTS = ("-latency", "-cost", "-tokens.input", "-metric.quality", "metric.correct")
DEEP = 50_000  # rows before page 1,000
SLOW_MS = 400  # a request that takes longer is asked a few times only, or the whole matrix would take half an hour


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--requests", type=int, default=20, help="of each kind in a round")
    parser.add_argument("--only", default="", help="only filters whose name contains this")


def run(options: argparse.Namespace) -> None:
    with house.services(options.data), house.web() as (host, port, _):
        cookie, deep = _session(), _cursor_at(DEEP)
        connection = http.client.HTTPConnection(host, port, timeout=60)
        base = "/p/bench-1/records/"
        kinds = {"page": (base, {}), "rows": (base, {"HX-Request": "true"}), "count": (f"{base}count", {})}
        kinds["history"] = (f"{base}history", {})
        for name, q in MATRIX.items():
            if options.only not in name:
                continue
            for kind, (path, headers) in kinds.items():
                _figure(options, connection, f"{kind}, {name}", f"{path}?{urlencode({'q': q})}", cookie, headers)
        for name, q in SORTED.items():
            for sort in SORTS if options.only in name else ():
                url = f"{base}?{urlencode({'q': q, 'sort': sort})}"
                _figure(options, connection, f"rows by {sort}, {name}", url, cookie, {"HX-Request": "true"})
        if not options.only:
            url = f"{base}?{urlencode({'after': deep})}"
            _figure(options, connection, "rows, page 1,000", url, cookie, {"HX-Request": "true"})


def _figure(
    options: argparse.Namespace, connection: http.client.HTTPConnection, name: str, url: str, cookie: str, headers: dict
) -> None:
    _ask(connection, url, cookie, headers)  # warm: each process has its templates
    took = _ask(connection, url, cookie, headers)
    requests = options.requests if took < SLOW_MS else min(options.requests, 3)
    rounds = [[_ask(connection, url, cookie, headers) for _ in range(requests)] for _ in range(options.rounds)]
    middle = round(median(ms for each in rounds for ms in each), 1)
    report(name, [p95(each) for each in rounds], "ms p95", requests=requests, middle=middle)


def _ask(connection: http.client.HTTPConnection, url: str, cookie: str, headers: dict) -> float:
    started = time.perf_counter()
    connection.request("GET", url, headers={"Cookie": cookie, **headers})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"{url} answered {answer.status}")
    return (time.perf_counter() - started) * 1000


def _session() -> str:
    """A signed-in reader's cookie."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from evalhub.models import Membership, Project, Role, User

    user, _ = User.objects.get_or_create(username="reader")
    project = Project.objects.get(slug="bench-1")
    Membership.objects.get_or_create(project=project, user=user, defaults={"role": Role.VIEWER})
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return f"sessionid={store.session_key}"


def _cursor_at(depth: int) -> str:
    """The cursor of the page that begins `depth` rows down."""
    from evalhub.models import Project
    from records.models import Record
    from records.search.cursors import write_cursor

    project = Project.objects.get(slug="bench-1")
    rows = Record.objects.filter(project=project, is_root=True).order_by("-created_at", "-id")
    created_at, id = rows.values_list("created_at", "id")[depth]
    return write_cursor(created_at, id)
