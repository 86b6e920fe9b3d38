"""A local provider of identities (OpenID Connect), over real HTTP: for tests of signing in by one.

    with stand_in_oidc() as issuer:
        back = issuer.approve(url_of_the_authorization_request, email="ann@example.com", email_verified=True)

`approve` is what a person does there: it gives the address that the browser is sent back to. The token endpoint checks
what a provider checks: the client's secret, the address, the code (once) and PKCE. `spoil` changes what it answers.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

CLIENT, SECRET = "evalhub", "the secret of the client, long enough"


class Issuer:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.key, self.other_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        self.forget()

    def forget(self) -> None:
        self.granted: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.userinfo: dict[str, Any] = {}
        self.down: set[str] = set()  # paths that answer 503
        self.configuration: dict[str, Any] = {}  # instead of what is true
        self.claims: dict[str, Any] = {}  # of the ID token, instead of what is true; None: left out
        self.sign: Callable[[dict[str, Any]], str] = self.signed

    def approve(self, request: str, **claims: Any) -> str:
        """`claims` say who it is that signs in there; `sub` is "1" where none is given."""
        asked = dict(parse_qsl(urlsplit(request).query))
        assert (asked["client_id"], asked["response_type"]) == (CLIENT, "code")
        assert "openid" in asked["scope"].split() and asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.granted[code] = asked | {"claims": {"sub": "1"} | claims}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.key, "ES256", {"kid": "one"})

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(path)
        if path in self.down:
            return 503, {}
        if path == "/.well-known/openid-configuration":
            places = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token", "userinfo")}
            return 200, {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **places} | self.configuration
        if path == "/jwks":
            public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return 200, {"keys": [{"kid": "none of them", "kty": "new"}, public | {"kid": "one", "use": "sig"}]}
        return (200, self.userinfo) if path == "/userinfo" else self.token(form)

    def token(self, form: dict[str, str]) -> tuple[int, Any]:
        granted = self.granted.pop(form.get("code", ""), None)
        if not granted or form["redirect_uri"] != granted["redirect_uri"] or form["client_secret"] != SECRET:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != granted["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        true = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": granted["nonce"]}
        claims = {name: value for name, value in (true | granted["claims"] | self.claims).items() if value is not None}
        return 200, {"access_token": "opens userinfo", "token_type": "Bearer", "id_token": self.sign(claims)}


@contextmanager
def stand_in_oidc() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, found = server.issuer.answer(urlsplit(self.path).path, form)
            sent = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.issuer = Issuer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
