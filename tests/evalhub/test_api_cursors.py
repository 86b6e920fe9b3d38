"""A list is read page by page while others write: what was there is met once, whatever comes or goes in between."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from evalhub.models import Role
from scoring.models import ReviewRequest
from scoring.reviews.planning import tend
from tests import factories
from tests.records.api.calls import call, key
from tests.scoring.reviews.asked import by_people
from tests.scoring.running import exact

PROMPT = {"messages": [{"role": "user", "content": "Hello"}]}


@dataclass
class Listed:
    """A call that has pages: what adds to its list, and what takes the item at which a page ended out of it."""

    known_by: str
    more: Callable[[str, int], Any]
    gone: Callable[[str, str], Any] | None = None
    query: str = ""


def post(k: str, path: str, body: Any) -> Any:
    answer = call(k, "POST", path, body)
    assert answer.status < 300, (path, answer.body)
    return answer.body


def delete(k: str, path: str) -> None:
    assert call(k, "DELETE", path).status < 300, path


def begin(k: str, n: int) -> None:
    slug = post(k, "/experiments", {"name": f"Try {n}", "type": "custom", "dataset": "cases"})["experiment"]["slug"]
    post(k, f"/experiments/{slug}/cancel", None)


def disagree(k: str, n: int) -> None:
    """Two people answer one record differently. Those of n 0 to 4 are asked in one request, later ones in others."""
    for name, says in (("anna", True), ("ben", False)):
        post(k, "/review-requests/1/answers", {"reviewer": name, "record": f"judged-{n}", "boolean_value": says})


LISTS = {
    "/records": Listed(
        "id", lambda k, n: post(k, "/records", {"id": f"r{n}"}), lambda k, id: delete(k, f"/records/{id}"), "q=name:''"
    ),
    "/records/{id}/scores": Listed(
        "id",
        lambda k, n: post(k, "/records/scored/scores", {"metric": "solved", "boolean_value": True, "id": f"s{n}"}),
        lambda k, id: delete(k, f"/scores/{id}"),
    ),
    "/scoring-runs": Listed(
        "number", lambda k, n: post(k, "/scoring-runs", {"ids": ["scored"], "evaluators": ["exact"]})
    ),
    "/review-requests": Listed(
        "number", lambda k, n: post(k, "/review-requests", {"ids": ["scored"], "evaluator": "careful"})
    ),
    "/review-requests/{number}/disagreements": Listed(
        "record", disagree,
        lambda k, id: post(k, "/review-requests/1/final-scores", {"record": id, "boolean_value": True}),
    ),
    "/datasets": Listed(
        "slug", lambda k, n: post(k, "/datasets", {"name": f"D {n}"}), lambda k, slug: delete(k, f"/datasets/{slug}")
    ),
    "/datasets/{slug}/revisions": Listed(
        "number", lambda k, n: post(k, "/datasets/cases/items", {"id": "x", "inputs": {"n": n}})
    ),
    "/datasets/{slug}/items": Listed(
        "id", lambda k, n: post(k, "/datasets/cases/items", {"id": f"i{n}", "inputs": {"n": n}}),
        lambda k, id: delete(k, f"/datasets/cases/items/{id}"),
    ),
    "/prompts": Listed(
        "slug", lambda k, n: post(k, "/prompts", PROMPT | {"name": f"P {n}"}),
        lambda k, slug: delete(k, f"/prompts/{slug}"),
    ),
    "/experiments": Listed("slug", begin, lambda k, slug: delete(k, f"/experiments/{slug}")),
    "/experiments/{slug}/records": Listed("case_id", lambda k, n: None),
}  # fmt: skip
ADDRESSES = {
    "/records/{id}/scores": "/records/scored/scores", "/datasets/{slug}/items": "/datasets/cases/items",
    "/review-requests/{number}/disagreements": "/review-requests/1/disagreements",
    "/datasets/{slug}/revisions": "/datasets/cases/revisions",
    "/experiments/{slug}/records": "/experiments/run/records",
}  # fmt: skip


def test_every_call_with_a_cursor_is_tried_here():
    paths = Client().get("/api/openapi.json").json()["paths"]
    paged = {
        path.removeprefix("/api/v1")
        for path, methods in paths.items()
        if "cursor" in {parameter["name"] for parameter in methods.get("get", {}).get("parameters", [])}
    }
    assert paged == set(LISTS)


@pytest.fixture
def k(project):
    plain = key(project)
    exact(project)
    by_people(project, reviewers=2)
    for name in ("anna", "ben"):
        factories.member(project, Role.REVIEWER, name)
    judged = [f"judged-{n}" for n in range(9)]
    post(plain, "/records", [{"id": id, "name": "one"} for id in ("scored", *judged)])
    post(plain, "/review-requests", {"ids": judged, "evaluator": "careful"})
    tend(ReviewRequest.objects.get(project=project).pk)
    cases = [{"id": f"case-{n}", "inputs": {"n": n}} for n in range(6)]
    post(plain, "/datasets", {"name": "Cases", "slug": "cases", "items": cases})
    post(plain, "/experiments", {"name": "Run", "type": "custom", "dataset": "cases"})
    return plain


@pytest.mark.django_db
@pytest.mark.parametrize("path", LISTS)
def test_what_was_there_is_met_once_while_others_add_and_delete(k, path):
    listed, address = LISTS[path], ADDRESSES.get(path, path)
    for n in range(5):
        listed.more(k, n)

    def page(cursor: str = "", limit: int = 2) -> dict[str, Any]:
        answer = call(k, "GET", f"{address}?{listed.query}&limit={limit}&cursor={cursor}")
        assert answer.status == 200, answer.body
        return answer.body

    names = [item[listed.known_by] for item in page(limit=200)["items"]]
    assert len(names) >= 5 and len(set(names)) == len(names)
    met, cursor, n = [], "", 5
    while cursor is not None:
        body = page(cursor)
        met += [item[listed.known_by] for item in body["items"]]
        cursor = body["next_cursor"]
        if n < 8:
            listed.more(k, n)
            if listed.gone and cursor:
                listed.gone(k, met[-1])  # the very item at which the page ended
            n += 1
    assert len(met) == len(set(met)), "nothing twice"
    assert [name for name in met if name in names] == names, "and all that was there, in its order"
    for broken in ("nonsense", "%00", "W10", "WyJ4IiwieSIsInoiXQ", "9" * 400, "WzllOTk5XQ"):
        answer = call(k, "GET", f"{address}?cursor={broken}")
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor"), (broken, answer.body)
