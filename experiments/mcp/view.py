"""POST /mcp: the door of the MCP server, the same as the API's: a key, its rate limit, a bounded body."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from evalhub.api import Problem, key_of, refusal
from evalhub.body import read_body

MAX_BYTES = 1024 * 1024


@csrf_exempt
@login_not_required
def mcp(request: HttpRequest) -> HttpResponse:
    """One message of a client, and its answer as JSON. There is no session and no stream, so a GET is a 405."""
    try:
        request.api_key = key_of(request)
        if request.method != "POST":
            raise Problem(405, "method_not_allowed", "This address takes POST alone.")
        body = read_body(request, MAX_BYTES)
    except Exception as error:  # noqa: BLE001 each has its answer
        return refusal(request, error)
    from experiments.mcp.server import answer  # the protocol's package costs memory: for those alone who use it

    return answer(request, body)
