from evalhub.models import Membership, Project, User
from records.filterlang import MetricInfo, Vocabulary
from records.models import Metric


def vocabulary_of(project: Project, user: User | None = None) -> Vocabulary:
    """The names that a filter of this project may use: its metrics, archived ones too, and its people."""
    metrics = {
        metric.slug: MetricInfo(
            metric.id,
            metric.slug,
            metric.name,
            metric.value_type,
            tuple(choice["value"] for choice in metric.categorical_choices),
        )
        for metric in Metric.objects.filter(project=project)
    }
    people = dict(Membership.objects.filter(project=project).values_list("user__username", "user_id"))
    return Vocabulary(metrics, people, user.id if user else None)
