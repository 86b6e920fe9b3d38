"""The project's one signal: a doorbell that says new records have come. What they are stands in the outbox."""

from django.dispatch import Signal

records_ingested = Signal()  # project_id: int; sent after the commit of what may be new to online scoring
