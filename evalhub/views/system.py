"""The System page: how the installation is, for superusers."""

import redis
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from evalhub import health
from evalhub.access import superuser_page
from evalhub.system import queues, storage
from evalhub.system.measures import measures


@never_cache
@superuser_page("GET")
def system(request: HttpRequest) -> HttpResponse:
    context = {
        "warnings": health.state()[1],
        "server": storage.server(),
        "tables": storage.tables(),
        "statements": storage.statements(),
        "measures": [measure for measure in measures() if not measure.labels],
    }
    try:
        with health.redis_client() as client:
            context |= {
                "reachable": True,
                "queues": queues.queues(client),
                "workers": queues.workers(client),
                "sweeps": queues.sweeps(client),
            }
    except redis.RedisError:
        context["reachable"] = False
    return render(request, "evalhub/system.html", context)
