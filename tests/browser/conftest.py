"""A real Chromium against a real server. Tests fail on any error in the browser's console that they did not expect."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import Client

from evalhub.models import User

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
# plotly's map library tries to add a stylesheet, which our policy refuses; nothing of ours uses it.
HARMLESS = [
    re.compile(r"plotly[^ ]*\.js.*(Content Security Policy|inline style)", re.DOTALL),
    re.compile(r"htmx:(sendAbort|afterRequest), "),  # a question given up for a newer one: htmx calls that an error
]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def find_chromium() -> str:
    """Debian's Chromium, installed if it is missing and we may. Without it: a failure under CI, else a loud skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        wait = ["-o", "DPkg::Lock::Timeout=300"]  # another test worker may be installing it right now
        subprocess.run(["apt-get", *wait, "update", "-qq"], check=False)
        subprocess.run(["apt-get", *wait, "install", "-y", "-qq", "--no-install-recommends", "chromium"], check=False)
        found = shutil.which("chromium")
    if found:
        return found
    reason = "NO BROWSER TESTS WERE RUN: Chromium is missing (apt-get install chromium)."
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium():
    """One a file: the tests of other files, which run in between, must not find Playwright's event loop running."""
    from playwright.sync_api import expect, sync_playwright

    path = find_chromium()
    # Playwright keeps an event loop in this thread; the tests' own queries are no less synchronous for it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=15_000)  # as long as for acts: the machine may be busy
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Console:
    """What the browser complained about. `allow("422")` says that a test expects a complaint holding these words."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.allowed: list[str] = []

    def allow(self, words: str) -> None:
        self.allowed.append(words)

    def unexpected(self) -> list[str]:
        return [
            error
            for error in self.errors
            if not any(words in error for words in self.allowed) and not any(one.search(error) for one in HARMLESS)
        ]


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Counts are told exactly on a busy machine too: their time is measured by the benchmark."""
    monkeypatch.setattr("records.views.records.COUNT_SECONDS", 5)


@pytest.fixture
def console() -> Console:
    return Console()


@pytest.fixture
def page(chromium, live_server, console) -> Iterator[object]:
    """A page of 1440 x 900 in a browser of its own, with addresses relative to the server."""
    context = chromium.new_context(base_url=live_server.url, viewport=DESK)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.on("pageerror", lambda error: console.errors.append(f"uncaught: {error}"))
    page.on(
        "console",
        lambda said: said.type == "error" and console.errors.append(f"{said.location.get('url', '')} {said.text}"),
    )
    yield page
    page.wait_for_load_state("networkidle")  # what is still being asked for would meet the emptying of the tables
    context.close()
    assert console.unexpected() == []


@pytest.fixture
def enter(page, live_server) -> Callable[[User], None]:
    """`enter(user)` signs the page's browser in without the form."""

    def enter(user: User) -> None:
        client = Client()
        client.force_login(user)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])

    return enter
