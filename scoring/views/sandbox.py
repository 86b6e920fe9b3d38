"""Which sandbox runs the code evaluators, on which machine, and what it proved of itself. No project's page."""

import redis
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from scoring.sandbox import reports


@require_GET
def sandbox(request: HttpRequest) -> HttpResponse:
    try:
        machines = [{"report": report, "tested_at": parse_datetime(report.tested_at)} for report in reports.told()]
        reachable = True
    except redis.RedisError:
        machines, reachable = [], False
    return render(request, "scoring/sandbox.html", {"machines": machines, "reachable": reachable})
