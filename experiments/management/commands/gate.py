import sys
import time
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from evalhub.health import workers_of
from evalhub.models import Project
from experiments.gate.conditions import HELP, BadCondition, conditions
from experiments.gate.judging import MISSING, judge
from experiments.gate.junit import junit_xml
from experiments.gate.outcomes import COULD_NOT_RUN, EXIT_CODES, NotReady
from experiments.models import WAITING, Experiment, Gate
from scoring.runs.ringing import WORK_QUEUE

LONGEST_WAIT = 3600  # seconds, unless said otherwise
EVERY = 2.0
BY = "gate"


class Command(BaseCommand):
    help = (
        "Compares an experiment with its baseline under stated conditions and stores the outcome. Exit code 0: passes, "
        "1: fails, 2: cannot be told, 3: could not be judged (a mistake in the call, an error, not over yet)."
    )
    exit_code = COULD_NOT_RUN

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", help="Needed where several projects have such an experiment.")
        parser.add_argument("--experiment", required=True, metavar="SLUG")
        parser.add_argument("--baseline", metavar="SLUG", help="The experiment's own one, unless said.")
        parser.add_argument(
            "--metric", required=True, action="append", dest="metrics", metavar="CONDITION",
            help=f"{HELP.replace('%', '%%')} May be given several times.",
        )  # fmt: skip
        parser.add_argument(
            "--missing", choices=MISSING, default="fail",
            help="Cases in one of the two only, or without a value on a side: fail (as usual), or ignore them.",
        )  # fmt: skip
        parser.add_argument(
            "--together", default="", metavar="KEY",
            help="Cases that belong together count as one: by split, thread or metadata.<key>.",
        )  # fmt: skip
        parser.add_argument("--junit", metavar="FILE", type=Path, help="Write the outcome there too, for a CI system.")
        parser.add_argument(
            "--wait", nargs="?", type=int, const=LONGEST_WAIT, metavar="SECONDS",
            help=f"Wait until both are over, at most so long (as usual {LONGEST_WAIT}).",
        )  # fmt: skip

    def run_from_argv(self, argv: list[str]) -> None:
        """Whatever is refused on the way is 3: argparse's own 2 and Django's 1 would mean something else here. What
        raises is 3 too, by manage.py."""
        try:
            super().run_from_argv(argv)
        except SystemExit as end:
            if not end.code:  # --help, --version
                raise
        sys.exit(self.exit_code)

    def handle(
        self, *args: object, project: str | None, experiment: str, baseline: str | None, metrics: list[str],
        missing: str, together: str, junit: Path | None, wait: int | None, **options: object,
    ) -> None:  # fmt: skip
        self.exit_code = COULD_NOT_RUN
        try:
            conditions(metrics)
            candidate = _found(project, experiment)
            against = _baseline(candidate, baseline)
            if wait is not None:
                until = time.monotonic() + wait
                for one in (against, candidate):
                    self._wait(one, until)
            gate = judge(candidate, against, metrics, BY, missing=missing, together=together)
        except (BadCondition, NotReady) as problem:
            raise CommandError(str(problem)) from problem
        self._say(gate)
        if junit:
            self._write(gate, junit)
        self.exit_code = EXIT_CODES[gate.outcome]

    def _wait(self, experiment: Experiment, until: float) -> None:
        said = ""
        while not experiment.is_over:
            rows = dict(experiment.rows.values_list("state").annotate(n=Count("id")).order_by())
            done = sum(n for state, n in rows.items() if state not in WAITING)
            line = f"{experiment.slug}: {done:,} of {sum(rows.values()):,} rows have their output"
            if not workers_of(WORK_QUEUE):
                line += "; no worker is running: start one with `manage.py up`"
            if experiment.reason:
                raise CommandError(f"{experiment.slug} is paused: {experiment.reason}")
            if line != said:
                self.stdout.write(line)
                self.stdout.flush()
            said = line
            if time.monotonic() > until:
                raise CommandError(f"{experiment.slug} is not over yet; --wait took as long as it may.")
            time.sleep(EVERY)
            experiment.refresh_from_db()

    def _say(self, gate: Gate) -> None:
        together = f", cases together by {gate.together}" if gate.together else ""
        self.stdout.write(f"{gate.experiment.slug} against {gate.baseline_slug} (gate {gate.pk}){together}:")
        for check in gate.checks:
            self.stdout.write(f"  {check['outcome']:<12}  {check['asked']}: {check['words']}")
        for warning in gate.warnings:
            self.stdout.write(f"  beware: {warning}")
        self.stdout.write(f"The gate {gate.get_outcome_display()}.")

    def _write(self, gate: Gate, path: Path) -> None:
        try:
            path.write_bytes(junit_xml(gate))
        except OSError as problem:
            raise CommandError(f"{path}: {problem.strerror}. The outcome was {gate.outcome}.") from problem


def _found(project: str | None, slug: str) -> Experiment:
    there = Experiment.objects.filter(slug=slug).select_related("dataset", "baseline__dataset", "project")
    if project:
        if not Project.objects.filter(slug=project).exists():
            raise CommandError(f"There is no project {project!r}.")
        there = there.filter(project__slug=project)
    found = list(there[:10])
    if not found:
        raise CommandError(f"There is no experiment {slug!r}{f' in {project}' if project else ''}.")
    if len(found) > 1:
        names = ", ".join(one.project.slug for one in found)
        raise CommandError(f"Several projects have an experiment {slug!r}: say --project, one of {names}.")
    return found[0]


def _baseline(candidate: Experiment, slug: str | None) -> Experiment:
    if slug is None:
        if candidate.baseline is None:
            raise CommandError(f"{candidate.slug} has no baseline of its own: say --baseline.")
        return candidate.baseline
    found = Experiment.objects.filter(project=candidate.project, slug=slug).select_related("dataset").first()
    if found is None:
        raise CommandError(f"There is no experiment {slug!r} in {candidate.project.slug}.")
    return found
