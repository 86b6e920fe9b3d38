from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "scoring"

    def ready(self) -> None:
        from records.signals import records_ingested
        from scoring.rules import ringing

        records_ingested.connect(ringing.heard, dispatch_uid="online scoring")
