"""How somebody has arranged the records table of a project."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

ROWS = (50, 100, 200)
NARROWEST, WIDEST = 40, 1200  # pixels of a column


class Density(models.TextChoices):
    DENSE = "dense"
    NORMAL = "normal"
    ROOMY = "roomy"


class ColumnLayout(models.Model):
    """`columns` are keys of `records.columns`, in their order; none: the columns of whoever has chosen nothing."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    columns = ArrayField(models.TextField(), default=list)
    rows = models.SmallIntegerField(default=ROWS[0], help_text="A page of the list.")
    density = models.CharField(max_length=10, choices=Density, default=Density.NORMAL)
    wrap = models.BooleanField(default=False, help_text="Cells take more than one line.")
    widths = models.JSONField(
        default=dict, help_text="Pixels by column key, of columns that were made wider or narrower."
    )

    class Meta:
        db_table = "column_layout"
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="column_layout_once"),
            models.CheckConstraint(condition=Q(rows__in=ROWS), name="column_layout_rows"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}"
