import numpy as np
import pytest

from scoring.stats.many import holm


def test_the_worked_example():
    """S. Holm's procedure as R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_what_was_not_tested_does_not_count():
    assert holm([None, 0.02, None]) == [None, 0.02, None] and holm([]) == [] and holm([0.9, 0.9]) == [1.0, 1.0]


def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError):
        holm([0.2, 1.5])


def test_at_most_one_panel_in_twenty_has_a_false_one():
    random = np.random.default_rng(40)
    panels = random.uniform(size=(4000, 6))
    assert np.mean([min(holm(list(panel))) < 0.05 for panel in panels]) == pytest.approx(0.05, abs=0.01)
    assert np.mean([min(panel) < 0.05 for panel in panels]) > 0.2  # what it would be without
