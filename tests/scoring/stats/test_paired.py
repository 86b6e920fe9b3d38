import numpy as np
import pytest

from scoring.stats.paired import paired, signed

# Student, The probable error of a mean, Biometrika 6 (1908): hours of sleep gained by ten patients with two drugs.
DRUG_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
DRUG_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def test_the_paired_t_test_is_that_of_the_textbook():
    """C. Darwin's Zea mays, crossed against self-fertilized, in R. Fisher, The Design of Experiments (1935): 15 pairs,
    mean 2.617 inches, t 2.148, p 0.0497, 95 % 0.004 to 5.23."""
    crossed = [23.5, 12, 21, 22, 19.125, 21.5, 22.125, 20.375, 18.25, 21.625, 23.25, 21, 22.125, 23, 12]
    selfed = [17.375, 20.375, 20, 20, 18.375, 18.625, 18.625, 15.25, 16.5, 18, 16.25, 18, 12.75, 15.5, 18]
    found = paired(selfed, crossed)
    assert found.change.value == pytest.approx(2.6167, abs=1e-4)
    assert (found.change.low, found.change.high) == pytest.approx((0.0039, 5.2295), abs=1e-3)
    assert found.p == pytest.approx(0.0497, abs=1e-4)
    assert found.change.text == "+2.62 (+0.0039 to +5.23), 15 cases" and found.method == "t interval"
    assert found.deviation == pytest.approx(4.718, abs=1e-3)


def test_few_cases_give_words_and_no_number():
    found = paired(DRUG_1, DRUG_2)
    assert found.change.value is None and found.p is None and found.first == pytest.approx(0.75)
    assert found.change.text == "only 10 cases in both, too few for a difference"
    flips = paired([1, 1, 0], [0, 1, 1], shares=True)
    assert flips.change.text == "1 lost and 1 won of 3 cases, too few for a difference"


def test_no_case_in_both_gives_words():
    assert paired([], []).change.text == "no case is in both" and paired([], []).first is None


def test_pass_and_fail_by_case_is_counted_exactly():
    first, second = [1] * 16 + [0] * 6 + [1] * 59 + [0] * 80, [0] * 16 + [1] * 6 + [1] * 59 + [0] * 80
    found = paired(first, second, shares=True)
    assert (found.lost, found.won, found.n) == (16, 6, 161)
    assert (found.change.low, found.change.high) == pytest.approx((-0.1240, -0.0054), abs=1e-4)
    assert found.p == pytest.approx(0.052479, abs=1e-6) and found.method.startswith("exact McNemar")
    assert found.change.text == "-6.2 points (-12.4 to -0.5), 161 cases"


@pytest.mark.parametrize("all_are", [0, 1])
def test_all_pass_or_all_fail_still_leaves_room_for_what_was_not_seen(all_are):
    found = paired([all_are] * 100, [all_are] * 100, shares=True)
    assert found.change.value == 0 and found.p == 1
    assert (found.change.low, found.change.high) == pytest.approx((-0.037, 0.037), abs=1e-3)
    averaged = paired([0.5] * 100, [0.5] * 100, shares=True)  # no counts, the same room
    assert averaged.change.high == pytest.approx(found.change.high)


def test_equal_numbers_without_bounds_have_no_interval_but_words():
    found = paired([3.0] * 20, [3.0] * 20)
    assert found.change.text == "no case differs, 20 cases" and not found.change.has_interval
    assert paired([3.0] * 20, [3.0] * 20, width=4.0).change.high == pytest.approx(4 * 0.161, abs=2e-3)


def test_a_constant_shift_has_no_interval_but_is_no_chance():
    found = paired([1.0, 2.0] * 10, [1.5, 2.5] * 10)
    assert found.change.text == "+0.5, without interval: the same in all 20 cases" and found.p < 1e-5


def test_one_cluster_gives_words():
    found = paired([1, 0] * 10, [0, 0] * 10, clusters=["a"] * 20, shares=True)
    assert found.change.value is None and found.change.text == "20 cases of one group: nothing to compare it with"


def test_cases_that_belong_together_widen_the_interval():
    """Each case copied five times within its cluster says no more than once."""
    random = np.random.default_rng(3)
    first, second = random.normal(size=40), random.normal(0.3, size=40)
    once = paired(first, second)
    copied = paired(first.repeat(5), second.repeat(5), clusters=list(np.arange(40).repeat(5)))
    assert (copied.change.low, copied.change.high, copied.p) == pytest.approx(
        (once.change.low, once.change.high, once.p), rel=1e-6
    )
    assert copied.change.text.endswith("200 cases in 40 groups") and copied.method == "t interval, clustered"
    assert paired(first.repeat(5), second.repeat(5)).p < once.p


def test_clusters_of_one_change_nothing():
    first, second = [1, 0, 1, 1] * 10, [1, 1, 0, 1] * 10
    assert paired(first, second, clusters=list(range(40)), shares=True) == paired(first, second, shares=True)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: paired([1.0], []), "1 values against 0"),
        (lambda: paired([1.0], [float("nan")]), "finite"),
        (lambda: paired([1.0], [1.0], clusters=[]), "0 clusters for 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call()


@pytest.mark.parametrize(
    ("change", "shares", "said"),
    [(0.083, True, "+8.3 points"), (-0.0002, True, "0.0 points"), (12, False, "+12"), (-0.25, False, "-0.25"),
     (0, False, "0")],
)  # fmt: skip
def test_a_difference_shows_its_sign(change, shares, said):
    assert signed(change, shares) == said


def _judged(random, n, epochs, shift):
    """Pass rates of cases over epochs: each case has its own chance, the second side's is shifted."""
    chances = random.beta(2, 1, size=n)
    first = random.binomial(epochs, chances) / epochs
    return first, random.binomial(epochs, np.clip(chances + shift, 0, 1)) / epochs


@pytest.mark.parametrize("epochs", [1, 3])
def test_two_equal_systems_differ_at_most_once_in_twenty(epochs):
    random = np.random.default_rng(30 + epochs)
    found = [paired(*_judged(random, 60, epochs, 0.0), shares=True) for _ in range(800)]
    by_interval = np.mean([one.change.low > 0 or one.change.high < 0 for one in found])
    by_test = np.mean([one.p < 0.05 for one in found])
    assert by_interval <= 0.065 and by_test <= 0.06


def test_ignoring_that_epochs_are_repeats_would_be_wrong_far_more_often():
    """Why they are averaged first: taken for cases of their own, a shift of some cases up and some down looks sure."""
    random = np.random.default_rng(33)
    wrong = {"averaged": 0, "as cases": 0}
    for _ in range(300):
        effect = random.normal(0, 0.7, size=30)  # each case moves its own way, none on average
        first, second = random.normal(size=(30, 10)), random.normal(size=(30, 10)) + effect[:, None]
        wrong["averaged"] += paired(first.mean(1), second.mean(1)).p < 0.05
        wrong["as cases"] += paired(first.ravel(), second.ravel()).p < 0.05
    assert wrong["averaged"] / 300 <= 0.08 < 0.2 < wrong["as cases"] / 300


def test_clusters_keep_the_error_rate_where_their_cases_move_together():
    random = np.random.default_rng(34)
    clusters = list(np.arange(30).repeat(4))
    clustered = plain = 0
    for _ in range(600):
        moves = random.normal(0, 1, size=30).repeat(4) + random.normal(0, 0.5, size=120)
        clustered += paired(np.zeros(120), moves, clusters=clusters).p < 0.05
        plain += paired(np.zeros(120), moves).p < 0.05
    assert clustered / 600 <= 0.075 < 0.2 < plain / 600


def test_one_cluster_that_holds_most_cases_does_not_make_the_interval_sure():
    """78 of 120 cases belong together: with as many degrees of freedom as there are clusters, half of all intervals
    missed the truth."""
    random = np.random.default_rng(35)
    clusters = [0] * 78 + [1 + i // 3 for i in range(42)]
    wrong = 0
    for _ in range(300):
        moves = random.normal(size=15)[clusters] + random.normal(size=120)
        wrong += paired(np.zeros(120), moves, clusters=clusters).p < 0.05
    assert wrong / 300 <= 0.05
