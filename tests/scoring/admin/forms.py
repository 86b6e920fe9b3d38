"""What a browser would send: the admin's forms as plain dicts, and who sends them."""

from evalhub.models import Project, Role, User
from tests import factories

SNIPPET = "def evaluate(output):\n    return len(output) < 9\n"
ADD = "/admin/scoring/evaluator/add/"


def staff(project: Project, role: Role = Role.EDITOR) -> User:
    person = factories.member(project, role)
    person.is_staff = True
    person.save()
    return person


def code(project: Project, metric, /, **change: object) -> dict[str, object]:
    sent = {
        "project": project.pk, "name": "Short", "slug": "short", "description": "", "type": "code",
        "metric": metric and metric.pk, "builtin": "", "eval_code_snippet": SNIPPET, "timeout": "1", "extra": "{}",
        "samples": "1", "reviewers": "1", "note": "", "b_json_schema_schema": "{}",
    } | change  # fmt: skip
    return {name: value for name, value in sent.items() if value is not None}


def judge(project: Project, metric, provider, /, **change: object) -> dict[str, object]:
    sent = {
        "type": "llm", "slug": "polite", "name": "Polite", "provider": provider.pk, "model": "m1",
        "evaluator_definition": "Is this polite?\r\n{{ output }}", "rubric": "true: yes", "combine": "majority",
        "call_timeout": "60",
    }  # fmt: skip
    return code(project, metric, **sent | change)


def errors(answer) -> dict[str, list[str]]:
    assert answer.status_code == 200, answer.status_code
    return answer.context["adminform"].form.errors
