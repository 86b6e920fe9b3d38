"""A model's server that misbehaves on request, over real sockets: for tests of whatever calls a model.

    with model_server() as server:
        server.answers += [said({"reasoning": "Right.", "value": 1}), status(429, {"Retry-After": "1"}), hang()]
        ... call server.url ...
        assert server.requests[0].body["model"] == "m"

An answer is an async function of the request and the writer, used once, in order. When none is left, every request gets
a good answer: a value of the schema that was asked for, the same for the same request, as OpenAI or Anthropic puts it,
after `server.seconds`. `python -m tests.model_server --port 9001 --seconds 0.2` serves a benchmark.
"""

import argparse
import asyncio
import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.stand_in_llm import value_of

USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass(slots=True)
class Request:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)

    @property
    def schema(self) -> dict[str, Any] | None:
        """The schema that was asked for, by any of the ways there are."""
        if found := (self.body.get("response_format") or {}).get("json_schema"):
            return found["schema"]
        if found := (self.body.get("output_config") or {}).get("format"):
            return found["schema"]
        for tool in self.body.get("tools") or []:
            return tool.get("input_schema") or tool["function"]["parameters"]
        return None


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class ModelServer:
    """`allowed` requests a second are answered, the others get a 429 (None: all are answered)."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.port = 0
        self.requests: list[Request] = []
        self.answers: deque[Answer] = deque()
        self.refuses: Callable[[Request], Answer | None] = lambda request: None
        self.seconds = seconds
        self.allowed: int | None = None
        self.count = self.refused = self.peak = self.open = 0
        self.keeps_requests = True
        self._recent: deque[float] = deque()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await _read(reader)
                self.count += 1
                if self.keeps_requests:
                    self.requests.append(request)
                self.open += 1
                self.peak = max(self.peak, self.open)
                try:
                    await self.answer(request, writer)
                    await writer.drain()
                finally:
                    self.open -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        if self.allowed is not None and self._over():
            self.refused += 1
            return await status(429)(request, writer)
        prepared = self.answers.popleft() if self.answers else self.refuses(request)
        if prepared:
            return await prepared(request, writer)
        await asyncio.sleep(self.seconds)
        await said(value_of(request.schema) if request.schema else "Answer.")(request, writer)

    def _over(self) -> bool:
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self.allowed:
            return True
        self._recent.append(now)
        return False


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0].split(" ")[1], headers, json.loads(body or b"{}"))


def wire(code: int, body: bytes, headers: Mapping[str, str] | None = None, kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {code} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def raw(*parts: bytes | float, cut: bool = False) -> Answer:
    """These bytes, with so many seconds of silence where a number stands; `cut` resets the connection at the end."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            if isinstance(part, bytes):
                writer.write(part)
                await writer.drain()
            else:
                await asyncio.sleep(part)
        if cut:
            writer.transport.abort()

    return answer


def status(number: int, headers: Mapping[str, str] | None = None, message: str = "No.", **error: Any) -> Answer:
    """An error as OpenAI puts it."""
    return raw(wire(number, json.dumps({"error": {"message": message, **error}}).encode(), headers))


def page(code: int = 200) -> Answer:
    """A page where an answer should be, as from a proxy."""
    return raw(wire(code, b"<html><body>Back soon</body></html>", kind="text/html"))


def body(value: Any) -> Answer:
    """This as the whole answer."""
    return raw(wire(200, value if isinstance(value, bytes) else json.dumps(value).encode()))


def hang(seconds: float = 30) -> Answer:
    return raw(seconds)


def said(
    value: Any,
    usage: dict[str, Any] | None = USAGE,
    finish: str = "stop",
    model: str | None = None,
    refusal: str | None = None,
) -> Answer:
    """What a model says: a text as it is, any other value as JSON; in a call of the tool where one was forced."""
    text = value if isinstance(value, str) else json.dumps(value)

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        put = _anthropic if request.path.split("?")[0].endswith("/messages") else _openai
        made = put(request.body, text, finish, refusal)
        made["model"] = model or request.body.get("model", "")
        if usage is not None:
            made["usage"] = usage
        writer.write(wire(200, json.dumps(made).encode()))

    return answer


def _openai(asked: dict[str, Any], text: str, finish: str, refusal: str | None) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if refusal is not None:
        message |= {"content": None, "refusal": refusal}
    elif asked.get("tools"):
        call = {"name": asked["tools"][0]["function"]["name"], "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": call}]}
    return {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}


def _anthropic(asked: dict[str, Any], text: str, finish: str, refusal: str | None) -> dict[str, Any]:
    reasons = {"stop": "end_turn", "length": "max_tokens"}
    if refusal is not None:
        return {"type": "message", "content": [{"type": "text", "text": refusal}], "stop_reason": "refusal"}
    if asked.get("tools"):
        part = {"type": "tool_use", "id": "t", "name": asked["tools"][0]["name"], "input": json.loads(text)}
    else:
        part = {"type": "text", "text": text}
    return {"type": "message", "content": [part], "stop_reason": reasons.get(finish, finish)}


async def _serve(
    server: ModelServer,
    port: int,
    ready: Callable[[], None],
    end: asyncio.Event,
    tls: ssl.SSLContext | None = None,
) -> None:
    listening = await asyncio.start_server(server.connection, "127.0.0.1", port, backlog=1024, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    ready()
    await end.wait()
    listening.close()


@contextmanager
def model_server(tls: ssl.SSLContext | None = None) -> Iterator[ModelServer]:
    server, started = ModelServer(), threading.Event()
    loop: list[asyncio.AbstractEventLoop] = []
    end = asyncio.Event()

    async def run() -> None:
        loop.append(asyncio.get_running_loop())
        await _serve(server, 0, started.set, end, tls)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    started.wait()
    try:
        yield server
    finally:
        loop[0].call_soon_threadsafe(end.set)
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--seconds", type=float, default=0.2)
    options = parser.parse_args()
    server = ModelServer(options.seconds)
    server.keeps_requests = False
    asyncio.run(_serve(server, options.port, lambda: print(server.url, flush=True), asyncio.Event()))


if __name__ == "__main__":
    main()
