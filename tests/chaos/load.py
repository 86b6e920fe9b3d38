"""Who uses it meanwhile: exporters, JSON clients, somebody who re-scores, somebody who reads pages.

Each sends a batch again and again until it is acknowledged, as a good client does, and keeps what was.
"""

import http.client
import json
import random
import re
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tests.evalhub.running import Up
from tests.records.otlp import build

AGAIN = (429, 502, 503, 504)  # and a 409 of a call that is still under way
PATIENCE = 240.0  # seconds until a batch is given up

Answered = tuple[int, bytes]


@dataclass
class Load:
    """What was acknowledged, over all clients.

    `records`: external ids; `scores`: the ids that their sender gave them; `runs`: numbers by the key of the call.
    `pause`: seconds between two batches of a client. What is measured here is not speed.
    """

    up: Up
    key: str
    seed: int
    pause: float
    records: set[str] = field(default_factory=set)
    scores: set[str] = field(default_factory=set)
    runs: dict[str, int] = field(default_factory=dict)
    answers: Counter = field(default_factory=Counter)
    pages: Counter = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, rescore_every: float) -> None:
        """`rescore_every`: seconds from one re-score to the next."""
        clients: dict[str, Callable[[random.Random], None]] = {
            "otlp-1": lambda dice: self._otlp("o1", dice),
            "otlp-2": lambda dice: self._otlp("o2", dice),
            "json-1": lambda dice: self._json("j1", dice),
            "json-2": lambda dice: self._json("j2", dice),
            "rescore": lambda dice: self._rescore(rescore_every),
            "reader": self._read,
        }
        for name, act in clients.items():
            dice = random.Random(f"{self.seed} {name}")  # noqa: S311
            self._threads.append(threading.Thread(target=self._guarded, args=[name, act, dice], daemon=True))
        for thread in self._threads:
            thread.start()

    def wait_for(self, records: int) -> None:
        """Until so many were acknowledged."""
        while len(self.records) < records and not self.problems:
            time.sleep(0.05)

    def end(self) -> None:
        """Every client finishes its batch."""
        self.over.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, name: str, act: Callable[[random.Random], None], dice: random.Random) -> None:
        try:
            act(dice)
        except Exception as problem:
            self.problems.append(f"{name}: {problem!r}")

    def _otlp(self, name: str, dice: random.Random) -> None:
        """Traces of a few spans, mostly children first, some in two batches."""
        number = 0
        while not self.over.wait(self.pause):
            spans = [span for _ in range(6) for span in _trace(dice)]
            cut = dice.choice((len(spans), len(spans) // 2))
            for part in (spans[:cut], spans[cut:]):
                if part:
                    body = build.request(part, {"deployment.environment.name": dice.choice(("production", "test"))})
                    self._export(f"{name}-{number}", body.SerializeToString())
                    self.records |= {f"{span.trace_id.hex()}:{span.span_id.hex()}" for span in part}
                    number += 1

    def _export(self, what: str, body: bytes) -> None:
        _, answer = self._until_taken(what, "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        said = ExportTraceServiceResponse.FromString(answer).partial_success
        if said.rejected_spans:
            self.problems.append(f"{what}: {said.rejected_spans} spans refused: {said.error_message}")

    def _json(self, name: str, dice: random.Random) -> None:
        number = 0
        while not self.over.wait(self.pause):
            number += 1
            records = [_record(f"{name}-{number}-{n}", dice) for n in range(15)]
            self._send(records)
            if dice.random() < 0.3:  # a later piece, with somebody's score
                records = [dict(record, metadata={"second": True}) for record in dice.sample(records, 3)]
                for record in records:
                    record["scores"] = [{"metric": "thumbs", "boolean_value": True, "id": f"s-{record['id']}"}]
                self._send(records)

    def _send(self, records: list[dict[str, Any]]) -> None:
        what = records[0]["id"]
        _, answer = self._until_taken(what, "/api/v1/records", json.dumps(records).encode(), _JSON)
        said = json.loads(answer)
        if said["refused"] or len(said["accepted"]) != len(records):
            self.problems.append(f"{what}: refused: {said['refused']}")
        self.records |= {record["id"] for record in records}
        self.scores |= {score["id"] for record in records for score in record.get("scores", ())}

    def _rescore(self, every: float) -> None:
        number = 0
        while not self.over.wait(every):
            number += 1
            name = f"rescore-{number}"
            body = json.dumps({"q": "", "evaluators": ["long_enough", "judge"], "limit": 200}).encode()
            _, answer = self._until_taken(name, "/api/v1/scoring-runs", body, _JSON | {"Idempotency-Key": name})
            self.runs[name] = json.loads(answer)["run"]["number"]

    def _read(self, dice: random.Random) -> None:
        """Pages as a reviewer opens them; one that does not come is asked for again later."""
        record = ""
        while not self.over.wait(0.3):
            path = dice.choice(PAGES).format(record=record)
            status, page = self.up.get(path)
            self.pages[status] += 1
            if status not in (0, 200, 404, 500, *AGAIN):
                self.problems.append(f"{path} answered {status}")
            if path == PAGES[0] and status == 200 and (found := re.findall(r"/p/chaos/records/([0-9a-f-]{36})/", page)):
                record = dice.choice(found) + "/"

    def _until_taken(self, what: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Raises TimeoutError when it is refused for PATIENCE seconds, RuntimeError when it is wrong."""
        headers = {"Authorization": f"Bearer {self.key}", **headers}
        began, wait = time.monotonic(), 0.2
        while time.monotonic() - began < PATIENCE:
            status, answer = self._post(path, body, headers)
            self.answers[status] += 1
            if status in (200, 201, 202):
                return status, answer
            if status and status not in AGAIN and not (status == 409 and b"_busy" in answer):
                raise RuntimeError(f"{what} was answered {status}: {answer[:300]!r}")
            time.sleep(wait)
            wait = min(2.0, wait * 1.5)
        raise TimeoutError(f"{what} was not taken for {PATIENCE:.0f} s; the last answer was {status}")

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Status 0: there was no answer."""
        request = urllib.request.Request(self.up.url + path, body, dict(headers))  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read()
        except (OSError, http.client.HTTPException) as problem:
            return 0, repr(problem).encode()


_JSON = {"Content-Type": "application/json"}
PAGES = (
    "/p/chaos/records/", "/p/chaos/records/?q=metric.long_enough.status:pass",
    "/p/chaos/records/?q=environment:production", "/p/chaos/records/{record}",
    "/p/chaos/monitor/", "/p/chaos/rules/", "/p/chaos/scoring/runs/", "/system",
)  # fmt: skip


def _trace(dice: random.Random) -> list[Any]:
    """Spans of one trace, the root among them anywhere; mostly last, as exporters send it."""
    trace, root = dice.randbytes(16), dice.randbytes(8)
    now = time.time_ns()
    spans = []
    for n in range(dice.randint(1, 5)):
        own = dice.randbytes(8) if n else root
        key = f"{trace.hex()}:{own.hex()}"
        spans.append(
            build.span(
                {"input.value": f"of {key}", "output.value": f"answer to {key}", "llm.model_name": "stand-in"},
                trace_id=trace, span_id=own, parent_span_id=root if n else b"", name=f"step {n}",
                start_time_unix_nano=now - 10**9 + n, end_time_unix_nano=now,
            )
        )  # fmt: skip
    spans.reverse()
    if dice.random() < 0.2:
        dice.shuffle(spans)
    return spans


def _record(id: str, dice: random.Random) -> dict[str, Any]:
    return {
        "id": id, "name": "answer", "environment": dice.choice(("production", "test")), "model": "stand-in",
        "inputs": {"question": f"of {id}"}, "outputs": f"answer to {id}", "latency": round(dice.uniform(0.1, 3), 3),
        "prompt_tokens": dice.randrange(500), "completion_tokens": dice.randrange(200),
        "scores": [{"metric": "thumbs", "boolean_value": dice.random() < 0.8, "id": f"t-{id}"}],
    }  # fmt: skip
