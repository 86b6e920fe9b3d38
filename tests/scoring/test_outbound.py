"""The guarded HTTP client: what it refuses to call, what it bounds, and that its errors tell no secret."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scoring import outbound
from scoring.outbound import Bounds, Refused, TooLarge, TooSlow, Unreachable
from tests.model_server import body, hang, model_server, raw, wire

QUICK = Bounds(connect=2, headers=0.2, body=0.2, bytes=1_000_000)
SECRET = "sk-very-secret"


@pytest.fixture(autouse=True)
def private_addresses(settings):
    settings.PRIVATE_ADDRESSES = True


def call(url: str, bounds: Bounds = QUICK, times: int = 1) -> list[outbound.Answer]:
    async def run() -> list[outbound.Answer]:
        async with outbound.session() as session:
            headers = {"Authorization": f"Bearer {SECRET}"}
            return [
                await outbound.send(session, "POST", url, headers=headers, body=b"{}", bounds=bounds)
                for _ in range(times)
            ]

    return asyncio.run(run())


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    made = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    made += key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return context


def test_an_answer_comes_with_its_status_whatever_that_is():
    with model_server() as server:
        server.answers.append(raw(wire(503, b"no", {"Retry-After": "7"})))
        (answer,) = call(f"{server.url}/chat/completions?key={SECRET}")
        assert (answer.status, answer.headers["retry-after"], answer.body) == (503, "7", b"no")


def test_a_redirect_is_an_answer_and_is_not_followed():
    with model_server() as server:
        server.answers.append(raw(wire(302, b"", {"Location": f"{server.root}/elsewhere"})))
        (answer,) = call(f"{server.url}/chat/completions")
        assert answer.status == 302
        assert len(server.requests) == 1


def test_a_connection_serves_several_calls():
    with model_server() as server:
        assert len(call(f"{server.url}/chat/completions", times=3)) == 3


@pytest.mark.parametrize(
    "answer",
    [body(b"x" * 10_000_000), raw(b"HTTP/1.1 200 X\r\n\r\n", *[b"x" * 100_000] * 12, cut=True)],
    ids=["told its length", "told no length"],
)
def test_an_answer_over_the_bound_is_given_up(answer):
    with model_server() as server:
        server.answers.append(answer)
        with pytest.raises(TooLarge, match="more than 1,000,000 bytes"):
            call(server.url)


def test_headers_that_do_not_come_are_waited_for_as_long_as_the_bound_says():
    with model_server() as server:
        server.answers.append(hang())
        with pytest.raises(TooSlow, match=r"did not send its headers within 0\.2 s"):
            call(server.url)


def test_a_body_that_drips_for_ever_is_given_up():
    with model_server() as server:
        server.answers.append(raw(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\n", *[b"x", 0.05] * 90))
        with pytest.raises(TooSlow, match=r"did not send its body within 0\.2 s"):
            call(server.url)


def test_a_connection_reset_in_mid_answer_is_an_error_not_a_short_answer():
    with model_server() as server:
        server.answers.append(raw(b"HTTP/1.1 200 X\r\nContent-Length: 99\r\n\r\nhalf", cut=True))
        with pytest.raises(Unreachable, match="broke"):
            call(server.url)


@pytest.mark.parametrize(
    "answer", [raw(cut=True), raw(b"SSH-2.0-x\r\n\r\n", cut=True)], ids=["nothing", "another protocol"]
)
def test_what_does_not_speak_http_is_unreachable(answer):
    with model_server() as server:
        server.answers.append(answer)
        with pytest.raises(Unreachable):
            call(server.url)


def test_a_name_that_does_not_exist_is_said_to_be_unknown():
    with pytest.raises(Unreachable, match="models.invalid cannot be looked up"):
        call(f"http://models.invalid/v1?key={SECRET}")


def test_a_closed_port_says_that_the_connection_was_refused():
    with model_server() as server:
        port = server.port
    with pytest.raises(Unreachable, match=f"No connection to 127.0.0.1:{port}: .*refused"):
        call(f"http://127.0.0.1:{port}/{SECRET}")


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    with model_server(tls=self_signed(tmp_path)) as server:
        with pytest.raises(Unreachable, match="its certificate is not valid"):
            call(server.url.replace("http:", "https:"))
        assert server.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://host/x", "file:///etc/passwd", "http://", "//host", "http://host:port/", "http://me:pw@host/"]
)
def test_what_is_no_plain_http_address_is_refused(url):
    with pytest.raises(Refused):
        call(url)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fd00:ec2::254]",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",  # noqa: S104
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
        "2852039166",  # 169.254.169.254 as one number
    ],
)
def test_metadata_and_link_local_addresses_are_refused_even_where_private_ones_are_allowed(host):
    with pytest.raises(Refused, match="is refused|no http"):
        call(f"http://{host}/latest/meta-data")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "[::1]", "[fd12::1]"])
def test_private_addresses_are_refused_where_the_setting_says_so_also_behind_a_name(host, settings):
    settings.PRIVATE_ADDRESSES = False
    with model_server() as server:
        with pytest.raises(Refused, match="EVALHUB_PRIVATE_ADDRESSES"):
            call(f"http://{host}:{server.port}/v1")
        assert server.requests == []


@pytest.mark.parametrize("address", ["8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808"])
def test_nothing_goes_over_the_internet_in_the_clear(address):
    with pytest.raises(Refused, match="in the clear"):
        call(f"http://[{address}]/v1" if ":" in address else f"http://{address}/v1")
    assert outbound.refusal(address, plain=False) is None
    assert outbound.refusal("10.1.2.3", plain=True) is None


def test_no_error_tells_the_path_the_query_or_a_header():
    with model_server() as server:
        server.answers += [hang(), raw(cut=True), body(b"x" * 2_000_000)]
        for _ in range(3):
            with pytest.raises(outbound.OutboundError) as problem:
                call(f"{server.url}/{SECRET}?key={SECRET}")
            assert SECRET not in str(problem.value)
            assert problem.value.__cause__ is None
