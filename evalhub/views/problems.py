"""The page of an error on our side. It must come even where what pages stand on is what broke."""

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from evalhub.api import RETRY_SECONDS, is_away

logger = logging.getLogger("evalhub")

# No stylesheet and no template: the files of this release may be what is missing.
PLAIN = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Error - EvalHub</title></head>
<body><main><h1>Something broke on our side</h1>
<p>The error is in the server's log. Trying again does no harm; if it comes back, tell whoever runs this EvalHub when it
happened.</p>
<p><a href="/">All projects</a></p></main></body>
</html>
"""


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 where the database is away for the moment."""
    status = 503 if is_away(sys.exception()) else 500
    try:
        page = render_to_string(f"{status}.html")
    except Exception:
        logger.exception("The page that says that something broke is broken itself.")
        page = PLAIN
    return HttpResponse(page, status=status, headers={"Retry-After": RETRY_SECONDS} if status == 503 else {})
