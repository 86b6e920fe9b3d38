"""Providers: what may be entered about them, and who may use which. A key goes in here and comes out for a call alone.

Wrong fields raise django.core.exceptions.ValidationError with a message for each. Changes are audited, never the key.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from evalhub import audit
from evalhub.models import Project
from scoring import secrets
from scoring.dialects import ProviderConfig
from scoring.models import Provider, ProviderKind

EDITABLE = frozenset({
    "name", "kind", "base_url", "api_version", "model_names", "requests_per_minute", "tokens_per_minute",
    "concurrency", "prices",
})  # fmt: skip
PRICES = ("input", "output", "cached_input")
MAX_PRICE = Decimal(100_000)
MAX_MODELS = 500
MAX_KEY_CHARS = 4_000


def usable_by(project_id: int) -> QuerySet[Provider]:
    """The project's own and the shared ones, without the archived."""
    return Provider.objects.filter(Q(project_id=project_id) | Q(project=None), archived_at=None)


def create_provider(project: Project | None, actor: object, *, key: str = "", **fields: Any) -> Provider:
    """Without a project it is shared by all: the caller has seen to it that the actor may do that."""
    provider = Provider(project=project)
    return _save(provider, actor, "provider.create", fields, key)


def change_provider(provider: Provider, actor: object, *, key: str | None = None, **fields: Any) -> Provider:
    """With some fields changed; `key` None leaves the key, empty removes it.

    A key was entered for one address: whoever changes the address enters it again, or it would go to whoever is there.
    """
    changed = Provider.objects.get(pk=provider.pk)
    _stay(changed, key, fields)
    return _save(changed, actor, "provider.change", fields, key)


def checked(provider: Provider | None, key: str | None, **fields: Any) -> Provider:
    """What would be saved, for a test of its connection: not stored, and with the key in its place."""
    tried = Provider.objects.get(pk=provider.pk) if provider else Provider()
    _stay(tried, key, fields)
    _take(tried, fields, key)
    return tried


def archive_provider(provider: Provider, actor: object) -> None:
    """Evaluators that name it can no longer call it."""
    _put_away(provider, actor, True)


def restore_provider(provider: Provider, actor: object) -> None:
    _put_away(provider, actor, False)


def key_of(provider: Provider) -> str:
    """In plain, for a call; empty if there is none. Raises secrets.UnreadableSecret."""
    return secrets.decrypt(provider.secret)


def config_of(provider: Provider) -> ProviderConfig:
    """The provider as calls need it, with its key. Raises secrets.UnreadableSecret."""
    return ProviderConfig(
        id=provider.pk,
        kind=provider.kind,
        base_url=provider.base_url,
        key=key_of(provider),
        api_version=provider.api_version,
        requests_per_minute=provider.requests_per_minute,
        tokens_per_minute=provider.tokens_per_minute,
        concurrency=provider.concurrency,
        prices=provider.prices,
    )


def own_price(provider: Provider, model: str) -> dict[str, Decimal] | None:
    """USD per million tokens by `input`, `output`, `cached_input`, where the provider has its own for this model."""
    prices = provider.prices.get(model)
    if prices is None:
        return None
    found = {name: Decimal(str(price)) for name, price in prices.items()}
    return {"cached_input": found["input"]} | found


def _save(provider: Provider, actor: object, action: str, fields: Mapping[str, Any], key: str | None) -> Provider:
    if strange := set(fields) - EDITABLE:
        raise ValidationError({name: "A provider has no such field." for name in sorted(strange)})
    before = {name: getattr(provider, name) for name in EDITABLE}
    _take(provider, fields, key)
    changed = sorted(name for name in fields if getattr(provider, name) != before[name])
    if changed or key is not None:
        provider.paused_reason = ""  # somebody has been here: try again
    with transaction.atomic():
        provider.save()
        detail = {"fields": changed} | ({"key": "set" if provider.secret else "removed"} if key is not None else {})
        audit.note(provider.project, actor, action, provider.name, **detail)
    return provider


def _take(provider: Provider, fields: Mapping[str, Any], key: str | None) -> None:
    for name, value in fields.items():
        setattr(provider, name, value)
    _check(provider, key)
    if key is not None:
        provider.secret = secrets.encrypt(key.strip())


def _stay(provider: Provider, key: str | None, fields: Mapping[str, Any]) -> None:
    moved = _place(fields.get("base_url", provider.base_url)) != _place(provider.base_url)
    moved = moved or fields.get("kind", provider.kind) != provider.kind
    if provider.secret and key is None and moved:
        raise ValidationError({"key": "The address or kind has changed: enter the key again, or remove it."})


def _put_away(provider: Provider, actor: object, away: bool) -> None:
    with transaction.atomic():
        Provider.objects.filter(pk=provider.pk).update(archived_at=timezone.now() if away else None)
        audit.note(provider.project, actor, "provider.archive" if away else "provider.restore", provider.name)


def _check(provider: Provider, key: str | None) -> None:
    provider.base_url = (provider.base_url or "").strip().rstrip("/")
    problems: dict[str, Any] = {}
    try:
        provider.full_clean(exclude=["base_url"])
    except ValidationError as error:
        problems = dict(error.error_dict)
    problems |= _address_problems(provider) | _models_problems(provider) | _prices_problems(provider)
    if key is not None and (len(key) > MAX_KEY_CHARS or not key.isprintable() or not key.isascii()):
        problems["key"] = f"A key is one line of at most {MAX_KEY_CHARS:,} ASCII characters."
    if problems:
        raise ValidationError(problems)


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url or "")
    return parts.scheme, parts.netloc


def _address_problems(provider: Provider) -> dict[str, str]:
    if not provider.base_url:
        if provider.kind == ProviderKind.AZURE:
            return {"base_url": "Azure has an address of your own, such as https://name.openai.azure.com."}
        return {}
    try:
        parts = urlsplit(provider.base_url)
        fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        fits = False
    if not fits or len(provider.base_url) > 500 or not provider.base_url.isprintable():
        return {"base_url": "An address such as https://api.openai.com/v1 or http://localhost:11434/v1."}
    if parts.username or parts.password:
        return {"base_url": "No name or password in the address: the key has a field of its own."}
    if parts.query or parts.fragment:
        return {"base_url": "Without ? and #; Azure's version has a field of its own."}
    return {}


def _models_problems(provider: Provider) -> dict[str, str]:
    names = [str(name).strip() for name in provider.model_names or []]
    provider.model_names = list(dict.fromkeys(name for name in names if name))
    if len(provider.model_names) > MAX_MODELS:
        return {"model_names": f"At most {MAX_MODELS} names."}
    return {}


def _prices_problems(provider: Provider) -> dict[str, str]:
    shape = 'An object such as {"my-model": {"input": 0.1, "output": 0.4}}, in USD per million tokens.'
    if not isinstance(provider.prices, dict):
        return {"prices": shape}
    for model, prices in provider.prices.items():
        if not isinstance(prices, dict) or not {"input", "output"} <= set(prices) <= set(PRICES):
            return {"prices": f"{model[:100]}: give input and output, and cached_input if it differs. {shape}"}
        for name, price in prices.items():
            try:
                fits = not isinstance(price, bool) and 0 <= Decimal(str(price)) <= MAX_PRICE
            except InvalidOperation:
                fits = False
            if not fits:
                return {"prices": f"{model[:100]}: {name} must be a number from 0 to {MAX_PRICE:,}."}
    return {}
