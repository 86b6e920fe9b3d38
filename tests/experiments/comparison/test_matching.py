"""Which case is which: by id, then by equal inputs."""

from experiments.comparison.matching import match
from experiments.comparison.sides import Run, Side


def side(**inputs: str | None) -> Side:
    """Cases by id with what stands for the hash of their inputs."""
    runs = [
        Run(case, 1, None, "scored", text.encode() if text else None, None, None, None) for case, text in inputs.items()
    ]
    return Side("s", "S", "", 0, 1, runs, [], {})


def test_the_same_id_is_the_same_case():
    found = match(side(a="x", b="y"), side(b="y", a="x"))
    assert found.pairs == [("a", "a"), ("b", "b")] and found.unmatched == found.by_inputs == found.other_inputs == 0


def test_other_inputs_under_the_same_id_are_said():
    assert match(side(a="x", b="y"), side(a="x", b="z")).other_inputs == 1
    assert match(side(a="x"), side(a=None)).other_inputs == 0  # no record, nothing known


def test_what_has_no_partner_by_id_is_matched_by_equal_inputs():
    found = match(side(a="x", b="y", c="z"), side(a="x", k="z", m="w"))
    assert found.pairs == [("a", "a"), ("c", "k")] and found.by_inputs == 1
    assert (found.only_first, found.only_second) == (["b"], ["m"])


def test_inputs_that_several_cases_share_match_nothing():
    """Which of them is which cannot be known."""
    found = match(side(a="x", b="x"), side(k="x"))
    assert found.pairs == [] and found.unmatched == 3


def test_no_overlap_is_no_error():
    found = match(side(a="x"), side(b="y"))
    assert found.pairs == [] and (found.only_first, found.only_second) == (["a"], ["b"])
    assert match(side(), side()).pairs == []
