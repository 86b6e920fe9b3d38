from collections.abc import Iterable
from dataclasses import replace

from django.db import connection
from django.utils.functional import SimpleLazyObject

from evalhub.models import Membership, Project, User
from records.filterlang import MetricInfo, Vocabulary
from records.models import Metric


def vocabulary_of(project: Project, user: User | None = None, metrics: Iterable[Metric] | None = None) -> Vocabulary:
    """The names that a filter of this project may use: its metrics, archived ones too, and its people.

    `metrics` are all of the project's, where the caller has them; people are looked up once a filter names one.
    """
    known = {
        metric.slug: MetricInfo(
            metric.id,
            metric.slug,
            metric.name,
            metric.value_type,
            tuple(choice["value"] for choice in metric.categorical_choices),
        )
        for metric in (Metric.objects.filter(project=project) if metrics is None else metrics)
    }
    members = Membership.objects.filter(project=project)
    people = SimpleLazyObject(lambda: dict(members.values_list("user__username", "user_id")))
    return Vocabulary(known, people, user.id if user else None)


# A step through the index for each name: as many reads as there are names, whatever the number of scores.
NAMES = """
WITH RECURSIVE seen AS (
  (SELECT {0} AS name FROM score WHERE project_id = %(project)s AND {0} > '' ORDER BY {0} LIMIT 1)
  UNION ALL
  SELECT (SELECT {0} FROM score WHERE project_id = %(project)s AND {0} > seen.name ORDER BY {0} LIMIT 1)
  FROM seen WHERE seen.name IS NOT NULL
)
SELECT name FROM seen WHERE name IS NOT NULL LIMIT 1000
"""


def with_scorers(vocabulary: Vocabulary, project: Project) -> Vocabulary:
    """The same with the evaluators and the rules that have scored a record of the project, by the names scores bear."""
    names = []
    with connection.cursor() as cursor:
        for column in ("evaluator", "rule"):
            cursor.execute(NAMES.format(column), {"project": project.id})
            names.append(frozenset(name for (name,) in cursor.fetchall()))
    return replace(vocabulary, evaluators=names[0], rules=names[1])
