"""The JSON API's manners, the same for every call: who may ask, how a body is read, what an error looks like.

Every error is `{"error": {"code", "message", "fields"?: [{"path", "message"}], "pos"?, "end"?}}`. The calls themselves
live in each app's routers; `evalhub/urls.py` puts them together under `/api/v1`.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.core.exceptions import ValidationError as ModelError
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.parser import Parser
from ninja.security.base import AuthBase
from psycopg.errors import QueryCanceled

from evalhub import ratelimit
from evalhub.apikeys import authenticate
from evalhub.body import MAX_BODY_BYTES, BadEncoding, BodyTooLarge, drain, read_body
from evalhub.models import ApiKey, Scope
from evalhub.openapi import Described

logger = logging.getLogger("evalhub.api")

CODES = {400: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}
EMPTY = "The body is empty; this call needs JSON."
# No state at all (unreachable), or: connection, rollback (deadlock), resources, object state, operator, system.
AWAY = re.compile("$|08|40|53|55|57|58")
RETRY_SECONDS = 5  # what a client should wait when the database is away


class Problem(Exception):
    """An answer other than the one asked for. `fields` pairs a path (`scores.0.metric`) with what is wrong there;
    `pos` and `end` are characters of a filter; `retry_after` is in seconds."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Iterable[tuple[str, str]] = (),
        pos: int | None = None,
        end: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after
        self.fields, self.pos, self.end = list(fields), pos, end

    def response(self) -> HttpResponse:
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.fields:
            error["fields"] = [{"path": where, "message": what} for where, what in self.fields]
        if self.pos is not None:
            error |= {"pos": self.pos, "end": self.end}
        response = answer({"error": error}, self.status)
        if self.retry_after is not None:
            response["Retry-After"] = str(self.retry_after)
        return response


def answer(data: Any, status: int = 200) -> HttpResponse:
    """`data` as JSON. Decimals become numbers, times RFC 3339 in UTC, ids text."""
    return HttpResponse(to_json(data), status=status, content_type="application/json")


def to_json(data: Any, indented: bool = False) -> bytes:
    try:
        return orjson.dumps(data, float, orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if indented else 0))
    except orjson.JSONEncodeError:  # whole numbers past 64 bits: slower, and exact
        indent = 2 if indented else None
        return json.dumps(data, default=_plain, ensure_ascii=False, allow_nan=False, indent=indent).encode()


def _plain(value: Any) -> str | float:
    if isinstance(value, Decimal):
        return float(value)
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


class KeyAuth(AuthBase):
    """Lets in a valid key that has one of `scopes`, sets `request.api_key` and `request.project`, reads the body.

    401 without a valid key, 429 for one that asks too often, 403 without a scope: only then is the body read, up to its
    limit. A request whose door has seen to the key already bears it as `api_key`.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, *scopes: Scope) -> None:
        self.scopes = scopes
        super().__init__()

    def __call__(self, request: HttpRequest) -> object:
        key = getattr(request, "api_key", None) or key_of(request)
        if not any(scope in key.scopes for scope in self.scopes):
            raise Problem(403, "forbidden", f"This call needs a key with the scope {' or '.join(self.scopes)}.")
        request.api_key, request.project = key, key.project
        if request.method not in ("GET", "HEAD", "DELETE"):
            read_body(request, MAX_BODY_BYTES)
        return key


def key_of(request: HttpRequest) -> ApiKey:
    """The valid key that the request bears, counted for its rate limit. Raises AuthenticationError, TooOften."""
    key = authenticate(request.headers.get("Authorization", ""))
    if key is None:
        raise AuthenticationError
    ratelimit.count(key)
    return key


def refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to an error, as for any call: also for doors that are not ninja's."""
    drain(request)
    return next(HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS)(request, error)


def read_json(request: HttpRequest, *, refuse_nul: bool = True) -> Any:
    """The body, strictly JSON: no NaN, no lone surrogates and, unless the caller sees to it, no NUL (PostgreSQL has
    none). Raises Problem naming the place."""
    body = read_body(request, MAX_BODY_BYTES)
    if not body:
        raise Problem(400, "invalid_json", EMPTY)
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(
            400, "invalid_json", f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from error
    if refuse_nul and b"\\u0000" in body and (where := nul_path(data)) is not None:
        message = "Holds a NUL character, which cannot be stored."
        raise Problem(400, "invalid", f"{where or 'The body'}: {message}", [(where, message)])
    return data


def nul_path(value: Any) -> str | None:
    """Where in parsed JSON the first NUL character is, as `spans.0.name`; None if there is none."""
    waiting = [("", value)]
    while waiting:
        where, value = waiting.pop()
        if isinstance(value, str):
            if "\0" in value:
                return where.replace("\0", "\\u0000")
        elif isinstance(value, dict):
            for key, inner in value.items():
                deeper = f"{where}.{key}" if where else key
                if "\0" in key:
                    return deeper.replace("\0", "\\u0000")
                waiting.append((deeper, inner))
        elif isinstance(value, list):
            waiting += ((f"{where}.{n}" if where else str(n), inner) for n, inner in enumerate(value))
    return None


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        return read_json(request)


class EvalHubAPI(NinjaAPI):
    """NinjaAPI with this house's errors. Its URLs need a key where a call says so, never a session."""

    def __init__(self) -> None:
        super().__init__(
            title="EvalHub",
            version="1",
            description="Records in, scores on them, and all of it out again. Every call needs a project's API key: "
            "`Authorization: Bearer ehk_...`. Calls that start or create something take an `Idempotency-Key`, so that "
            "they can be repeated until they are answered. A key that asks too often gets 429 with `Retry-After`.",
            docs_url="/docs",
            openapi_url="/openapi.json",
            urls_namespace="api",
            parser=StrictParser(),
        )
        self.named: dict[str, dict[str, Any]] = {}
        for kind, handler in HANDLERS.items():
            self.add_exception_handler(kind, handler)

    def describe(self, tag: str, words: str, **names: Any) -> None:
        """For the API's page: what the calls of a tag are about, and what stands in their addresses, as an example."""
        self.openapi_extra.setdefault("tags", []).append({"name": tag, "description": words})
        self.named[tag] = names

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: dict | None = None) -> Described:
        return Described(self, self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)

    @property
    def urls(self) -> tuple[list, str, str]:
        patterns, app, namespace = super().urls
        for pattern in patterns:
            pattern.callback = _keyed(pattern.callback)
        return [*patterns, path("<path:call>", _keyed(_unknown_call))], app, namespace


def _keyed(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The view outside of sessions: no sign-in, no CSRF token; and its plain 405 in the house's shape.

    The body of a refused request is read to its end: its sender would otherwise see a broken connection, not the error.
    """

    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = answered(request, *args, **kwargs)
        if response.status_code >= 400:
            drain(request)
        return response

    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "\0" in request.path:  # in no address of ours, and no question for the database
            return _unknown_call(request, request.path)
        try:
            response = view(request, *args, **kwargs)
        except Http404 as error:
            return _not_found(request, error)
        if response.status_code == 405:
            allowed = response["Allow"]
            message = f"{request.method} is not a method of this address; {allowed} is."
            response = Problem(405, CODES[405], message).response()
            response["Allow"] = allowed
        return response

    call.csrf_exempt = True
    call.login_required = False
    return call


def _unknown_call(request: HttpRequest, call: str) -> HttpResponse:
    return Problem(404, CODES[404], f"There is no call {request.path}; /api/docs lists all.").response()


def _validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    if any(item["type"] == "missing" and item["loc"][0] == "body" and len(item["loc"]) == 2 for item in error.errors):
        return Problem(400, "invalid_json", EMPTY).response()
    fields = [(place(item["loc"]), wording(item["msg"])) for item in error.errors]
    return Problem(400, "invalid", _summary(fields), fields).response()


def place(location: Iterable[str | int]) -> str:
    """pydantic's location as a path: without ninja's own first parts (`body`, the parameter's name)."""
    source, *rest = location
    if source == "body":
        rest = rest[1:]
    return ".".join(map(str, rest))


def wording(message: str) -> str:
    """pydantic's words without the label it puts before those of our own validators."""
    return message.removeprefix("Value error, ")


def _summary(fields: list[tuple[str, str]]) -> str:
    where, what = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return f"{where}: {what}{more}" if where else f"{what}{more}"


def _model_error(request: HttpRequest, error: ModelError) -> HttpResponse:
    if hasattr(error, "error_dict"):
        fields = [
            ("" if name == "__all__" else name, text) for name, texts in error.message_dict.items() for text in texts
        ]
    else:
        fields = [("", text) for text in error.messages]
    return Problem(400, "invalid", _summary(fields), fields).response()


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Problem):  # ninja wraps whatever the parser raises
        return error.__cause__.response()
    code = CODES.get(error.status_code, "refused")
    return Problem(error.status_code, code, error.message).response()


def _unauthorized(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    message = "No valid API key: send `Authorization: Bearer ehk_...` with a key that is not revoked or expired."
    response = Problem(401, CODES[401], message).response()
    response["WWW-Authenticate"] = 'Bearer realm="EvalHub"'
    return response


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return Problem(404, CODES[404], str(error) or "Not found.").response()


def _too_large(request: HttpRequest, error: BodyTooLarge) -> HttpResponse:
    return Problem(413, "too_large", str(error)).response()


def _bad_encoding(request: HttpRequest, error: BadEncoding) -> HttpResponse:
    return Problem(400, "invalid_body", str(error)).response()


def _too_often(request: HttpRequest, error: ratelimit.TooOften) -> HttpResponse:
    return Problem(429, "too_often", str(error), retry_after=error.seconds).response()


def is_away(error: BaseException | None) -> bool:
    """Whether it is the database that does not answer, so that the same request may go well later."""
    if not isinstance(error, OperationalError | InterfaceError) or isinstance(error.__cause__, QueryCanceled):
        return False
    return bool(AWAY.match(getattr(error.__cause__, "sqlstate", None) or ""))


def _unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    if isinstance(error.__cause__, QueryCanceled):
        message = "The query took too long; narrow it, for example by time."
        return Problem(503, "query_timeout", message).response()
    if not is_away(error):
        return _internal(request, error)
    logger.error("%s %s: the database is not available: %s", request.method, request.path, error)
    message = "The database is not available; try again."
    return Problem(503, "unavailable", message, retry_after=RETRY_SECONDS).response()


def _internal(request: HttpRequest, error: Exception) -> HttpResponse:
    """Our fault: into the log and to whoever listens for crashes, never to the client."""
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=EvalHubAPI, request=request)
    return Problem(500, "internal", "EvalHub failed on this request; its log says why.").response()


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Exception: _internal,
    Problem: lambda request, error: error.response(),
    ValidationError: _validation,
    ModelError: _model_error,
    HttpError: _http,
    AuthenticationError: _unauthorized,
    Http404: _not_found,
    ratelimit.TooOften: _too_often,
    BodyTooLarge: _too_large,
    BadEncoding: _bad_encoding,
    OperationalError: _unavailable,
    InterfaceError: _unavailable,
}
