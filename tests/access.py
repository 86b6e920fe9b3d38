"""Who may do what, as a table: each page of a project, each method, and the weakest role that may use it.

A URL under /p/<slug>/ that is missing here fails tests/evalhub/test_access_matrix.py. Give new ones an entry.
"""

from evalhub.models import Role

VIEWER, REVIEWER, EDITOR, ADMIN = Role

PAGES: dict[str, dict[str, Role]] = {
    "project-settings": {"GET": ADMIN, "POST": ADMIN},
    "project-members": {"GET": ADMIN, "POST": ADMIN},
    "project-member-role": {"POST": ADMIN},
    "project-member-remove": {"POST": ADMIN},
    "project-keys": {"GET": ADMIN, "POST": ADMIN},
    "project-key-revoke": {"POST": ADMIN},
    "project-audit": {"GET": ADMIN},
    "records:list": {"GET": VIEWER},
    "records:count": {"GET": VIEWER},
    "records:filter-help": {"GET": VIEWER},
    "records:complete": {"GET": VIEWER},
    "records:facet": {"GET": VIEWER},
    "records:between": {"GET": VIEWER},
    "records:history": {"GET": VIEWER},
    "records:within": {"GET": VIEWER},
    "records:news": {"GET": VIEWER},
    "records:pending": {"POST": VIEWER},
    "records:layout": {"GET": VIEWER, "POST": VIEWER},
    "records:arrived": {"GET": VIEWER},
    "records:pulse": {"GET": VIEWER},
    "records:layout-widths": {"POST": VIEWER},
    "records:layout-json": {"GET": VIEWER},
    "records:view-new": {"GET": VIEWER, "POST": VIEWER},
    "records:view": {"GET": VIEWER, "POST": VIEWER},
    "records:view-delete": {"POST": VIEWER},
    "records:bulk-tag": {"GET": REVIEWER, "POST": REVIEWER},
    "records:bulk-delete": {"GET": ADMIN, "POST": ADMIN},
    "records:export": {"POST": VIEWER},
    "records:bulk-jobs": {"GET": VIEWER},
    "records:bulk-job": {"GET": VIEWER},
    "records:bulk-cancel": {"POST": REVIEWER},
    "records:bulk-dismiss": {"POST": REVIEWER},
    "records:detail": {"GET": VIEWER},
    "records:cell-filters": {"GET": VIEWER},
    "records:next": {"GET": VIEWER},
    "records:previous": {"GET": VIEWER},
    "records:spans": {"GET": VIEWER},
    "records:span": {"GET": VIEWER},
    "records:part": {"GET": VIEWER},
    "records:raw": {"GET": VIEWER},
    "records:scores": {"POST": REVIEWER},
    "records:score": {"GET": VIEWER},
    "records:blob": {"GET": VIEWER},
    "scoring:rescore": {"GET": REVIEWER, "POST": REVIEWER},
    "scoring:rescore-ticks": {"GET": REVIEWER},
    "scoring:rescore-estimate": {"POST": REVIEWER},
    "scoring:runs": {"GET": VIEWER},
    "scoring:run": {"GET": VIEWER},
    "scoring:run-progress": {"GET": VIEWER},
    "scoring:run-flips": {"GET": VIEWER},
    "scoring:run-errors": {"GET": VIEWER},
    "scoring:run-cancel": {"POST": REVIEWER},
    "scoring:run-resume": {"POST": REVIEWER},
    "scoring:run-retry": {"POST": REVIEWER},
    "scoring:evaluators": {"GET": VIEWER},
    "scoring:evaluator": {"GET": VIEWER},
    "scoring:evaluator-numbers": {"GET": VIEWER},
    "scoring:evaluator-people": {"GET": VIEWER},
    "scoring:evaluator-flips": {"GET": VIEWER},
}

# Outside the projects everything asks for a session but these: names, or whole namespaces with a colon at the end.
# The API asks for a key instead.
PUBLIC = {"sign-in", "admin:login", "api:", "records:traces", "healthz", "readyz"}
