"""A list of records under a name: a tab above the filter."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class SavedView(models.Model):
    """`query` is the list's query string: filter, spans, sort and columns. The default is where the page begins."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", help_text="A shared view outlives them."
    )
    name = models.CharField(max_length=60)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False, help_text="With everybody in the project.")
    is_default = models.BooleanField(default=False, help_text="Where the project's Records page begins.")

    class Meta:
        db_table = "saved_view"
        ordering = ["-is_default", "id"]
        constraints = [
            models.UniqueConstraint("project", Lower("name"), condition=Q(shared=True), name="saved_view_shared_name"),
            models.UniqueConstraint(
                "project", "owner", Lower("name"), condition=Q(shared=False), name="saved_view_own_name"
            ),
            models.UniqueConstraint(fields=["project"], condition=Q(is_default=True), name="saved_view_one_default"),
            models.CheckConstraint(condition=Q(is_default=False) | Q(shared=True), name="saved_view_default_is_shared"),
        ]

    def __str__(self) -> str:
        return self.name
