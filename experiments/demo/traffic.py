"""When things happen: people work by day and by week, and one night in a month something is down. Pure."""

import bisect
import itertools
import random
from datetime import datetime, timedelta

OUTAGE_DAYS_AGO = 8  # or a little more, so that it is a working day
WORKING = (1, 2, 3)  # Tuesday to Thursday
OUTAGE_FROM, OUTAGE_HOURS = 21, 16  # of the evening before, UTC: long enough to empty a bar of the month's chart
# Of an hour of the day (UTC) and of a weekday: a shop whose customers write by day and before bed.
BY_HOUR = (3, 2, 1, 1, 1, 2, 5, 10, 16, 20, 21, 20, 18, 19, 20, 19, 17, 16, 17, 19, 18, 14, 9, 5)
BY_WEEKDAY = (1.15, 1.05, 1.0, 1.0, 0.95, 0.5, 0.42)
LATELY = timedelta(minutes=2)  # the newest record is about so old


def outage(now: datetime) -> tuple[datetime, datetime]:
    """From when to when nothing worked, once in the month before `now`."""
    day = (now - timedelta(days=OUTAGE_DAYS_AGO)).replace(hour=0, minute=0, second=0, microsecond=0)
    while day.weekday() not in WORKING:
        day -= timedelta(days=1)
    down = day - timedelta(hours=24 - OUTAGE_FROM)
    return down, down + timedelta(hours=OUTAGE_HOURS)


def moments(count: int, now: datetime, days: int, rng: random.Random) -> list[datetime]:
    """`count` times in order, the last shortly before `now`: busy hours get more, the outage none."""
    down, up = outage(now)
    first = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    hours = [first + timedelta(hours=n) for n in range(days * 24)]
    hours = [hour for hour in hours if hour < now and not down <= hour < up]
    weights = []
    for number, hour in enumerate(hours):
        grown = 0.8 + 0.4 * number / len(hours)  # the product is doing well
        after_outage = 1.5 if up <= hour < up + timedelta(hours=4) else 1.0
        weights.append(BY_HOUR[hour.hour] * BY_WEEKDAY[hour.weekday()] * grown * after_outage * rng.uniform(0.75, 1.25))
    sums = list(itertools.accumulate(weights))
    found = []
    for number in range(count):
        # One draw in each of `count` equal shares: no clumps, and any number gives the same shape.
        at = (number + rng.random()) / count * sums[-1]
        hour = hours[min(bisect.bisect_right(sums, at), len(hours) - 1)]
        found.append(hour + timedelta(seconds=rng.random() * 3600))
    latest = now - LATELY
    found = [min(moment, latest - timedelta(seconds=rng.random() * 240)) for moment in found]
    if found:
        found[-1] = latest - timedelta(seconds=rng.random() * 240)  # something has just happened, however few they are
    return sorted(found)
