"""Time zones: whose clock a page shows, and which there are to choose from."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from evalhub.models import Project, User


@cache
def names() -> list[str]:
    """Every zone a person may choose, UTC first; the old abbreviations and the legal variants are left out."""
    return ["UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES))]


def zone_of(user: User, project: Project | None = None) -> ZoneInfo:
    """The user's own zone, else the project's; a name that this machine no longer knows falls back to UTC."""
    name = user.time_zone or (project.time_zone if project else "UTC")
    return ZoneInfo(name if name in available() else "UTC")


@cache
def available() -> frozenset[str]:
    return frozenset(available_timezones())


_NOT_PLACES = ("Etc/", "posix/", "right/", "SystemV/", "US/")
