"""What a rule decides about a record: gate after gate, as a table."""

from uuid import UUID

import pytest

from scoring.models import Rule, RuleVersion
from scoring.rules.gates import PASSED, Facts, Gate, decide, draws

FACTS = Facts(
    id=UUID(int=7), trace_id="t1", name="answer", is_root=True, orphan=False, leads=True, ended=True, experiment="",
    tried=False, matches=frozenset({"", "model:gpt"}),
)  # fmt: skip


def rule(**fields) -> Rule:
    return Rule(**{"enabled": True, "rate": 1.0, "spans_mode": "all", "salt": "s"} | fields)


@pytest.mark.parametrize(
    ("terms", "facts", "gate"),
    [
        ({}, {}, Gate.DRAWN),
        ({"enabled": False}, {}, Gate.DISABLED),
        ({}, {"ended": False}, Gate.RUNNING),
        ({}, {"experiment": "e1"}, Gate.EXPERIMENT),
        ({"include_experiments": True}, {"experiment": "e1"}, Gate.DRAWN),
        ({}, {"tried": True}, Gate.EXPERIMENT),
        ({"include_experiments": True}, {"tried": True}, Gate.DRAWN),
        ({"spans_mode": "root"}, {"is_root": False}, Gate.SPANS),
        ({"spans_mode": "root"}, {}, Gate.DRAWN),
        ({"spans_mode": "named", "span_names": ["search", "answer"]}, {"is_root": False}, Gate.DRAWN),
        ({"spans_mode": "named", "span_names": ["search"]}, {}, Gate.SPANS),
        ({"scope": "trace", "spans_mode": "named", "span_names": ["search"]}, {}, Gate.DRAWN),
        ({"scope": "trace"}, {"leads": False}, Gate.SPANS),
        ({"scope": "trace"}, {"quiet": 59.0}, Gate.WAITING),
        ({"scope": "trace"}, {"quiet": 60.0}, Gate.DRAWN),
        ({"scope": "trace"}, {"quiet": 0.0, "trace_id": ""}, Gate.DRAWN),
        ({"spans_mode": "root"}, {"quiet": 0.0, "orphan": True}, Gate.WAITING),
        ({"spans_mode": "root"}, {"quiet": 0.0}, Gate.DRAWN),
        ({"spans_mode": "all"}, {"quiet": 0.0, "orphan": True}, Gate.DRAWN),
        ({"filter": "model:gpt"}, {}, Gate.DRAWN),
        ({"filter": "model:other"}, {}, Gate.FILTER),
        ({"rate": 0.0}, {}, Gate.SAMPLING),
    ],
)
def test_a_record_stops_at_the_first_gate_that_does_not_let_it_pass(terms, facts, gate):
    assert decide(rule(**terms), FACTS._replace(**facts)) == gate


def test_the_version_of_a_rule_decides_as_the_rule_does():
    terms = {"rate": 0.3, "salt": "x", "enabled": True, "spans_mode": "all"}
    for n in range(200):
        facts = FACTS._replace(trace_id=f"t{n}")
        assert decide(rule(**terms), facts) == decide(RuleVersion(**terms), facts)


def test_sampling_is_stable_takes_about_its_rate_and_a_higher_rate_keeps_what_was_drawn():
    keys = [f"trace {n}" for n in range(5_000)]
    tenth = {key for key in keys if draws("salt", key, 0.1)}
    assert tenth == {key for key in keys if draws("salt", key, 0.1)}
    assert 400 < len(tenth) < 600
    assert tenth < {key for key in keys if draws("salt", key, 0.3)}
    assert tenth != {key for key in keys if draws("other", key, 0.1)}
    assert all(draws("salt", key, 1.0) for key in keys)
    assert not any(draws("salt", key, 0.0) for key in keys)


def test_a_whole_trace_is_drawn_and_a_record_without_one_by_itself():
    terms = rule(rate=0.5)
    spans = {decide(terms, FACTS._replace(id=UUID(int=n))) for n in range(50)}
    alone = {decide(terms, FACTS._replace(id=UUID(int=n), trace_id="")) for n in range(50)}
    assert len(spans) == 1
    assert alone == {Gate.DRAWN, Gate.SAMPLING}


def test_every_gate_says_how_far_a_record_came():
    assert set(PASSED) == set(Gate)
