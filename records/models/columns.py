"""Column shorthands for tables written by COPY and INSERT ... SELECT: every default stands in the database too."""

from django.db import models


def text() -> models.TextField:
    return models.TextField(default="", db_default="", blank=True)


def small(**options: object) -> models.SmallIntegerField:
    return models.SmallIntegerField(**options)


def count() -> models.IntegerField:
    return models.IntegerField(null=True)


def money(max_digits: int = 16) -> models.DecimalField:
    """USD; numeric, since sums of doubles drift with every delta."""
    return models.DecimalField(max_digits=max_digits, decimal_places=8, null=True)


def project() -> models.ForeignKey:
    """First column of every key of the hot tables, which is what distributes them; no index of its own."""
    return models.ForeignKey("evalhub.Project", models.CASCADE, db_index=False, db_constraint=False, related_name="+")


class StoredColumn(models.GeneratedField):
    """A stored generated column, which every supported PostgreSQL has: `check` need not connect to one to ask."""

    def _check_supported(self, databases: object) -> list:
        return []
