"""POST /v1/traces: OTLP over HTTP, as every OpenTelemetry exporter sends it. https://opentelemetry.io/docs/specs/otlp/

Nothing is acknowledged before it is committed. A request of more than 1,000 spans is stored in several transactions and
acknowledged after the last one; when one fails, the exporter is told to send all of it again, and what was stored
already is a harmless repeat.
"""

import logging
from collections.abc import Sequence

from django.contrib.auth.decorators import login_not_required
from django.core.signals import got_request_exception
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from evalhub import ratelimit
from evalhub.api import AWAY, RETRY_SECONDS, to_json
from evalhub.apikeys import authenticate
from evalhub.body import MAX_BODY_BYTES, BadEncoding, BodyTooLarge, drain, read_body
from evalhub.models import Project, Scope
from records.automatic import automatic_slug, forget_unused
from records.drafts import RecordDraft
from records.ingest import ingest
from records.limits import MAX_ITEMS
from records.models import Metric
from records.otlp import Undecodable, drafts_from_otlp, spans_from_json, spans_from_protobuf
from records.otlp.evaluations import fit_to_metric
from records.prices import estimate_cost

logger = logging.getLogger("evalhub.traces")

PROTOBUF, JSON = "application/x-protobuf", "application/json"
DECODERS = {PROTOBUF: spans_from_protobuf, "application/protobuf": spans_from_protobuf, JSON: spans_from_json}
MAX_REASONS = 10  # named in an answer

# HTTP status -> google.rpc.Code
INVALID_ARGUMENT, UNAUTHENTICATED, PERMISSION_DENIED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE = 3, 16, 7, 8, 13, 14
CODES = {
    401: UNAUTHENTICATED,
    403: PERMISSION_DENIED,
    413: RESOURCE_EXHAUSTED,
    429: RESOURCE_EXHAUSTED,
    500: INTERNAL,
    503: UNAVAILABLE,
}


class Refusal(Exception):
    """The whole request is refused, with this HTTP status."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


@csrf_exempt
@login_not_required
def traces(request: HttpRequest) -> HttpResponse:
    """Stores the spans and answers an ExportTraceServiceResponse, or a google.rpc.Status, in the request's encoding."""
    content_type = request.content_type
    try:
        return _answer(_export(request), 200, content_type)
    except Refusal as refusal:
        drain(request)
        response = _failure(refusal.status, str(refusal), content_type)
        if refusal.status == 401:
            response["WWW-Authenticate"] = 'Bearer realm="EvalHub"'
        elif refusal.status == 405:
            response["Allow"] = "POST"
        if refusal.retry_after is not None:
            response["Retry-After"] = str(refusal.retry_after)
        return response
    except (OperationalError, InterfaceError) as error:
        if _is_away(error):
            logger.error("The database is not available: %s", error)
            response = _failure(503, "The database is not available; send again later.", content_type)
            response["Retry-After"] = str(RETRY_SECONDS)
            return response
        return _internal(request, error)
    except Exception as error:
        return _internal(request, error)


def _export(request: HttpRequest) -> ExportTraceServiceResponse:
    if request.method != "POST":
        raise Refusal(405, "Traces are sent with POST.")
    key = authenticate(request.headers.get("Authorization", ""))
    if key is None:
        raise Refusal(401, "No valid API key: send the header `Authorization: Bearer ehk_...`.")
    try:
        ratelimit.count(key)
    except ratelimit.TooOften as problem:
        raise Refusal(429, str(problem), problem.seconds) from None
    if Scope.INGEST not in key.scopes:
        raise Refusal(403, "Traces need a key with the scope ingest.")
    decode = DECODERS.get(request.content_type)
    if decode is None:
        raise Refusal(415, f"Content-Type {request.content_type!r} is not OTLP: send {PROTOBUF} or {JSON}.")
    try:
        decoded = decode(read_body(request, MAX_BODY_BYTES))
    except BodyTooLarge as error:
        raise Refusal(413, str(error)) from error
    except (BadEncoding, Undecodable) as error:
        raise Refusal(400, str(error)) from error
    drafts, bad = drafts_from_otlp(decoded, timezone.now())
    refused, notes = _store(key.project, drafts, key.name)
    return _response(len(bad) + len(refused), [*map(str, bad), *refused, *notes])


def _store(project: Project, drafts: Sequence[RecordDraft], sender: str) -> tuple[list[str], list[str]]:
    """Stores in slices of 1,000; returns why spans were refused, and why scores of stored ones were."""
    began = timezone.now()
    refused: list[str] = []
    notes: list[str] = []
    _fit_scores(project, drafts)
    for draft in drafts:
        estimate_cost(draft)
    waiting = [drafts[n : n + MAX_ITEMS] for n in range(0, len(drafts), MAX_ITEMS)]
    while waiting:
        part = waiting.pop(0)
        try:
            result = ingest(project, part, sender)
        except (DataError, OperationalError) as error:
            if not isinstance(error, DataError) and _is_away(error):
                raise
            # Something in the part that PostgreSQL does not take: it is found, so that the others are kept.
            if len(part) > 1:
                middle = len(part) // 2
                waiting[:0] = [part[:middle], part[middle:]]
            else:
                logger.error("Span %s cannot be stored: %s", part[0].external_id, error)
                refused.append(f"span {part[0].span_id}: it cannot be stored.")
                forget_unused(project, [score.metric for score in part[0].scores], began)
            continue
        notes += [f"span {part[n].span_id}: {why}" for n, why in result.refused_scores]
    return refused, notes


def _fit_scores(project: Project, drafts: Sequence[RecordDraft]) -> None:
    scores = [score for draft in drafts for score in draft.scores]
    if not scores:
        return
    for score in scores:
        score.metric = score.metric[:200]
    slugs = {automatic_slug(score.metric) for score in scores}
    metrics = {metric.slug: metric for metric in Metric.objects.filter(project=project, slug__in=slugs)}
    for score in scores:
        metric = metrics.get(automatic_slug(score.metric))
        score.metric = metric.slug if metric else score.metric
        fit_to_metric(score, metric)


def _response(rejected: int, reasons: Sequence[str]) -> ExportTraceServiceResponse:
    """With a message and nothing rejected it is a warning, as the protocol has it."""
    response = ExportTraceServiceResponse()
    if rejected or reasons:
        response.partial_success.rejected_spans = rejected
        more = f" (and {len(reasons) - MAX_REASONS} more)" if len(reasons) > MAX_REASONS else ""
        response.partial_success.error_message = "; ".join(reasons[:MAX_REASONS]) + more
    return response


def _answer(message: Message, status: int, content_type: str) -> HttpResponse:
    if content_type == JSON or content_type not in DECODERS:
        return HttpResponse(to_json(MessageToDict(message)), status=status, content_type=JSON)
    return HttpResponse(message.SerializeToString(), status=status, content_type=content_type)


def _failure(status: int, message: str, content_type: str) -> HttpResponse:
    return _answer(Status(code=CODES.get(status, INVALID_ARGUMENT), message=message), status, content_type)


def _internal(request: HttpRequest, error: Exception) -> HttpResponse:
    """Our fault: into the log, never to the client."""
    logger.error("Storing traces failed", exc_info=error)
    got_request_exception.send(sender=None, request=request)
    return _failure(500, "EvalHub failed on this request; its log says why.", request.content_type)


def _is_away(error: DatabaseError) -> bool:
    """Whether the same request may go well later."""
    return bool(AWAY.match(getattr(error.__cause__, "sqlstate", None) or ""))
