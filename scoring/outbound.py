"""The one guarded HTTP client: every call that EvalHub makes to an address somebody typed in goes through here.

No redirects, no proxies, no cookies; bounds on time and on the size of an answer; cloud metadata out of reach, and the
own network too unless the setting EVALHUB_PRIVATE_ADDRESSES lets it, and nothing but the own network without TLS. The
check is made on the address that is connected to, after the name was looked up, so that a name which changes its
address gains nothing. Errors name host and cause, never a path, a query or a header: those may hold keys.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from django.conf import settings

MAX_ANSWER_BYTES = 4 * 1024 * 1024  # a judge's answer has a few KB, a batch of embeddings some hundred
KEEP_SECONDS = 30  # an unused connection; most servers drop theirs after a minute
# Addresses of cloud metadata that are neither link-local nor private (Azure), or private and yet never a model server
# (AWS over IPv6, Alibaba, Oracle). Link-local, the common one, is refused as a whole.
METADATA = frozenset(map(ip_address, ("168.63.129.16", "fd00:ec2::254", "100.100.100.200", "192.0.0.192")))
REFUSED = "is refused"
# Of the request that a connection is made for: whether it goes without TLS. The connector's sockets do not know.
_plain: ContextVar[bool] = ContextVar("plain", default=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds for each step, and the largest answer. `headers` is long: models think before their first byte."""

    connect: float = 10
    headers: float = 60
    body: float = 30
    bytes: int = MAX_ANSWER_BYTES


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by their names in any case; `body` unread bytes, whatever the status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OutboundError(Exception):
    """No answer came. The text is fit to be shown and stored."""


class Refused(OutboundError):
    """EvalHub does not call there: an address out of bounds, or no address at all. Another try changes nothing."""


class Unreachable(OutboundError):
    """Name unknown, connection refused or broken, certificate not valid."""


class TooSlow(OutboundError):
    """One of the steps took longer than its bound."""


class TooLarge(OutboundError):
    """The answer went on past the bound; what had come is thrown away."""


def session() -> aiohttp.ClientSession:
    """To be used as an async context manager. Holds the connections: one a chunk of work, not one a call."""
    connector = aiohttp.TCPConnector(limit=0, socket_factory=_guarded_socket, keepalive_timeout=KEEP_SECONDS)
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "EvalHub", "Accept-Encoding": "identity"},
        trust_env=False,
    )


async def send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    bounds: Bounds = Bounds(),  # noqa: B008 - frozen
) -> Answer:
    """The answer, whatever its status, a redirect too. Raises OutboundError."""
    where = check_url(url)
    _plain.set(urlsplit(url).scheme == "http")
    step = "headers"
    try:
        async with asyncio.timeout(bounds.connect + bounds.headers) as clock:
            response = await session.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=bounds.connect, sock_read=bounds.headers),
            )
        step = "body"
        async with response, asyncio.timeout(bounds.body) as clock:
            return Answer(response.status, response.headers, await _read(response, bounds.bytes, where))
    except aiohttp.ConnectionTimeoutError:
        raise TooSlow(f"{where} did not accept a connection within {bounds.connect:g} s.") from None
    except TimeoutError as error:
        if not (clock.expired() or isinstance(error, aiohttp.SocketTimeoutError)):
            raise
        seconds = bounds.headers if step == "headers" else bounds.body
        raise TooSlow(f"{where} did not send its {step} within {seconds:g} s.") from None
    except aiohttp.ClientConnectorDNSError:
        raise Unreachable(f"The name {where} cannot be looked up.") from None
    except aiohttp.ClientConnectorError as error:
        if REFUSED in str(error.os_error):
            raise Refused(str(error.os_error.strerror)) from None
        raise Unreachable(f"No connection to {where}: {_cause(error)}.") from None
    except aiohttp.InvalidURL:
        raise Refused("That is no http or https address.") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"The connection to {where} broke: {_cause(error)}.") from None


def check_url(url: str) -> str:
    """The host (and port) of an address that may be called, as errors name it. Raises Refused.

    What the host's address is shows only when it is connected to.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused("That is no http or https address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("That is no http or https address.")
    if parts.username is not None or parts.password is not None:
        raise Refused("An address must not hold a user name or a password: the key has its own field.")
    return f"{parts.hostname}:{port}" if port else parts.hostname


def refusal(address: str, plain: bool = False) -> str | None:
    """Why a connection to the IP address is refused, a `plain` one without TLS; None where it may be made."""
    try:
        ip = _inner(ip_address(address))
    except ValueError:
        return f"{address} {REFUSED}: it is no address."  # such as 2130706433, which the system would take for one
    if ip in METADATA or ip.is_link_local:
        return f"{ip} {REFUSED}: cloud metadata and link-local addresses are never called."
    if ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not ip.is_loopback):
        return f"{ip} {REFUSED}: no server can be there."
    if not ip.is_global and not settings.PRIVATE_ADDRESSES:
        return f"{ip} {REFUSED}: it is in a private network, which EVALHUB_PRIVATE_ADDRESSES=true lets EvalHub call."
    if ip.is_global and plain:
        return f"{ip} {REFUSED}: over http:// key and records would cross the internet in the clear. Use https://."
    return None


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 address stands for, where it does: mapped, 6to4, NAT64."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip.packed.startswith(bytes.fromhex("0064ff9b0000000000000000")):
        return IPv4Address(ip.packed[12:])
    return ip.ipv4_mapped or ip.sixtofour or ip


def _guarded_socket(found: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, where = found
    problem = refusal(str(where[0]), _plain.get())
    if problem:
        raise PermissionError(errno.EACCES, problem)
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return made


async def _read(response: aiohttp.ClientResponse, most: int, where: str) -> bytes:
    if (response.content_length or 0) <= most:
        parts, size = [], 0
        async for part in response.content.iter_any():
            size += len(part)
            if size > most:
                break
            parts.append(part)
        else:
            return b"".join(parts)
    response.close()
    raise TooLarge(f"{where} answered with more than {most:,} bytes.")


def _cause(error: Exception) -> str:
    """The cause in a few words, none of which the other side or the request has chosen."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not valid"
    if isinstance(error, aiohttp.ClientSSLError):
        return "TLS failed"
    if isinstance(error, aiohttp.ClientOSError) and error.errno:
        return os.strerror(error.errno).lower()
    return {
        aiohttp.ServerDisconnectedError: "closed by the server before it answered",
        aiohttp.ClientPayloadError: "closed by the server in mid-answer",
    }.get(type(error), type(error).__name__)
