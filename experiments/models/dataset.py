"""Datasets: test cases in revisions. A change never overwrites an item: it ends one row and begins another, so that
what an experiment ran on can be listed for ever."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from evalhub.models import SLUG


class Dataset(models.Model):
    """Written by `experiments.datasets` alone. `revision` is the newest one, 0 while nothing was ever put in."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    slug = models.CharField(max_length=63, validators=[SLUG], help_text="Its name in addresses and in the API; stays.")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    inputs_schema = models.JSONField(
        null=True, blank=True, help_text="JSON Schema that every item's inputs must keep to; empty: any inputs."
    )
    revision = models.PositiveIntegerField(default=0, editable=False)
    size = models.PositiveIntegerField(default=0, editable=False, help_text="Items of the newest revision.")
    next_position = models.BigIntegerField(default=1, editable=False, help_text="Of the next new item.")
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "dataset"
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="dataset_slug_once")]
        indexes = [models.Index(fields=["project", "-changed_at", "-id"], name="dataset_newest_first")]
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class DatasetRevision(models.Model):
    """What one change did; `size` items were alive after it."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    words = models.CharField(max_length=500, help_text="Where the change came from, such as a file's name.")
    added = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    size = models.PositiveIntegerField()
    splits = models.JSONField(default=dict, help_text="How many items each split has.")
    tags = models.JSONField(default=dict, help_text="How many items each tag has.")
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        db_table = "dataset_revision"
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="dataset_revision_once")]
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"{self.dataset.slug} r{self.number}"


SEARCHED = ("search_text", "grams")  # for searches alone: no reader of an item needs them


class ItemQuerySet(models.QuerySet["DatasetItem"]):
    def alive_in(self, revision: int) -> "ItemQuerySet":
        return self.filter(Q(last_revision=None) | Q(last_revision__gte=revision), first_revision__lte=revision)


class ItemManager(models.Manager.from_queryset(ItemQuerySet)):
    def get_queryset(self) -> ItemQuerySet:
        return super().get_queryset().defer(*SEARCHED)


class DatasetItem(models.Model):
    """One case as it was from `first_revision` to `last_revision`, both included; no last one: it is alive.

    `inputs` is an object, or an array of messages. A case keeps its id and its position whatever is changed in it.
    """

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="+")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="items")
    case_id = models.CharField(max_length=200, help_text="The same case in every revision and experiment.")
    position = models.BigIntegerField()
    inputs = models.JSONField()
    expected = models.JSONField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.TextField(), default=list, blank=True)
    split = models.CharField(max_length=40, blank=True, help_text="Such as train or test.")
    search_text = models.TextField(help_text="What a search reads: the words of all above, in lower case.")
    grams = ArrayField(
        models.IntegerField(), default=list, editable=False,
        help_text="Three-letter parts of the words of search_text, as numbers.",
    )  # fmt: skip
    first_revision = models.PositiveIntegerField()
    last_revision = models.PositiveIntegerField(null=True)
    created_by = models.CharField(max_length=160, help_text="User name, or key and the key's name.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ItemManager()

    class Meta:
        db_table = "dataset_item"
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "case_id"], condition=Q(last_revision=None), name="dataset_item_alive_once"
            ),
            models.UniqueConstraint(fields=["dataset", "case_id", "first_revision"], name="dataset_item_revision_once"),
            models.CheckConstraint(
                condition=Q(last_revision=None) | Q(last_revision__gte=F("first_revision")), name="dataset_item_lives"
            ),
        ]
        indexes = [
            # A page of the newest revision; and one of an old revision, which passes over the rows of other ones.
            models.Index(fields=["dataset", "position"], condition=Q(last_revision=None), name="dataset_item_alive"),
            models.Index(fields=["dataset", "position", "first_revision"], name="dataset_item_in_order"),
            # What one revision changed.
            models.Index(fields=["dataset", "first_revision"], name="dataset_item_begun"),
            models.Index(fields=["dataset", "last_revision"], name="dataset_item_ended"),
            # Where a text may stand.
            GinIndex(fields=["grams"], name="dataset_item_grams"),
        ]

    def __str__(self) -> str:
        return self.case_id
