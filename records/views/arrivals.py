"""What arrives in a project: a fortnight at a glance for the list of projects, and the wait for the first record."""

from datetime import timedelta

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from evalhub.access import project_page
from evalhub.models import Project
from records.models import RecordRollup

DAYS = 14
HEIGHT = 24  # pixels of the highest bar


@project_page("GET")
def project_pulse(request: HttpRequest, project: Project) -> HttpResponse:
    """Roots by day of the last two weeks, today last, as small bars."""
    today = timezone.localdate()
    days = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    start = timezone.now() - timedelta(days=DAYS)
    rollup = RecordRollup.objects.filter(project=project, is_root=True, bucket__gte=start, n__gt=0)
    counted = dict(rollup.values_list(TruncDate("bucket")).annotate(Sum("n")).order_by())
    counts = [counted.get(day, 0) for day in days]
    scale = HEIGHT / max(*counts, 1)
    bars = []
    for number, n in enumerate(counts):
        height = max(round(n * scale), 1)  # a day without records is a line
        bars.append({"x": number * 6, "y": HEIGHT - height, "height": height})
    context = {"bars": bars, "total": sum(counts), "days": DAYS, "width": DAYS * 6 - 1, "height": HEIGHT}
    return render(request, "records/_pulse.html", context)


@project_page("GET")
def record_arrived(request: HttpRequest, project: Project) -> HttpResponse:
    """Asked by the page of a project without records: loads it anew once there is one."""
    arrived = RecordRollup.objects.filter(project=project, n__gt=0).exists()
    return HttpResponseClientRefresh() if arrived else HttpResponse(status=204)
