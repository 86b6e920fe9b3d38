"""A local server that speaks OpenAI's HTTP API: for tests of whatever calls a model.

    with stand_in_llm() as llm:
        llm.answers += ["Hello.", Failure(429, {"Retry-After": "1"}), {"result": "pass"}]
        OpenAI(base_url=llm.url, api_key="any").chat.completions.create(...)
        assert llm.requests[0]["messages"] == [...]

Answers are given in order, each once; when none is left, the same request always gets the same answer: a value of the
JSON schema that was asked for, a call of the first tool, or "Answer.".
"""

import json
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Answer."
MODEL_SNAPSHOT = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18", "gpt-4o": "gpt-4o-2024-08-06"}


@dataclass
class Failure:
    """An answer that is an error."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "The stand-in was told to fail."


class StandIn:
    """`url` is the base URL; `requests` the bodies that came, in order; `answers` what to answer next: text, a value to
    be sent as JSON text, or a Failure; `seconds` how long each answer takes; `peak` the most requests at one time."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1"
        self.requests: list[dict[str, Any]] = []
        self.answers: deque[Any] = deque()
        self.seconds = 0.0
        self.peak = 0
        self._open = 0
        self._lock = threading.Lock()

    @contextmanager
    def taking(self, body: dict[str, Any]) -> Iterator[Any]:
        """Notes the request; gives the next prepared answer, or None."""
        with self._lock:
            self.requests.append(body)
            self._open += 1
            self.peak = max(self.peak, self._open)
            answer = self.answers.popleft() if self.answers else None
        try:
            time.sleep(self.seconds)
            yield answer
        finally:
            with self._lock:
                self._open -= 1


@contextmanager
def stand_in_llm() -> Iterator[StandIn]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.stand_in = StandIn(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.stand_in
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": name, "object": "model"} for name in MODEL_SNAPSHOT]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        with self.server.stand_in.taking(body) as prepared:
            if isinstance(prepared, Failure):
                error = {"error": {"message": prepared.message, "type": "stand_in"}}
                self._send(prepared.status, error, prepared.headers)
            elif self.path.endswith("/embeddings"):
                self._send(200, _embeddings(body))
            elif self.path.endswith("/chat/completions"):
                completion = _completion(body, prepared)
                self._stream(completion, body) if body.get("stream") else self._send(200, completion)
            else:
                self._send(404, {"error": {"message": f"The stand-in has no {self.path}."}})

    def _send(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, completion: dict[str, Any], body: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in _chunks(completion, body):
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Nothing to the terminal."""


def _completion(body: dict[str, Any], prepared: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None}
    tools = body.get("tools")
    if prepared is not None:
        message["content"] = prepared if isinstance(prepared, str) else json.dumps(prepared)
    elif tools and body.get("tool_choice") != "none":
        function = tools[0]["function"]
        arguments = json.dumps(value_of(function.get("parameters", {})))
        call = {"id": "call_1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}
        message["tool_calls"] = [call]
    else:
        message["content"] = _text(body.get("response_format") or {})
    read, written = tokens(body.get("messages", "")), tokens(message["content"] or message.get("tool_calls"))
    model = body.get("model", "")
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_780_000_000,
        "model": MODEL_SNAPSHOT.get(model, model),
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
        ],
        "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
    }


def _chunks(completion: dict[str, Any], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    frame = {name: completion[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    (choice,) = completion["choices"]
    message = choice["message"]
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if message.get("tool_calls"):
        deltas.append({"tool_calls": [{"index": 0} | call for call in message["tool_calls"]]})
    deltas += [{"content": word + " "} for word in (message["content"] or "").split(" ")[:-1]]
    deltas += [{"content": word} for word in (message["content"] or "").split(" ")[-1:] if word]
    for delta in deltas:
        yield frame | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield frame | {"choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield frame | {"choices": [], "usage": completion["usage"]}


def _text(response_format: dict[str, Any]) -> str:
    match response_format.get("type"):
        case "json_schema":
            return json.dumps(value_of(response_format["json_schema"].get("schema", {})))
        case "json_object":
            return json.dumps({"answer": ANSWER})
    return ANSWER


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [
        {"object": "embedding", "index": n, "embedding": [round(math.sin(len(text) + d), 6) for d in range(8)]}
        for n, text in enumerate(texts)
    ]
    read = sum(tokens(text) for text in texts)
    usage = {"prompt_tokens": read, "total_tokens": read}
    return {"object": "list", "model": body.get("model", ""), "data": data, "usage": usage}


def tokens(value: Any) -> int:
    """What the stand-in counts for a value: a quarter of its characters as JSON."""
    return max(1, len(json.dumps(value)) // 4)


def value_of(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """The plainest value of a JSON schema: the first choice, the least number, every property."""
    root = root or schema
    if "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return value_of(found, root)
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return value_of(schema[name][0], root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        return {name: value_of(inner, root) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [value_of(schema.get("items", {}), root)] * max(1, schema.get("minItems", 1))
    return {"boolean": True, "number": schema.get("minimum", 0), "integer": schema.get("minimum", 0), "null": None}.get(
        kind, ANSWER
    )
