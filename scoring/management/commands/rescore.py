import time
from argparse import ArgumentParser
from dataclasses import replace
from datetime import UTC
from itertools import islice

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evalhub.health import workers_of
from evalhub.models import Project
from records.filterlang import FilterError, in_words
from records.search import SearchTimeout, ceiling_of
from records.selection import Selection, matching
from scoring.models import Evaluator, ReviewStatus, RunMode, RunStatus, ScoringRun
from scoring.reviews.asking import ReviewProblem, human_evaluators, request_review
from scoring.reviews.planning import tend
from scoring.runs import planning, ringing, working
from scoring.runs.estimate import Estimate, estimate
from scoring.runs.starting import RunProblem, evaluators_named, machine_evaluators, start_run
from scoring.runs.steering import is_waiting
from scoring.runs.wording import duration, money_or_unknown, progress

ESTIMATE_SECONDS = 60.0
EVERY = 1.0  # second between two lines of progress
OWN_TURN_SECONDS = 2.0
BY = "rescore"


class Command(BaseCommand):
    help = (
        "Scores records again, or for the first time, with the present versions of evaluators. Says first what it "
        "will take; shows its progress to the end; works itself where no worker runs. Exit code 1 if any errored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument(
            "--filter", required=True, metavar="Q", dest="q", help='As on the Records page; "" for all records.'
        )
        parser.add_argument(
            "--evaluator", required=True, action="append", metavar="SLUG", dest="slugs",
            help='May be given several times; "*" for every metric\'s primary evaluator. One that people score by '
            "makes a request for review.",
        )  # fmt: skip
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--all", action="store_const", dest="mode", const="all", help="All that match (as usual).")
        which.add_argument(
            "--errored", action="store_const", dest="mode", const="errored",
            help="Only where the evaluator's last attempt errored.",
        )  # fmt: skip
        which.add_argument(
            "--stale", action="store_const", dest="mode", const="stale",
            help="Only where its present version has no value for what the record holds now.",
        )  # fmt: skip
        parser.add_argument("--limit", type=int, metavar="N", help="The newest N of them.")
        parser.add_argument("--spans", choices=["roots", "all"], default="roots", help="All spans, or only roots.")
        parser.add_argument("--dry-run", action="store_true", help="Say what it would take, and end.")
        parser.add_argument("--detach", action="store_true", help="Leave the work to the workers; print the run.")

    def handle(
        self, *args: object, project: str, q: str, slugs: list[str], mode: str | None, limit: int | None, spans: str,
        dry_run: bool, detach: bool, **options: object,
    ) -> None:  # fmt: skip
        tenant = Project.objects.filter(slug=project).first()
        if tenant is None:
            raise CommandError(f"There is no project {project!r}.")
        if limit is not None and limit < 1:
            raise CommandError("--limit is a number of records, from 1.")
        people = list(human_evaluators(tenant).filter(slug__in=slugs))
        if people and (len(slugs) > 1 or mode in (RunMode.ERRORED, RunMode.STALE)):
            raise CommandError(f"{people[0].slug} is scored by people: ask for it alone, and for all that match.")
        mode = mode or RunMode.ALL
        try:
            if people:
                self._ask(_selection(tenant, q, spans == "all"), people[0], limit, dry_run, detach)
                return
            evaluators = _primary(tenant) if slugs == ["*"] else evaluators_named(tenant, slugs)
            selection = _selection(tenant, q, spans == "all")
            expected = estimate(selection, evaluators, mode, limit, ESTIMATE_SECONDS)
            self._say(selection, expected)
            if dry_run:
                return
            run = start_run(selection, evaluators, BY, mode=mode, limit=limit, estimate=expected.as_json())
        except FilterError as error:
            raise CommandError(error.pretty()) from error
        except (RunProblem, ReviewProblem, SearchTimeout) as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(f"Run {run.number} of {tenant.slug} has begun.")
        if detach:
            return
        try:
            self._follow(run)
        except KeyboardInterrupt:
            raise CommandError(
                f"No longer watching. Run {run.number} goes on where a worker runs; cancel it on its page."
            ) from None
        self._end(run)

    def _ask(self, selection: Selection, evaluator: Evaluator, limit: int | None, dry_run: bool, detach: bool) -> None:
        """People do the rest: the command ends when their queue is filled. Raises ReviewProblem, SearchTimeout."""
        if limit is not None:
            ids = islice((id for found in selection.slices() for id, _ in found), limit)
            selection = Selection(selection.project, ids=tuple(ids))
        words = selection.words(selection.count(ESTIMATE_SECONDS))
        people = evaluator.current.definition.get("reviewers", 1)
        each = "1 person each" if people == 1 else f"{people} people each"
        self.stdout.write(f"{words[0].upper()}{words[1:]}: {each}, by {evaluator.slug} v{evaluator.current.number}.")
        if dry_run:
            return
        request = request_review(selection, evaluator, BY)
        while request.status == ReviewStatus.PLANNING and not detach:
            tend(request.pk, OWN_TURN_SECONDS)  # at once over where a worker is at it
            request.refresh_from_db()
            if request.status == ReviewStatus.PLANNING:
                time.sleep(EVERY)
        if request.problem:
            raise CommandError(f"Review {request.number} is not complete: {request.problem}")
        self.stdout.write(f"Review {request.number} of {selection.project.slug} waits for people.")

    def _say(self, selection: Selection, expected: Estimate) -> None:
        least = "" if expected.exact else "at least "
        self.stdout.write(f"{selection.words()[0].upper()}{selection.words()[1:]}:")
        for line in expected.lines:
            name = f"{line.evaluator.slug} v{line.evaluator.current.number} -> {line.evaluator.metric.slug}"
            cost, there = money_or_unknown(line.total, line.rough), f"{line.already:,} carry this version already"
            self.stdout.write(f"  {name}: {least}{line.calls:,} calls, {cost}; {there}")
        cost = money_or_unknown(expected.cost, expected.rough)
        self.stdout.write(
            f"  {least}{expected.records:,} records, {expected.calls:,} calls, {cost}, about "
            f"{duration(expected.seconds)}; {expected.human:,} scores by people stay"
        )

    def _follow(self, run: ScoringRun) -> None:
        """Until it is over or paused. Never waits in silence: where no worker is, or none is seen, it works itself."""
        while not run.is_over and run.status != RunStatus.PAUSED:
            if not workers_of(ringing.WORK_QUEUE) or is_waiting(run):
                planning.plan(run.pk, OWN_TURN_SECONDS)
                working.take_turn(run.pk, OWN_TURN_SECONDS)
            else:
                time.sleep(EVERY)
            run.refresh_from_db()
            self.stdout.write(progress(run))
            self.stdout.flush()

    def _end(self, run: ScoringRun) -> None:
        if run.status == RunStatus.PAUSED:
            raise CommandError(f"Run {run.number} is paused: {run.reason}")
        if run.status == RunStatus.CANCELLED:
            raise CommandError(f"Run {run.number} was cancelled.")
        if run.errored:
            raise CommandError(f"{run.errored:,} of {run.planned:,} scores errored: see run {run.number}.")


def _primary(project: Project) -> list:
    found = [e for e in machine_evaluators(project) if e.metric.primary_evaluator == e.slug]
    if not found:
        raise RunProblem("No metric of the project has a primary evaluator.")
    return found


def _selection(project: Project, q: str, all_spans: bool) -> Selection:
    """Raises FilterError."""
    selection = matching(project, None, q, all_spans, timezone.now(), "UTC", ceiling_of())
    said = in_words(selection.search.node, UTC)
    return replace(selection, condition=f"where {said}" if said else "")
