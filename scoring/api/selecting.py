"""Which records a call is about: by a filter, or by ids."""

from typing import Literal
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone
from pydantic import Field

from evalhub.api import Problem
from records.api.finding import found_record
from records.api.schemas import Strict
from records.search import ceiling_of
from records.selection import MOST_TICKED, Selection, matching


class SelectionIn(Strict):
    """`q`, or `ids`."""

    q: str | None = Field(None, description='A filter, as on the Records page; "" for all records.')
    ids: list[str] | None = Field(None, description=f"EvalHub's or your ids, at most {MOST_TICKED}.")
    spans: Literal["roots", "all"] = "roots"


def selection_in(request: HttpRequest, body: SelectionIn) -> Selection:
    """Raises Problem, FilterError, Http404."""
    if (body.q is None) == (body.ids is None):
        message = 'Name the records by q or by ids; q "" is all of them.'
        raise Problem(400, "invalid", message, [("q", message)])
    if body.ids is None:
        project = request.project
        return matching(
            project, None, body.q, body.spans == "all", timezone.now(), str(ZoneInfo(project.time_zone)), ceiling_of()
        )
    if not 1 <= len(body.ids) <= MOST_TICKED:
        message = f"From 1 to {MOST_TICKED} ids; a filter takes any number."
        raise Problem(400, "invalid", message, [("ids", message)])
    return Selection(request.project, ids=tuple(found_record(request.project, id).id for id in body.ids))
