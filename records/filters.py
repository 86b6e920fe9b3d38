"""The only door from URL parameters to records: django-filter's form around the filter language. It fails closed."""

from datetime import datetime, tzinfo
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone

from evalhub.models import Project, User
from evalhub.zones import zone_of
from records.filterlang import (
    FilterError,
    Node,
    Remark,
    Vocabulary,
    compile_sql,
    in_words,
    names_scorers,
    parse,
    unknown_names,
)
from records.models import Metric, Record
from records.search import DEFAULT, Search, sorts_of
from records.vocabulary import vocabulary_of, with_scorers


class LanguageField(forms.CharField):
    """A filter of the language; cleans to its tree. `vocabulary`, `now` and `zone` are set by the form's owner."""

    vocabulary: Vocabulary
    now: datetime
    zone: tzinfo

    def clean(self, value: Any) -> Node:
        text = str(value or "").strip("\ufeff")
        try:
            node = parse(text, self.vocabulary)
            compile_sql(node, self.vocabulary, self.now, self.zone, text)
        except FilterError as error:
            raise ValidationError(error.message, code="filter", params={"error": error}) from None
        return node


class LanguageFilter(django_filters.Filter):
    field_class = LanguageField


class RecordFilters(django_filters.FilterSet):
    """What a list of records is narrowed and sorted by. Its `search` stands in for django-filter's queryset, which
    would be everything on a bad value: there is none before `is_valid()`."""

    q = LanguageFilter(required=False)
    spans = django_filters.ChoiceFilter(choices=[("all", "All spans")])
    sort = django_filters.ChoiceFilter()

    class Meta:
        model = Record
        fields: list[str] = []

    def __init__(self, data: QueryDict, project: Project, user: User) -> None:
        super().__init__(data, queryset=Record.objects.none())
        self.project, self.user = project, user
        self.now, self.zone = timezone.now(), zone_of(user, project)
        known = list(Metric.objects.filter(project=project))
        self.metrics = [metric for metric in known if metric.archived_at is None]
        self.vocabulary = vocabulary_of(project, user, known)
        self.form.fields["sort"].choices = [
            (f"{sign}{name}", name) for name in sorts_of(self.vocabulary) for sign in ("-", "")
        ]
        language = self.form.fields["q"]
        language.vocabulary, language.now, language.zone = self.vocabulary, self.now, self.zone

    @property
    def text(self) -> str:
        return self.data.get("q", "")

    @property
    def error(self) -> FilterError | None:
        """What is wrong with the filter, None where it can be read."""
        if self.is_valid():
            return None
        found = self.form.errors.as_data()
        params = found["q"][0].params if "q" in found else None
        if params:
            return params["error"]
        name = next(iter(found))
        return FilterError(f"{name}={self.data.get(name, '')[:60]} is not one of this list's choices", 0)

    @property
    def node(self) -> Node:
        return self.form.cleaned_data["q"]

    @property
    def remarks(self) -> list[Remark]:
        """Evaluators and rules of the filter that have scored nothing here: probably slips of the pen, but no error."""
        if not names_scorers(self.node):
            return []
        return unknown_names(self.node, with_scorers(self.vocabulary, self.project))

    @property
    def all_spans(self) -> bool:
        return self.data.get("spans") == "all"

    @property
    def order(self) -> str:
        return self.form.cleaned_data["sort"] or DEFAULT

    @property
    def search(self) -> Search:
        if not self.is_valid():
            raise ValueError("An invalid filter finds nothing: ask for `error` first.")
        return Search(
            self.project.id, self.node, self.vocabulary, self.now, self.zone, roots=not self.all_spans, sort=self.order
        )

    def words(self) -> str:
        """The filter as the end of a sentence: "where status is completed", in the reader's zone where it matters."""
        said = in_words(self.node, self.zone)
        return f"where {said}" if said else ""
