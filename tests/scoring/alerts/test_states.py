"""The state machine, as a table: what is asked for, what is measured minute by minute, and the states that follow."""

from datetime import UTC, datetime, timedelta

import pytest

from scoring.alerts.states import Memory, Reading, Terms, read, step
from scoring.models import AlertState, Certainty, NoData, Side
from scoring.stats.estimates import Estimate

START = datetime(2026, 5, 4, 12, tzinfo=UTC)
B, F, W, N = Reading.BEYOND, Reading.FINE, Reading.BETWEEN, Reading.NOTHING


def found(value, low=None, high=None, n=100):
    return Estimate(value, low, high, n, "")


RATE = found(0.70, 0.66, 0.74)


@pytest.mark.parametrize(
    ("side", "threshold", "certainty", "measured", "reading"),
    [
        (Side.BELOW, 0.75, Certainty.SURE, RATE, B),  # all of it is below
        (Side.BELOW, 0.72, Certainty.SURE, RATE, W),  # the value is, its upper bound is not
        (Side.BELOW, 0.72, Certainty.VALUE, RATE, B),
        (Side.BELOW, 0.68, Certainty.VALUE, RATE, F),
        (Side.BELOW, 0.68, Certainty.POSSIBLE, RATE, B),  # its lower bound is
        (Side.BELOW, 0.65, Certainty.POSSIBLE, RATE, F),
        (Side.ABOVE, 0.65, Certainty.SURE, RATE, B),
        (Side.ABOVE, 0.68, Certainty.SURE, RATE, W),
        (Side.ABOVE, 0.72, Certainty.VALUE, RATE, F),
        (Side.ABOVE, 0.72, Certainty.POSSIBLE, RATE, B),
        (Side.ABOVE, 0.75, Certainty.POSSIBLE, RATE, F),
        (Side.BELOW, 0.70, Certainty.VALUE, RATE, F),  # the threshold itself is not below it
        (Side.ABOVE, 10, Certainty.SURE, found(11), B),  # without an interval the value is compared
        (Side.ABOVE, 10, Certainty.SURE, found(10), F),
    ],
)
def test_the_bound_that_is_asked_for_is_compared(side, threshold, certainty, measured, reading):
    assert read(Terms(side, threshold, certainty), measured) == reading


@pytest.mark.parametrize(("policy", "reading"), [(NoData.KEEP, N), (NoData.FINE, F), (NoData.BREACH, B)])
@pytest.mark.parametrize("measured", [found(0.1, 0.0, 0.2, n=14), found(None, n=0)])
def test_too_few_cases_are_what_the_alert_says_they_are(policy, reading, measured):
    assert read(Terms(Side.BELOW, 0.75, least=15, no_data=policy), measured) == reading


def test_it_is_over_at_the_recovery_threshold_alone():
    terms = Terms(Side.BELOW, 0.75, recovery_threshold=0.8)
    assert [read(terms, found(value, value - 0.01, value + 0.01)) for value in (0.7, 0.78, 0.8)] == [B, W, F]


OK, P, X = AlertState.OK, AlertState.PENDING, AlertState.FIRING


@pytest.mark.parametrize(
    ("pending", "recovery", "readings", "states"),
    [
        (0, 0, [B, B, F], [X, X, OK]),  # at once, and over at once
        (2, 0, [B, B, B, F], [P, P, X, OK]),  # minutes of pending
        (2, 0, [B, F, B, B, B], [P, OK, P, P, X]),  # a break begins it anew
        (2, 0, [B, W, B, B, B], [P, OK, P, P, X]),  # so does what is only perhaps beyond
        (2, 0, [B, N, B], [P, P, X]),  # no data changes nothing
        (0, 2, [B, F, F, F], [X, X, X, OK]),  # minutes of recovery
        (0, 2, [B, F, B, F, F, F], [X, X, X, X, X, OK]),  # beyond again: recovery begins anew
        (0, 2, [B, F, W, F, F, F], [X, X, X, X, X, OK]),
        (0, 2, [B, F, N, F], [X, X, X, OK]),
        (0, 0, [B, W, W, F], [X, X, X, OK]),  # between keeps what has begun to fire
        (0, 0, [W, F, N], [OK, OK, OK]),
        (0, 0, [N, N], [OK, OK]),
        (0, 0, [B, N, N], [X, X, X]),
    ],
)
def test_states_follow_the_measurements(pending, recovery, readings, states):
    terms = Terms(Side.BELOW, 0.5, pending=60 * pending, recovery=60 * recovery)
    memory, seen = Memory(OK, START), []
    for minute, reading in enumerate(readings):
        memory = step(terms, memory, reading, START + timedelta(minutes=minute))
        seen.append(memory.state)
    assert seen == states


def test_a_state_remembers_since_when_it_has_been_so():
    terms = Terms(Side.BELOW, 0.5, pending=120)
    memory = Memory(OK, START)
    times = [START + timedelta(minutes=minute) for minute in range(5)]
    for at in times[:4]:
        memory = step(terms, memory, B, at)
    assert (memory.state, memory.since, memory.breached_since) == (X, times[2], times[0])
    assert step(terms, memory, B, times[4]) == memory
