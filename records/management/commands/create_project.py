from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from records.projects import open_project, owner_named


class Command(BaseCommand):
    help = "Creates a project with its default metrics and prints its slug."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="Lower-case letters, digits and hyphens; part of every URL of the project.")
        parser.add_argument("--name", default="", help="What people read; made from the slug when not given.")
        parser.add_argument("--admin", metavar="USER", help="An existing user who becomes the project's admin.")

    def handle(self, *args: object, slug: str, name: str, admin: str | None, **options: object) -> None:
        try:
            open_project(slug, name, owner_named(admin) if admin else None)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(slug)
