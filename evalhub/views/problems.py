"""The page of an error on our side. It must come even where what pages stand on is what broke."""

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template.loader import render_to_string

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
    try:
        page = render_to_string("500.html")
    except Exception:
        logger.exception("The page that says that something broke is broken itself.")
        page = PLAIN
    return HttpResponseServerError(page)
