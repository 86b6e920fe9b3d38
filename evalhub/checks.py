"""What `manage.py check --deploy` looks at beyond Django's own checks."""

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register


@register(Tags.security, deploy=True)
def people_reach_it_safely(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[CheckMessage]:
    if settings.HTTPS:
        return []
    return [
        Warning(
            f"EVALHUB_URL is {settings.PUBLIC_URL}: passwords and API keys would travel in the clear.",
            hint="Set EVALHUB_URL to the https:// address that people and exporters use.",
            id="evalhub.W001",
        )
    ]
