import numpy as np
import pytest

from scoring.stats.agreement import Confusion, confusion, kappa

SKIN = Confusion(
    ["terrible", "poor", "marginal", "clear"], [[10, 4, 1, 0], [5, 10, 12, 2], [2, 4, 12, 5], [0, 2, 6, 13]]
)
FLEISS = Confusion(["psychotic", "neurotic", "organic"], [[75, 1, 4], [5, 4, 1], [0, 0, 10]])


def test_kappa_of_two_dermatologists():
    """SAS/STAT User's Guide, The FREQ Procedure, Agreement Study (skin condition data)."""
    simple = kappa(SKIN)
    assert (round(simple.value, 4), round(simple.low, 4), round(simple.high, 4)) == (0.3449, 0.2030, 0.4868)
    assert simple.text == "kappa 0.34 (0.20 to 0.49), they agree on 45 of 88"


def test_kappa_of_two_psychiatrists():
    """J. Fleiss, B. Levin and M. Paik, Statistical Methods for Rates and Proportions (2003), table 18.1: kappa 0.68,
    standard error 0.087."""
    found = kappa(FLEISS)
    assert round(found.value, 2) == 0.68
    assert round((found.high - found.value) / 1.96, 2) == 0.09


def test_weighted_kappa_by_its_definition():
    """One minus the mean distance of the pairs over the mean distance of all combinations of the two margins."""
    shares = np.array(SKIN.counts) / SKIN.total
    distance = np.abs(np.subtract.outer(range(4), range(4)))
    by_chance = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    for weighting, cost in (("linear", distance), ("quadratic", distance**2), ("none", distance > 0)):
        expected = 1 - (cost * shares).sum() / (cost * by_chance).sum()
        assert kappa(SKIN, weighting).value == pytest.approx(expected)
    assert kappa(SKIN, "quadratic").value > kappa(SKIN, "linear").value > kappa(SKIN).value


@pytest.mark.parametrize("weighting", ["none", "linear", "quadratic"])
def test_the_error_is_that_of_the_jackknife(weighting):
    """Leaving out one record after the other gives the same standard error, within a few per cent."""
    n = SKIN.total
    left_out = []
    for i, row in enumerate(SKIN.counts):
        for j, count in enumerate(row):
            if count:
                fewer = [list(line) for line in SKIN.counts]
                fewer[i][j] -= 1
                left_out += [kappa(Confusion(SKIN.labels, fewer), weighting).value] * count
    error = np.sqrt((n - 1) / n * np.square(np.array(left_out) - np.mean(left_out)).sum())
    found = kappa(SKIN, weighting)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(error, rel=0.05)


def test_full_agreement_has_an_interval_with_a_width():
    found = kappa(Confusion(["no", "yes"], [[20, 0], [0, 30]]))
    assert found.value == found.high == 1.0 and 0.7 < found.low < 0.95


def test_nothing_but_disagreement():
    found = kappa(Confusion(["no", "yes"], [[0, 25], [25, 0]]))
    assert found.value == -1 and found.low < found.high and found.high < -0.7


def test_chance_agreement_is_about_zero():
    found = kappa(Confusion(["no", "yes"], [[25, 25], [25, 25]]))
    assert found.value == 0 and found.low < 0 < found.high


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ([[0, 0], [0, 0]], "no record has both yet"),
        ([[5, 1], [1, 7]], "they agree on 12 of 14, too few for kappa"),
        ([[0, 0], [0, 40]], "both always say the same one thing (40 records): kappa needs two labels that occur"),
    ],
)
def test_where_kappa_says_nothing_words_do(counts, text):
    found = kappa(Confusion(["no", "yes"], counts))
    assert found.value is None and found.text == text


def test_one_who_always_says_the_same_agrees_by_chance_alone():
    assert kappa(Confusion(["no", "yes"], [[0, 10], [0, 30]])).value == pytest.approx(0)


def test_the_table_counts_pairs_in_the_order_of_the_labels():
    table = confusion([("bad", "good"), ("good", "good"), ("good", "good"), ("odd", "bad")], ["bad", "fair", "good"])
    assert table.labels == ["bad", "fair", "good", "odd"]
    assert table.counts == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 2, 0], [1, 0, 0, 0]]
    assert (table.total, table.agreeing, table.agreement.text) == (4, 2, "2 of 4, too few for a rate")
    assert confusion([]).total == 0


def test_kappa_covers_the_truth():
    """Two readers who each misread a fifth of 200 cases, half of which are positive: kappa is 0.36."""
    random = np.random.default_rng(6)
    covered = 0
    for _ in range(600):
        truth = random.random(200) < 0.5
        a, b = (truth ^ (random.random(200) < 0.2) for _ in range(2))
        table = [[int((~a & ~b).sum()), int((~a & b).sum())], [int((a & ~b).sum()), int((a & b).sum())]]
        found = kappa(Confusion(["no", "yes"], table))
        covered += found.low <= 0.36 <= found.high
    assert 0.92 < covered / 600 < 0.98
