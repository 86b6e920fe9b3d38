"""What is to be delivered, written in the transaction of the change that it tells of."""

from urllib.parse import urlsplit

from scoring.models import Alert, AlertDelivery, AlertEvent, Channel


def tell(alert: Alert, event: AlertEvent) -> list[AlertDelivery]:
    """One message an address, where the change is one that people want to hear of: it fires, or it is over."""
    if not event.is_told:
        return []
    return AlertDelivery.objects.bulk_create(
        AlertDelivery(project_id=alert.project_id, alert=alert, event=event, channel=channel, target=target)
        for channel, target in addresses(alert)
    )


def addresses(alert: Alert) -> list[tuple[Channel, str]]:
    webhook = [(Channel.WEBHOOK, alert.webhook)] if alert.webhook else []
    return webhook + [(Channel.EMAIL, email) for email in alert.emails]


def masked(target: str) -> str:
    """An address for everybody's eyes: of a webhook the host alone, since the rest often is a key."""
    parts = urlsplit(target)
    return f"{parts.scheme}://{parts.netloc}/…" if parts.netloc and (parts.path.strip("/") or parts.query) else target
