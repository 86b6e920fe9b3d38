"""Guessing passwords is made slow: after some failures a sign-in waits, wherever it is tried (page or admin).

Failures are counted in Redis, for LAST seconds: of a name from one address, of an address, and of a name from anywhere
(which is allowed many more, or anybody could shut somebody else out). Without Redis nobody is kept waiting.
"""

import hashlib
import logging

import redis
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from evalhub import audit
from evalhub.health import redis_client
from evalhub.models import User

log = logging.getLogger(__name__)

LAST = 15 * 60  # seconds that a failure counts
MOST = {"pair": 5, "address": 50, "name": 100}  # failures, after which a sign-in is not even tried


class SlowedBackend(ModelBackend):
    """Django's own, for as long as it is not guessed at; what waits is refused as a wrong password is."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **more: object
    ) -> User | None:
        if request is None or username is None:
            return super().authenticate(request, username, password, **more)
        if waits(request, username):
            raise PermissionDenied
        user = super().authenticate(request, username, password, **more)
        if user is None:
            _failed(request, username)
        else:
            _forget(request, username)
        return user


def waits(request: HttpRequest, username: str) -> int:
    """Seconds until a sign-in is tried again; 0 where it is tried now."""
    keys = _keys(request, username)
    try:
        with redis_client() as client:
            counts = client.mget(keys.values())
            over = [key for (kind, key), n in zip(keys.items(), counts, strict=True) if int(n or 0) >= MOST[kind]]
            return max((client.ttl(key) for key in over), default=0)
    except redis.RedisError as problem:
        log.warning("Redis does not answer, sign-ins are not slowed: %s", problem)
        return 0


def _failed(request: HttpRequest, username: str) -> None:
    keys = _keys(request, username)
    try:
        with redis_client() as client, client.pipeline() as pipe:
            for key in keys.values():
                pipe.incr(key)
                pipe.expire(key, LAST)
            counts = dict(zip(keys, pipe.execute()[::2], strict=True))
    except redis.RedisError:
        return  # said by `waits`
    for kind, n in counts.items():
        if n == MOST[kind]:
            known = User.objects.filter(username__iexact=username).values_list("username", flat=True).first()
            who = known or "somebody unknown"  # perhaps a password in the wrong field
            audit.note(None, who, "signin.slowed", address_of(request), by=kind, failures=n)


def _forget(request: HttpRequest, username: str) -> None:
    try:
        with redis_client() as client:
            client.delete(_keys(request, username)["pair"])
    except redis.RedisError:
        return  # said by `waits`


def address_of(request: HttpRequest) -> str:
    """Whose request it is: behind a proxy of ours, what the proxy says last."""
    if settings.SECURE_PROXY_SSL_HEADER:
        forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if forwarded:
            return forwarded[:60]
    return request.META.get("REMOTE_ADDR", "")


def _keys(request: HttpRequest, username: str) -> dict[str, str]:
    """Names are hashed: a password typed into the wrong field is not to be read in Redis."""
    name, address = _digest(username.casefold()), _digest(address_of(request))
    return {
        "pair": f"evalhub:signin:pair:{name}:{address}",
        "address": f"evalhub:signin:address:{address}",
        "name": f"evalhub:signin:name:{name}",
    }


def _digest(text: str) -> str:
    return hashlib.sha256(f"{settings.SECRET_KEY}:{text}".encode()).hexdigest()[:20]
