"""The calls on records, scores and metrics. `mount` puts them into the API; evalhub/urls.py calls it."""

from django.http import HttpRequest, HttpResponse

from evalhub.api import EvalHubAPI, Problem
from records.api import metrics, records, scores
from records.filterlang import FilterError
from records.metrics import UnknownMetric
from records.scores import UnknownRecord
from records.search import BadCursor, SearchTimeout
from records.values import ValueProblem

NO_ID = "0198c0de-0000-7000-8000-000000000000"


def mount(api: EvalHubAPI) -> None:
    api.describe(
        "records", "What an AI system did: one execution, or one step of it. Traces come by OTLP too, at `/v1/traces`.",
        id="order-4711",
    )  # fmt: skip
    api.describe(
        "scores", "Values of metrics on records, each with where it came from.", id="order-4711", score_id=NO_ID
    )
    api.describe("metrics", "What is measured: a metric's slug names it everywhere.", slug="correct")
    # Ids may hold slashes: what is longer is looked at before `records/{id}`.
    api.add_router("/v1", scores.router)
    api.add_router("/v1/records", records.router)
    api.add_router("/v1/metrics", metrics.router)
    api.add_exception_handler(FilterError, _filter_error)
    api.add_exception_handler(BadCursor, _bad_cursor)
    api.add_exception_handler(SearchTimeout, _timeout)
    api.add_exception_handler(UnknownMetric, _unknown_metric)
    api.add_exception_handler(UnknownRecord, _unknown_record)
    api.add_exception_handler(ValueProblem, _value_problem)


def _filter_error(request: HttpRequest, error: FilterError) -> HttpResponse:
    fields = [("q", error.message)]
    return Problem(400, "invalid_filter", error.message, fields, pos=error.pos, end=error.end).response()


def _bad_cursor(request: HttpRequest, error: BadCursor) -> HttpResponse:
    message = "This is no cursor of this list: send one back as it was in next_cursor, or none."
    return Problem(400, "invalid_cursor", message, [("cursor", message)]).response()


def _timeout(request: HttpRequest, error: SearchTimeout) -> HttpResponse:
    return Problem(503, "query_timeout", str(error)).response()


def _unknown_metric(request: HttpRequest, error: UnknownMetric) -> HttpResponse:
    return Problem(400, "invalid", str(error), [("metric", str(error))]).response()


def _unknown_record(request: HttpRequest, error: UnknownRecord) -> HttpResponse:
    return Problem(404, "not_found", str(error)).response()


def _value_problem(request: HttpRequest, problem: ValueProblem) -> HttpResponse:
    return Problem(400, "invalid", problem.message, [(problem.field, problem.message)]).response()
