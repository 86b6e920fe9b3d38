from evalhub.models import AuditEvent, Project


def note(project: Project | None, actor: object, action: str, target: object = "", **detail: object) -> None:
    """Adds a line to the audit trail, in the caller's transaction: what is rolled back leaves no line."""
    AuditEvent.objects.create(project=project, actor=str(actor), action=action, target=str(target)[:200], detail=detail)
