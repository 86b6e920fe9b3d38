"""The protocol, by the `mcp` package: a server and a transport for each request, so nothing is kept between two."""

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest, HttpResponse
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Described

from experiments.mcp.calling import UNTRUSTED, answered
from experiments.mcp.tools import TOOLS

INSTRUCTIONS = (
    "EvalHub holds what an AI application did (records), how good it was (scores of metrics, made by evaluators and "
    f"people), and experiments that were run with it. Begin with describe_project. {UNTRUSTED}"
)


@async_to_sync
async def answer(request: HttpRequest, body: bytes) -> HttpResponse:
    """What the protocol answers to the body of a POST."""

    async def list_tools(context: ServerRequestContext, params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(name) for name in TOOLS])

    async def call_tool(context: ServerRequestContext, params: CallToolRequestParams) -> CallToolResult:
        if params.name not in TOOLS:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:100]}; there are {', '.join(TOOLS)}.")
        # In the thread of the request, whose connection to the database it is.
        text, refused = await sync_to_async(answered)(request, TOOLS[params.name], params.arguments or {})
        return CallToolResult(content=[TextContent(text=text)], is_error=refused)

    server = Server("evalhub", instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool)
    manager = StreamableHTTPSessionManager(server, json_response=True, stateless=True)
    exchange = _Exchange(body)
    async with manager.run():
        await manager.handle_request(_scope(request), exchange.receive, exchange.send)
    return exchange.response


class _Exchange:
    """ASGI's two ends of one request."""

    def __init__(self, body: bytes) -> None:
        self.body, self.response = body, HttpResponse()

    async def receive(self) -> dict:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.response.status_code = message["status"]
            for name, value in message.get("headers", []):
                self.response[name.decode("latin-1")] = value.decode("latin-1")
        else:
            self.response.write(message.get("body", b""))


def _scope(request: HttpRequest) -> dict:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    return {
        "type": "http", "http_version": "1.1", "method": request.method, "scheme": request.scheme, "headers": headers,
        "path": request.path, "raw_path": request.path.encode(), "root_path": "", "query_string": b"",
    }  # fmt: skip


def _described(name: str) -> Described:
    tool = TOOLS[name]
    hints = ToolAnnotations(read_only_hint=not tool.writes, destructive_hint=False, open_world_hint=False)
    return Described(name=name, description=tool.description, input_schema=tool.schema, annotations=hints)
