"""What a gate may be asked for, as it is written."""

import pytest

from experiments.gate.conditions import BadCondition, Bound, Condition, condition, conditions

GOOD = [
    ("correctness", Condition("correctness", False), "correctness"),
    ("correctness:margin=0.02", Condition("correctness", False, 0.02), "correctness:margin=0.02"),
    (" tone : min = 0.8 ", Condition("tone", False, lowest=Bound(0.8, False)), "tone:min=0.8"),
    ("cost:max=+10%", Condition("cost", True, highest=Bound(0.1, True)), "cost:max=+10%"),
    ("cost:min=-5.5%", Condition("cost", True, lowest=Bound(-0.055, True)), "cost:min=-5.5%"),
    ("tokens:max=1234567", Condition("tokens", True, highest=Bound(1234567, False)), "tokens:max=1234567"),
    ("cost:margin=0.00012345678", Condition("cost", True, 0.00012345678), "cost:margin=0.00012345678"),
    ("latency:max=2.5:margin=.3", Condition("latency", True, 0.3, Bound(2.5, False)), "latency:margin=0.3:max=2.5"),
    ("metric.cost:min=1e-3", Condition("cost", False, lowest=Bound(0.001, False)), "metric.cost:min=0.001"),
    ("tone.second-judge:margin=1", Condition("tone.second-judge", False, 1.0), "tone.second-judge:margin=1"),
]


@pytest.mark.parametrize(("text", "read", "written"), GOOD)
def test_it_is_read_and_can_be_written_again(text, read, written):
    assert condition(text) == read and read.words == written and condition(written) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no metric"), (":margin=1", "names no metric"), ("a:b", "is not margin="),
        ("a:margin", "is not margin="),
        ("a:margin=", "is not a number"), ("a:margin=0", "more than 0"), ("a:margin=-1", "more than 0"),
        ("a:margin=2%", "is not a number"), ("a:margin=nan", "is not a number"), ("a:max=inf", "is not a number"),
        ("a:max=1e999", "is not a number"), ("a:max=10%", "needs its sign"), ("a:min=-100%", "needs its sign"),
        ("a:max=1:max=2", "stands twice"), ("a:most=1", "is not margin="), ("a:max=1 0", "is not a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(text, says):
    with pytest.raises(BadCondition, match=says):
        condition(text)


def test_at_least_one_and_none_twice():
    with pytest.raises(BadCondition, match="at least one"):
        conditions([])
    with pytest.raises(BadCondition, match="cost is asked for twice"):
        conditions(["cost:max=1", "cost:min=0"])
    assert len(conditions(["cost:max=1", "metric.cost:min=0"])) == 2
