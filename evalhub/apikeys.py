"""API keys: `ehk_<lookup>_<secret>`.

The lookup finds the row; of the whole key only an HMAC is kept, so the key is shown once, when it is made. After a
change of SECRET_KEY a key is known by SECRET_KEY_FALLBACKS, and from its next use on by the new one.
"""

import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from evalhub import audit
from evalhub.models import ApiKey, Project, Scope, User

ALPHABET = string.ascii_letters + string.digits
LOOKUP_LENGTH, SECRET_LENGTH = 8, 32  # 62 ** 32: about 190 bits
PATTERN = re.compile(rf"ehk_([A-Za-z0-9]{{{LOOKUP_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}", re.ASCII)
USE_NOTED_EVERY = timedelta(minutes=1)  # a busy key costs one write a minute, not one a request


@transaction.atomic
def create(
    project: Project,
    name: str,
    scopes: Iterable[str],
    *,
    created_by: User | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Makes a key and returns it with its plain text, which nobody can read again. The caller has checked the name.

    Raises ValueError for an unknown scope or none at all.
    """
    wanted = set(scopes)
    unknown = wanted - set(Scope.values)
    if unknown or not wanted:
        raise ValueError(f"Scopes are {', '.join(Scope.values)}; not {', '.join(sorted(unknown)) or 'none of them'}.")
    lookup = _random(LOOKUP_LENGTH)
    plain = f"ehk_{lookup}_{_random(SECRET_LENGTH)}"
    key = ApiKey.objects.create(
        project=project,
        name=name,
        lookup=lookup,
        digest=_digest(plain),
        scopes=[scope for scope in Scope.values if scope in wanted],
        created_by=created_by,
        expires_at=expires_at,
    )
    actor = created_by or "command line"
    audit.note(project, actor, "key.create", name, scopes=key.scopes, expires_at=expires_at and expires_at.isoformat())
    return key, plain


def authenticate(authorization_header: str) -> ApiKey | None:
    """The valid key of an `Authorization: Bearer ehk_...` header, with its project; None for anything else."""
    kind, _, plain = authorization_header.partition(" ")
    match = PATTERN.fullmatch(plain.strip())
    if kind.lower() != "bearer" or not match:
        return None
    key = ApiKey.objects.select_related("project").filter(lookup=match[1], revoked_at=None).first()
    if not key or not (signed_with := _secret_of(key, match[0])):
        return None
    now = timezone.now()
    if key.expires_at and key.expires_at <= now:
        return None
    if signed_with != settings.SECRET_KEY:
        _sign_anew(key, match[0])
    _note_use(key, now)
    return key


@transaction.atomic
def revoke(key: ApiKey, revoked_by: User) -> None:
    """From now on the key opens nothing; it stays listed, so that its past can be explained. Harmless when repeated."""
    now = timezone.now()
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        key.revoked_at = now
        audit.note(key.project, revoked_by, "key.revoke", key.name)


def _secret_of(key: ApiKey, plain: str) -> str | None:
    """The secret of this installation, present or former, under which the key is known; None: it is another key."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if constant_time_compare(key.digest, _digest(plain, secret)):
            return secret
    return None


def _sign_anew(key: ApiKey, plain: str) -> None:
    """So that the key stays valid when the former secret is gone."""
    digest = _digest(plain)
    ApiKey.objects.filter(pk=key.pk, digest=key.digest).update(digest=digest)
    key.digest = digest


def _note_use(key: ApiKey, now: datetime) -> None:
    """Conditional, so that of many requests at once only one writes."""
    if key.last_used_at is None or key.last_used_at <= now - USE_NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
        key.last_used_at = now


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _digest(plain: str, secret: str | None = None) -> str:
    return salted_hmac("evalhub.apikeys", plain, secret, algorithm="sha256").hexdigest()
