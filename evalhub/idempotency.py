"""`Idempotency-Key`: a POST that starts or creates something is done once, however often its sender repeats it.

The answer is kept under (API key, the sender's key) in the transaction that did the work, so that there is neither work
without its answer nor an answer without its work. A repeat gets the first one's answer; a refused call keeps nothing,
and may be mended and sent again under the same key.
"""

import functools
import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import redis
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja.operation import Operation
from ninja.utils import contribute_operation_callback

from evalhub.api import RETRY_SECONDS, Problem
from evalhub.body import MAX_BODY_BYTES, read_body
from evalhub.models import KeptAnswer

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
LONGEST = 255  # characters of a sender's key

DESCRIPTION = (
    f"Your own name for this call, 1 to {LONGEST} printable ASCII characters. The same call again under the same name, "
    f"within {KEPT_FOR.total_seconds() / 3600:.0f} hours, does nothing and gets the first one's answer "
    "(`Idempotency-Replayed: true`)."
)
CONFLICT = "The Idempotency-Key names another call, or one that is still under way; or what would be made is there."

View = Callable[..., HttpResponse]


def idempotent(view: View) -> View:
    """For a call below `@router.post(...)`. With a key of the sender's the view works in one transaction, in which it
    may neither wait for a network nor lock records slice by slice: see `is_named`. Not for answers that hold a secret:
    they are kept as they are."""

    @functools.wraps(view)
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        name = request.headers.get(HEADER)
        if name is None:
            return view(request, *args, **kwargs)
        if not (0 < len(name) <= LONGEST and name.isascii() and name.isprintable()):
            message = f"{HEADER} has 1 to {LONGEST} printable ASCII characters."
            raise Problem(400, "invalid", message, [(HEADER, message)])
        response = None
        try:
            with transaction.atomic():
                response = _kept(request, name) or _done(request, name, view(request, *args, **kwargs))
        except redis.RedisError as problem:
            if response is None:
                raise
            # A bell that was to ring after the commit: the work is stored, and the sweeper rings again.
            log.warning("%s %s is done, and waits for Redis: %s", request.method, request.path, problem)
        return response

    contribute_operation_callback(call, _describe)
    return call


def is_named(request: HttpRequest) -> bool:
    """Whether the call works in one transaction, so that what takes longer is to be left to a worker."""
    return HEADER in request.headers


def expire() -> int:
    """For the sweeper: forgets answers that nobody asks for again; how many."""
    return KeptAnswer.objects.filter(at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _kept(request: HttpRequest, name: str) -> HttpResponse | None:
    """The first call's answer; None where this is the first. Raises Problem 409 where it is another's name, or where
    the first is still at work: it may yet be refused, so there is no answer to give."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))", [f"{HEADER}:{name}", request.api_key.pk]
        )
        if not cursor.fetchone()[0]:
            message = f"The first call with this {HEADER} is still under way: ask again."
            raise Problem(409, "idempotency_key_busy", message, retry_after=RETRY_SECONDS)
    kept = KeptAnswer.objects.filter(api_key=request.api_key, name=name).first()
    if kept is None:
        return None
    if kept.fingerprint != _fingerprint(request):
        message = f"This {HEADER} was used for another call: give each call of yours its own."
        raise Problem(409, "idempotency_key_reused", message, [(HEADER, message)])
    response = HttpResponse(kept.body, status=kept.status, content_type="application/json")
    response["Idempotency-Replayed"] = "true"
    return response


def _done(request: HttpRequest, name: str, response: HttpResponse) -> HttpResponse:
    KeptAnswer.objects.create(
        api_key=request.api_key, name=name, fingerprint=_fingerprint(request), status=response.status_code,
        body=response.content.decode(),
    )  # fmt: skip
    return response


def _fingerprint(request: HttpRequest) -> str:
    """What makes it the same call. A digest alone: bodies may hold what is to be stored encrypted."""
    call = f"{request.method} {request.get_full_path()}\n".encode() + read_body(request, MAX_BODY_BYTES)
    return hashlib.sha256(call).hexdigest()


def _describe(operation: Operation) -> None:
    header = {"in": "header", "name": HEADER, "required": False, "description": DESCRIPTION}
    schema = {"schema": {"type": "string", "minLength": 1, "maxLength": LONGEST}}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    operation.openapi_extra = (operation.openapi_extra or {}) | {
        "parameters": [header | schema],
        "responses": {409: {"description": CONFLICT, "content": error}},
    }
