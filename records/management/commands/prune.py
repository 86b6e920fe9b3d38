import time
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evalhub.models import Project
from records import retention
from records.retention import Due, Pruned

EVERY = 2.0  # seconds between two words of progress
UNCAPPED = 10**12


class Command(BaseCommand):
    help = "Deletes what projects keep no longer, as the sweeper does by itself, with progress."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", metavar="SLUG", help="Else all that do not keep everything for ever.")
        parser.add_argument("--dry-run", action="store_true", help="Only says what would go.")

    def handle(self, *args: object, project: str | None, dry_run: bool, **options: object) -> None:
        tenants = Project.objects.order_by("id")
        if project is not None:
            tenants = tenants.filter(slug=project)
            if not tenants:
                raise CommandError(f"There is no project {project!r}.")
        limited = [tenant for tenant in tenants if tenant.record_days or tenant.payload_days]
        if not limited:
            self.stdout.write("Everything is kept for ever: Settings, Retention says for how long instead.")
        for tenant in limited:
            found = self._due(tenant)
            if not dry_run:
                pruned = retention.prune(tenant, "manage.py prune", on_progress=self._telling(tenant, found))
                self.stdout.write(f"{tenant.slug}: deleted {_words(pruned.records, pruned.payloads)}.")

    def _due(self, tenant: Project) -> Due:
        found = retention.due(tenant, tenant.record_days, tenant.payload_days, timezone.now(), UNCAPPED)
        self.stdout.write(f"{tenant.slug}: {_words(found.records, found.payloads)} are past their days.")
        return found

    def _telling(self, tenant: Project, found: Due) -> retention.Progress:
        began = told = time.monotonic()

        def tell(pruned: Pruned) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told < EVERY:
                return
            told, gone = now, pruned.records + pruned.payloads
            of = f" of {found.records + found.payloads:,}" if None not in (found.records, found.payloads) else ""
            self.stdout.write(f"{tenant.slug}: {gone:,}{of}, {gone / (now - began):,.0f}/s")
            self.stdout.flush()

        return tell


def _words(records: int | None, payloads: int | None) -> str:
    said = [f"{n:,}" if n is not None else "uncounted" for n in (records, payloads)]
    return f"{said[0]} records, and {said[1]} payloads of others"
