"""One experiment against another: verdicts, flips, slices, and what to beware of."""

import pytest

from experiments.comparison.reading import group_keys, side_of
from experiments.comparison.results import metric_results, slices, spent
from experiments.comparison.slices import slice_lines
from experiments.comparison.verdicts import compare, groups_of
from records.models import ValueType
from scoring.stats.decisions import Verdict
from tests import factories
from tests.experiments import made

pytestmark = pytest.mark.django_db


@pytest.fixture
def correct(project):
    return made.boolean(project)


def versus(*experiments, **how):
    return compare(*(side_of(one) for one in experiments), **how)


def test_a_regression_is_seen_counted_and_put_first(project, correct):
    before, after = made.flipping(correct, 60, lost=20, won=2)
    found = versus(made.experiment(project, "a", before), made.experiment(project, "b", after))
    (line,) = found.lines
    assert line.decision.verdict == Verdict.WORSE and (line.regressions, line.improvements) == (20, 2)
    assert line.found.change.value == pytest.approx(-0.3) and line.found.method.startswith("exact McNemar")
    assert [case.first for case in found.regressions][:2] == ["case-000", "case-001"]
    assert (len(found.regressions), len(found.improvements), len(found.unchanged)) == (20, 2, 38)
    assert found.warnings == []


def test_epochs_are_averaged_before_cases_are_compared(project, correct):
    first = {f"c{i:02}": {correct: [True, True, i % 2 == 0]} for i in range(30)}
    second = {f"c{i:02}": {correct: [True, False, i % 2 == 0]} for i in range(30)}
    (line,) = versus(made.experiment(project, "a", first), made.experiment(project, "b", second)).lines
    assert line.found.n == 30 and line.found.change.value == pytest.approx(-1 / 3)
    assert line.found.method == "t interval" and line.regressions == 30


def test_several_metrics_are_judged_as_one_panel(project):
    """16 lost and 5 won of 120 are seen alone (p 0.03), not beside four metrics more."""
    metrics = [made.boolean(project, f"m{i}") for i in range(5)]
    before, after = made.flipping(metrics[0], 120, lost=16, won=5)
    for case in before:
        for metric in metrics[1:]:
            before[case][metric] = after[case][metric] = True
    found = versus(made.experiment(project, "a", before), made.experiment(project, "b", after))
    assert found.line("m0").found.p < 0.05 < found.line("m0").adjusted
    assert found.line("m0").decision.verdict == Verdict.UNSURE and "so many metrics" in found.line("m0").decision.words
    assert found.line("m1").decision.verdict == Verdict.UNSURE  # no flip in 120 leaves room for three points
    wide = versus(*(found_experiment(project, slug) for slug in "ab"), margin=0.05)
    assert wide.line("m1").decision.verdict == Verdict.SAME and wide.line("m1").decision.words == "within 5 points"


def found_experiment(project, slug):
    from experiments.models import Experiment

    return Experiment.objects.select_related("dataset").get(project=project, slug=slug)


def test_a_number_without_a_pass_condition_is_compared_by_its_mean_and_direction(project):
    slow = factories.metric(project, "wait", passing_score=None, direction="lower", max_score=10)
    first = {f"c{i:02}": {slow: 5 + i % 3} for i in range(40)}
    second = {f"c{i:02}": {slow: 4 + i % 2} for i in range(40)}
    found = versus(made.experiment(project, "a", first), made.experiment(project, "b", second))
    (line,) = found.lines
    assert line.kind == "mean" and line.found.change.value < 0 and line.decision.verdict == Verdict.BETTER
    assert len(found.improvements) > 20  # no metric has verdicts, so numbers tell what changed


def test_a_boolean_that_neither_passes_nor_fails_only_differs(project):
    known = factories.metric(project, "answerable", ValueType.BOOLEAN, passing_value=None)
    first = {f"c{i:02}": {known: True} for i in range(40)}
    second = {f"c{i:02}": {known: i < 10} for i in range(40)}
    (line,) = versus(made.experiment(project, "a", first), made.experiment(project, "b", second)).lines
    assert line.neutral and "neither is better" in line.decision.words and line.shares


def test_what_is_missing_or_errored_is_counted_and_left_out(project, correct):
    before, after = made.flipping(correct, 30, lost=2)
    after["case-010"][correct], after["case-011"][correct] = made.ERRORED, None
    one, other = made.experiment(project, "a", before), made.experiment(project, "b", after)
    (line,) = versus(one, other).lines
    assert (line.found.n, line.missing) == (28, 2)
    (result,) = metric_results(side_of(other))
    assert (result.n, result.errored, result.missing) == (28, 1, 1)
    assert result.estimate.text == "93 % (77 % to 98 %), 26 of 28" and [bin.n for bin in result.bins] == [2, 26]


def test_differences_of_revision_version_epochs_and_metrics_are_said(project, correct):
    cases = made.dataset(project, revision=3)
    other = made.boolean(project, "tone")
    first = made.experiment(project, "a", {"c": {correct: True, other: True}}, of=cases)
    cases.revision = 4
    cases.save()
    second = made.experiment(
        project, "b", {"c": {correct: [True, False]}, "d": {correct: [True, True]}}, of=cases,
        versions={correct: made.version(correct, 2)}, inputs={"c": "changed"},
    )  # fmt: skip
    assert versus(first, second).warnings == [
        "Dataset revisions differ: r3 and r4 of cases.",
        "Correctness was measured by correctness-judge v1 and by correctness-judge v2.",
        "Measured in one of the two only: Tone.",
        "Epochs differ: 1 and 2. Each case's are averaged first.",
        "1 case has the same id, but other inputs.",
    ]


def test_a_second_set_of_scores_changes_nothing_of_the_first(project, correct):
    before, _ = made.flipping(correct, 20)
    one = made.experiment(project, "a", before)
    made.add_set(one, [made.version(correct, 2)], number=2)
    made.score(one, {case: {correct: False} for case in before}, set_number=2)
    assert metric_results(side_of(one))[0].estimate.value == 1.0
    again = side_of(one, 2)
    assert metric_results(again)[0].estimate.value == 0.0 and again.measures[0].version == 2


def test_a_later_score_by_people_or_another_run_is_not_looked_at(project, correct):
    from tests.scoring.judging import by_people, judged

    before, _ = made.flipping(correct, 20)
    one = made.experiment(project, "a", before)
    ids = list(one.rows.values_list("record_id", flat=True))
    by_people(correct, dict.fromkeys(ids, False))
    judged(correct, dict.fromkeys(ids, False), evaluator="correctness-judge")
    assert metric_results(side_of(one))[0].estimate.value == 1.0


def test_scores_that_came_with_the_records_are_those_of_an_adopted_experiment(project, correct):
    from tests.records.api.calls import call, key

    sent = [
        {"inputs": {"n": n}, "outputs": "x", "experiment": "nightly", "case_id": f"c{n}",
         "scores": [{"metric": "correctness", "boolean_value": n > 4}]}
        for n in range(20)
    ]  # fmt: skip
    assert call(key(project), "POST", "/records", sent).status in (200, 201)
    one = made.adopted(project, "nightly", [correct])
    side = side_of(one)
    assert side.measures[0].by == "sent with the records" and len(side.cases) == 20
    assert metric_results(side)[0].estimate.text == "75 % (53 % to 89 %), 15 of 20"


def test_slices_by_metadata_say_where_it_got_worse(project, correct):
    before, after = made.flipping(correct, 80, lost=20)
    metadata = {case: {"topic": "refunds" if i < 40 else "delivery"} for i, case in enumerate(before)}
    one = made.experiment(project, "a", before, metadata=metadata)
    other = made.experiment(project, "b", after, metadata=metadata)
    assert group_keys(one) == ["tags", "split", "thread", "metadata.topic"]
    first, second = side_of(one, group_by="metadata.topic"), side_of(other, group_by="metadata.topic")
    found = compare(first, second)
    lines, more = slice_lines(first, second, found.match, found.lines[0])
    assert [(line.label, line.found.n, line.decision.verdict) for line in lines] == [
        ("delivery", 40, Verdict.UNSURE), ("refunds", 40, Verdict.WORSE),
    ] and more == 0  # fmt: skip
    own, _ = slices(second, second.measures)
    rates = [(one.label, one.cases, one.measured[0][1].value) for one in own]
    assert rates == [("delivery", 40, 1), ("refunds", 40, 0.5)]
    assert slices(side_of(one, group_by="split"), first.measures) == ([], 0)
    with pytest.raises(ValueError, match="not grouped by 'nonsense', but by split, tags, thread or metadata.<key>"):
        side_of(one, group_by="nonsense")


def test_cases_that_belong_together_make_the_verdict_more_careful(project, correct):
    """Forty cases of ten customers: two customers turned, and all their cases with them."""
    before, after = made.flipping(correct, 40, lost=8)
    one, other = made.experiment(project, "a", before), made.experiment(project, "b", after)
    assert versus(one, other).lines[0].decision.verdict == Verdict.WORSE
    customers = {case: f"customer {i // 4}" for i, case in enumerate(before)}
    together = versus(one, other, clusters=customers)
    assert together.lines[0].decision.verdict == Verdict.UNSURE and together.clustered == 10
    assert together.lines[0].found.method == "t interval, clustered"


def test_a_case_without_a_group_stands_by_itself_whatever_it_is_called():
    groups = groups_of(["a", "b", "c"], {"a": "b", "c": "b"})
    assert groups[0] == groups[2] != groups[1] and groups_of(["a"], {}) is None


def test_latency_and_cost_have_verdicts_of_their_own(project, correct):
    before, after = made.flipping(correct, 30)
    one = made.experiment(project, "a", before)
    found = versus(one, made.experiment(project, "b", after, latency=400, cost="0.004"))
    took = {item.what: item for item in found.took}
    assert took["latency"].decision.verdict == Verdict.BETTER
    assert took["latency"].found.change.value == pytest.approx(-0.5)
    assert took["cost"].decision.verdict == Verdict.WORSE and took["tokens"].decision.verdict == Verdict.SAME
    totals = spent(side_of(one))
    assert (totals.p50, str(totals.cost), str(totals.judging)) == (913, "0.06000000", "0.03000000")


def test_no_overlap_and_few_cases_give_words(project, correct):
    one = made.experiment(project, "a", {"x": {correct: True}}, inputs={"x": 1})
    other = made.experiment(project, "b", {"y": {correct: False}}, inputs={"y": 2})
    (line,) = versus(one, other).lines
    assert line.decision.verdict == Verdict.UNSURE and line.decision.words == "no case is in both"
    before, after = made.flipping(correct, 6, lost=3)
    few = versus(made.experiment(project, "c", before), made.experiment(project, "d", after))
    assert few.lines[0].decision.words == "3 lost and 0 won of 6 cases, too few for a difference"


def test_reading_a_side_takes_a_fixed_number_of_queries(project, correct, query_budget):
    before, _ = made.flipping(correct, 30)
    one = made.experiment(project, "a", before)
    with query_budget("an experiment's rows and scores"):
        side_of(found_experiment(project, one.slug))
