"""How an alert goes from OK to pending to firing and back. Pure: the clock and what was measured are arguments.

A measurement is *beyond* the threshold, *fine*, or *between*: beyond by its value and not by as much of its interval
as the alert asks for, or not yet back at the recovery threshold. Between changes nothing that has begun to fire, so
that an alert does not flap around its threshold.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from scoring.models import AlertState, Certainty, NoData, Side
from scoring.stats.estimates import Estimate


class Reading(Enum):
    BEYOND = "beyond"
    BETWEEN = "between"
    FINE = "fine"
    NOTHING = "nothing"  # too few cases


@dataclass(frozen=True, slots=True)
class Terms:
    """What the alert asks for; times in seconds."""

    side: Side
    threshold: float
    certainty: Certainty = Certainty.SURE
    least: int = 15
    no_data: NoData = NoData.KEEP
    pending: int = 0
    recovery: int = 0
    recovery_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """`breached_since`: beyond without a break since then; `fine_since` the same, while it fires."""

    state: AlertState
    since: datetime
    breached_since: datetime | None = None
    fine_since: datetime | None = None


def read(terms: Terms, found: Estimate) -> Reading:
    """What was measured against the thresholds. A value without interval stands for its own bounds."""
    if found.value is None or found.n < terms.least:
        return {NoData.KEEP: Reading.NOTHING, NoData.FINE: Reading.FINE, NoData.BREACH: Reading.BEYOND}[terms.no_data]
    sign = 1 if terms.side == Side.ABOVE else -1
    low, high = (found.low, found.high) if found.has_interval else (found.value, found.value)
    near, far = (low, high) if sign == 1 else (high, low)  # the end towards the good side, and the other
    end = {Certainty.SURE: near, Certainty.VALUE: found.value, Certainty.POSSIBLE: far}[terms.certainty]
    if (end - terms.threshold) * sign > 0:
        return Reading.BEYOND
    back = terms.threshold if terms.recovery_threshold is None else terms.recovery_threshold
    return Reading.BETWEEN if (found.value - back) * sign > 0 else Reading.FINE


def step(terms: Terms, memory: Memory, reading: Reading, now: datetime) -> Memory:
    """Where the alert stands after a measurement at `now`; the same memory where nothing has changed."""
    if reading == Reading.NOTHING:
        return memory
    if memory.state == AlertState.FIRING:
        return _while_firing(terms, memory, reading, now)
    if reading != Reading.BEYOND:
        return memory if memory.state == AlertState.OK else Memory(AlertState.OK, now)
    since = memory.breached_since or now
    if now - since >= timedelta(seconds=terms.pending):
        return Memory(AlertState.FIRING, now, since)
    return (
        replace(memory, breached_since=since)
        if memory.state == AlertState.PENDING
        else Memory(AlertState.PENDING, now, since)
    )


def _while_firing(terms: Terms, memory: Memory, reading: Reading, now: datetime) -> Memory:
    if reading != Reading.FINE:
        return replace(memory, fine_since=None) if memory.fine_since else memory
    since = memory.fine_since or now
    if now - since >= timedelta(seconds=terms.recovery):
        return Memory(AlertState.OK, now)
    return replace(memory, fine_since=since)
