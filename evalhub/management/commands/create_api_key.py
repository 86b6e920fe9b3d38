from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evalhub import apikeys
from evalhub.models import ApiKey, Project, Scope

LONGEST = 3650  # days


class Command(BaseCommand):
    help = "Makes an API key of a project and prints it, alone, on standard output: it cannot be read again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="Who or what will use it; once per project.")
        parser.add_argument("--scopes", default="ingest", help=f"Comma-separated: {', '.join(Scope.values)}.")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="Never, when not given.")

    def handle(
        self, *args: object, project: str, name: str, scopes: str, expires: int | None, **options: object
    ) -> None:
        tenant = Project.objects.filter(slug=project).first()
        if tenant is None:
            raise CommandError(f"There is no project {project!r}.")
        if expires is not None and not 1 <= expires <= LONGEST:
            raise CommandError(f"--expires is a number of days from 1 to {LONGEST}.")
        name = name.strip()
        if not 1 <= len(name) <= 80:
            raise CommandError("--name must have 1 to 80 characters.")
        if ApiKey.objects.filter(project=tenant, name=name).exists():
            raise CommandError(f"{project} has, or had, a key named {name!r}.")
        ends = timezone.now() + timedelta(days=expires) if expires else None
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
        try:
            _, plain = apikeys.create(tenant, name, wanted, expires_at=ends)
        except ValueError as problem:
            raise CommandError(str(problem)) from problem
        self.stdout.write(plain)
