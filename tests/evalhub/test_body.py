"""Bodies are read whole or refused, however they are sent."""

import gzip
import io
import zlib

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from evalhub.body import BadEncoding, BodyTooLarge, drain, read_body

TEXT = b'{"name": "' + b"a" * 500 + b'"}'


def sent(data: bytes, encoding: str = "", **meta: str) -> WSGIRequest:
    headers = {"HTTP_CONTENT_ENCODING": encoding} if encoding else {}
    return RequestFactory().post("/", data, content_type="application/json", **headers, **meta)


def chunked(data: bytes, encoding: str = "") -> WSGIRequest:
    request = sent(b"", encoding, HTTP_TRANSFER_ENCODING="chunked")
    request.environ.pop("CONTENT_LENGTH", None)
    request.environ["wsgi.input"] = io.BytesIO(data)
    return request


@pytest.mark.parametrize("make", [sent, chunked])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("GZIP", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT, wbits=-15)),
    ],
)
def test_every_way_of_sending_gives_the_same_bytes(make, encoding, data):
    request = make(data, encoding)
    assert read_body(request, 1000) == TEXT
    assert read_body(request, 1000) == TEXT
    assert request.body == TEXT


@pytest.mark.parametrize("make", [sent, chunked])
@pytest.mark.parametrize("encoding", ["", "gzip", "deflate"])
def test_a_body_over_the_limit_is_refused_by_its_inflated_size(make, encoding):
    size = 1001
    data = {"": bytes, "gzip": lambda n: gzip.compress(bytes(n)), "deflate": lambda n: zlib.compress(bytes(n))}[
        encoding
    ]
    with pytest.raises(BodyTooLarge, match="1,000 bytes"):
        read_body(make(data(size), encoding), 1000)
    assert len(read_body(make(data(size - 1), encoding), 1000)) == 1000


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-9]),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"tail"),
        ("deflate", b"not deflate"),
        ("deflate", zlib.compress(TEXT)[:-5]),
        ("br", b"x"),
    ],
)
def test_a_broken_or_unknown_encoding_is_refused(encoding, data):
    with pytest.raises(BadEncoding):
        read_body(sent(data, encoding), 1000)


def test_a_body_that_ends_early_is_refused():
    request = sent(b"12345")
    request.environ["CONTENT_LENGTH"] = "9"
    request = WSGIRequest(request.environ | {"wsgi.input": io.BytesIO(b"12345")})
    with pytest.raises(BadEncoding, match="5 of 9"):
        read_body(request, 1000)


@pytest.mark.parametrize("make", [sent, chunked])
def test_an_unread_body_is_drained_up_to_a_limit(make):
    request = make(bytes(3000))
    stream = request.environ["wsgi.input"] if make is chunked else request
    with pytest.raises(BodyTooLarge):
        read_body(request, 1000)
    drain(request, 500)
    assert stream.read(10) == bytes(10)
    drain(request)
    assert stream.read(10) == b""


def test_a_body_that_was_read_is_not_drained():
    request = sent(TEXT)
    assert read_body(request, 1000) == TEXT
    drain(request)
    assert request.body == TEXT
