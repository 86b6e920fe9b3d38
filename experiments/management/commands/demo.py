import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project
from experiments.demo import docs_qa, helpdesk, setups, sql_writer
from experiments.demo.experimenting import try_out
from experiments.demo.filling import fill
from experiments.demo.projects import ACTOR, FILLED, begin, is_filled, is_ours, remove
from experiments.demo.rescoring import rescore
from experiments.demo.reviewing import review
from experiments.demo.ruling import make_rules
from experiments.demo.stories import DemoProject, Plan
from experiments.demo.watching import watch

DEMOS: dict[str, DemoProject] = {demo.SLUG: demo for demo in (helpdesk, docs_qa, sql_writer)}
LOCK = 0x64656D6F  # "demo": two at a time would each take the other's half for an interrupted one


class Command(BaseCommand):
    help = (
        "Makes demo projects with believable records, scores and people, from a seed. Projects that are there already "
        "stay as they are; --reset makes them anew, and touches only projects that this command made."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--records", type=_number, default=3_000, help="Executions in the largest project (default 3,000)."
        )
        parser.add_argument("--seed", type=int, default=7, help="The same seed and --now make the same projects.")
        parser.add_argument(
            "--project", action="append", choices=sorted(DEMOS), dest="projects", help="Only this one; may be repeated."
        )
        parser.add_argument("--reset", action="store_true", help="Delete the demo projects first, and make them anew.")
        parser.add_argument("--now", type=_moment, help="When the 30 days end, such as 2026-11-24T12:00:00Z.")

    def handle(
        self, *args: object, records: int, seed: int, projects: list[str] | None, reset: bool, now: datetime | None,
        verbosity: int, **options: object,
    ) -> None:  # fmt: skip
        plan = Plan(records, seed, now or timezone.now())
        if plan.now > timezone.now():
            raise CommandError("--now lies in the future: records are dated by when they happened.")
        self.quiet = verbosity == 0
        with _alone():
            demos = [DEMOS[slug] for slug in dict.fromkeys(projects or DEMOS)]
            there = {project.slug: project for project in Project.objects.filter(slug__in=[d.SLUG for d in demos])}
            foreign = [slug for slug, project in there.items() if not is_ours(project)]
            if reset and foreign:
                raise CommandError(f"This command did not make {', '.join(sorted(foreign))}: nothing was deleted.")
            for demo in demos:
                if demo.SLUG in foreign:
                    self._say(f"{demo.SLUG}: a project of that name is there, made by somebody else. Left alone.")
                else:
                    self._make(demo, plan, there.get(demo.SLUG), reset)

    def _make(self, demo: DemoProject, plan: Plan, project: Project | None, reset: bool) -> None:
        if project is not None:
            if is_filled(project) and not reset:
                self._say(f"{demo.SLUG}: already there, nothing changed (--reset makes it anew).")
                return
            self._say(f"{demo.SLUG}: {'deleted' if reset else 'was left half made, deleted'}.")
            remove(project)
        started = time.monotonic()
        project = begin(demo, plan)
        versions = setups.make(project, demo.EVALUATORS, plan)
        filled = fill(project, demo.stories(plan), plan.now, versions)
        filled.scores += sum(review(project, asked, plan) for asked in demo.REVIEWS)
        if demo.RESCORED:
            filled.scores += rescore(project, demo.RESCORED)
        if demo.TRIALS:
            made = try_out(project, demo.TRIALS, plan)
            filled.records, filled.spans = filled.records + made, filled.spans + made
        watch(project, demo.WATCH, plan)
        filled.scores += make_rules(project, demo.RULES, plan)
        audit.note(project, ACTOR, FILLED, demo.SLUG, records=filled.records, spans=filled.spans, scores=filled.scores)
        self._say(
            f"{demo.SLUG}: {filled.records:,} records ({filled.spans:,} with their spans) and {filled.scores:,} scores "
            f"in {time.monotonic() - started:.1f} s."
        )

    def _say(self, text: str) -> None:
        if not self.quiet:
            self.stdout.write(text)


@contextmanager
def _alone() -> Iterator[None]:
    """One demo command at a time; a killed one lets go with its connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise CommandError("Another demo command is at work.")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _number(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if not 1 <= number <= 5_000_000:
        raise ArgumentTypeError("a number from 1 to 5,000,000")
    return number


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a time such as 2026-11-24T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
