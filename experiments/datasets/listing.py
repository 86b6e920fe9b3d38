"""The items of a revision: a page of them by keyset, in the order in which they were put in."""

from dataclasses import dataclass

from django.core.exceptions import BadRequest
from django.db.models import QuerySet
from django.http import Http404

from experiments.datasets.grams import grams
from experiments.models import Dataset, DatasetItem, DatasetRevision

PAGE = 50
COUNTED = 10_000  # behind a filter no further is counted


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """`text` is looked for in all words of an item, as it is written; an empty `split` or `tag` is any."""

    text: str = ""
    split: str = ""
    tag: str = ""

    def __bool__(self) -> bool:
        return bool(self.text or self.split or self.tag)

    def of(self, dataset: Dataset, items: QuerySet[DatasetItem]) -> QuerySet[DatasetItem]:
        if "\0" in self.text + self.split + self.tag:  # which no item can hold, and PostgreSQL does not take
            return items.none()
        if self.text:
            text = self.text.lower()
            if parts := grams(dataset.pk, text):  # by the index; what is shorter is in most items
                items = items.filter(grams__contains=parts)
            items = items.filter(search_text__contains=text)
        if self.split:
            items = items.filter(split=self.split)
        return items.filter(tags__contains=[self.tag]) if self.tag else items


def items_of(dataset: Dataset, revision: int | None = None, asked: ItemFilter | None = None) -> QuerySet[DatasetItem]:
    """In their order, those asked for: the items as they are now, or as they are in a revision whatever is changed
    meanwhile, which is what anything that reads on after its first query needs."""
    items = DatasetItem.objects.filter(project_id=dataset.project_id, dataset=dataset).order_by("position")
    items = items.filter(last_revision=None) if revision is None else items.alive_in(revision)
    return asked.of(dataset, items) if asked else items


def revision_of(dataset: Dataset, number: int | None) -> DatasetRevision | None:
    """None for a dataset into which nothing was put yet. Raises Http404."""
    number = dataset.revision if number is None else number
    if number == 0 == dataset.revision:
        return None
    found = dataset.revisions.filter(project_id=dataset.project_id, number=number).first() if number < 2**31 else None
    if found is None:
        raise Http404(f"{dataset.slug} has no revision {number}.")
    return found


def page(items: QuerySet[DatasetItem], after: str, size: int = PAGE) -> tuple[list[DatasetItem], str]:
    """The `size` items after the cursor, and the cursor of the next page, empty when there is none. Raises
    BadRequest for a cursor that no page has given out."""
    if after:
        if not (after.isascii() and after.isdecimal() and len(after) < 19):
            raise BadRequest("This page's address was cut off or changed; start again from the first page.")
        items = items.filter(position__gt=int(after))
    found = list(items.order_by("position")[: size + 1])
    return found[:size], str(found[size - 1].position) if len(found) > size else ""


def count(items: QuerySet[DatasetItem]) -> tuple[int, bool]:
    """(how many, whether that is all of them); COUNTED at the most."""
    n = items.order_by()[: COUNTED + 1].count()
    return min(n, COUNTED), n <= COUNTED
