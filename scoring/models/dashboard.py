"""A monitor under a name: its range, filter, grouping and charts."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class Dashboard(models.Model):
    """`query` is the Monitor page's query string. Its fields are those of records.models.SavedView."""

    is_default = False  # the page begins with none

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+",
        help_text="A shared dashboard outlives them.",
    )  # fmt: skip
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False, help_text="With everybody in the project.")

    class Meta:
        db_table = "dashboard"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), condition=Q(shared=True), name="dashboard_shared_name"),
            models.UniqueConstraint(
                "project", "owner", Lower("name"), condition=Q(shared=False), name="dashboard_own_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name
