from django.apps import AppConfig
from django_rq.apps import DjangoRqAdminConfig


class QueuesConfig(DjangoRqAdminConfig):
    verbose_name = "Queues"


class EvalHubConfig(AppConfig):
    name = "evalhub"
    verbose_name = "EvalHub"

    def ready(self) -> None:
        from evalhub import checks  # noqa: F401 registers them
