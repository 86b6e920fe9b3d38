"""Request bodies, bounded before they fill the memory: plain, chunked, and compressed.

Django reads a chunked body as empty (no Content-Length), and knows no Content-Encoding.
"""

import gzip
import io
import zlib
from contextlib import suppress

from django.http import HttpRequest

MAX_BODY_BYTES = 20 * 1024 * 1024  # of any request, after inflating
_PIECE = 1024 * 1024


class BodyTooLarge(Exception):
    """The body passes `limit` bytes, counted as sent and again after inflating."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The body is larger than the limit of {limit:,} bytes, counted after inflating.")


class BadEncoding(Exception):
    """The body cannot be read: an unknown or broken Content-Encoding, or it ended early. `str()` says which."""


def read_body(request: HttpRequest, limit: int) -> bytes:
    """The whole body, inflated, of at most `limit` bytes. Later calls, and `request.body`, give the same bytes.

    Raises BodyTooLarge or BadEncoding. Never holds more than about twice the limit.
    """
    known = getattr(request, "_inflated_body", None)
    if known is not None:
        return known
    data = inflate(_sent(request, limit), request.headers.get("Content-Encoding", ""), limit)
    request._inflated_body = request._body = data
    return data


def inflate(data: bytes, encoding: str, limit: int) -> bytes:
    """`data` without its Content-Encoding: gzip, deflate, or none."""
    match encoding.strip().lower():
        case "" | "identity":
            return data
        case "gzip" | "x-gzip":
            return _gunzip(data, limit)
        case "deflate":
            return _undeflate(data, limit)
    raise BadEncoding(f"Content-Encoding {encoding!r} is not supported; send gzip, deflate or none.")


def drain(request: HttpRequest, limit: int = 3 * MAX_BODY_BYTES) -> None:
    """Reads and forgets what of the body is still unread, up to `limit` bytes, before the request is refused.

    Most clients read the answer only once all is sent; a connection closed before that looks to them like a server that
    is down, and they send the same again.
    """
    if hasattr(request, "_body"):
        return
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream = request.environ["wsgi.input"] if chunked else request
    with suppress(OSError):  # gone already: nobody waits for the answer
        while limit > 0 and (piece := stream.read(min(limit, _PIECE))):
            limit -= len(piece)


def _sent(request: HttpRequest, limit: int) -> bytes:
    if hasattr(request, "_body"):
        data = request.body
    elif "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        # Both WSGI servers end this stream where the last chunk ends (wsgi.input_terminated).
        data = _up_to(request.environ["wsgi.input"], limit + 1)
    else:
        length = _content_length(request)
        if length > limit:
            raise BodyTooLarge(limit)
        data = _up_to(request, length)
        if len(data) < length:
            raise BadEncoding(f"The body ended after {len(data):,} of {length:,} bytes.")
    if len(data) > limit:
        raise BodyTooLarge(limit)
    return data


def _content_length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit()):
        raise BadEncoding("Content-Length is not a number.")
    return int(text)


def _up_to(stream: io.BufferedIOBase, size: int) -> bytes:
    pieces = []
    try:
        while size > 0 and (piece := stream.read(min(size, _PIECE))):
            pieces.append(piece)
            size -= len(piece)
    except OSError as error:  # Django's UnreadablePostError is one
        raise BadEncoding("The connection ended before the body did.") from error
    return b"".join(pieces)


def _gunzip(data: bytes, limit: int) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            inflated = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadEncoding(f"The body is not valid gzip: {error}") from error
    if len(inflated) > limit:
        raise BodyTooLarge(limit)
    return inflated


def _undeflate(data: bytes, limit: int) -> bytes:
    """zlib's format, as the standard says, or the bare stream that many clients send under the same name."""
    for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
        stream = zlib.decompressobj(window)
        try:
            inflated = stream.decompress(data, limit + 1)
        except zlib.error:
            continue
        if len(inflated) > limit:
            raise BodyTooLarge(limit)
        if stream.eof:
            return inflated
    raise BadEncoding("The body is not valid deflate.")
