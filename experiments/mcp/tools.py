"""The tools: what a model is told of each, and which calls of the API it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of the API; `path` is below /api/v1."""

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Any = None


@dataclass(frozen=True)
class Tool:
    """`calls` makes of the arguments the calls of the API, by the names that their answers bear in the result."""

    name: str
    description: str
    properties: Mapping[str, Any]
    calls: Callable[[Arguments], Mapping[str, Call]]
    required: tuple[str, ...] = ()
    writes: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        return {
            "type": "object", "properties": dict(self.properties), "required": list(self.required),
            "additionalProperties": False,
        }  # fmt: skip


TEXT: dict[str, Any] = {"type": "string"}
SLUGS: dict[str, Any] = {"type": "array", "items": TEXT, "minItems": 1, "maxItems": 20}
RECORD = TEXT | {"description": "The record's id: EvalHub's, or the one it was sent with."}
FILTER = TEXT | {
    "description": "Conditions side by side must all hold; OR, NOT and parentheses work; what is in no condition is "
    "looked for in inputs and outputs. Examples: status:errored | environment:production created:>-24h | latency:>2 "
    'model:gpt-5 | metric.correct:fail | metric.relevance:<0.5 | metadata.plan:pro "late parcel" | NOT tag:seen. '
    "Empty: all records. An unknown field is an error that names its place."
}


def _search(said: Arguments) -> dict[str, Call]:
    query = {"q": said.get("q", ""), "limit": said.get("limit", 10), "sort": said.get("sort", "-created")}
    query |= {"cursor": said.get("cursor", ""), "roots": "false" if said.get("all_spans") else "true"}
    return {"records": Call("GET", "/records", query)}


def _score(said: Arguments) -> dict[str, Call]:
    body = {name: value for name, value in said.items() if name != "record"}
    return {"score": Call("POST", f"/records/{said['record']}/scores", body=body)}


def _start(said: Arguments) -> dict[str, Call]:
    return {"started": Call("POST", "/scoring-runs", body={"dry_run": True, "mode": "stale"} | said)}


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "describe_project",
            "What there is to work with: the metrics that records are scored by (slug, value type, what passes), the "
            "evaluators that make scores, and the newest experiments. Call this first, to know the slugs.",
            {},
            lambda said: {
                "metrics": Call("GET", "/metrics"),
                "evaluators": Call("GET", "/evaluators"),
                "experiments": Call("GET", "/experiments", {"limit": 20}),
            },
        ),
        Tool(
            "search_records",
            "Finds records (one execution of the AI application each), newest first, with the beginnings of their "
            "inputs and outputs. Go on with next_cursor; read_record has one record whole.",
            {
                "q": FILTER,
                "limit": {"type": "integer", "minimum": 1, "maximum": 50, "description": "10 unless said."},
                "cursor": TEXT | {"description": "next_cursor of the answer before, with everything else the same."},
                "sort": TEXT | {"description": "Such as -created, -latency, cost or -metric.<slug>; - is descending."},
                "all_spans": {"type": "boolean", "description": "The steps inside too, not only whole executions."},
            },
            _search,
        ),
        Tool(
            "read_record",
            "One record: inputs, outputs, expected output, measurements, all its scores with their reasoning, the "
            "steps of its trace, and for each rule why it was scored or not. Long values are cut.",
            {"record": RECORD},
            lambda said: {
                "record": Call("GET", f"/records/{said['record']}"),
                "rules": Call("GET", f"/records/{said['record']}/why"),
            },
            ("record",),
        ),
        Tool(
            "score_record",
            "Adds a score to a record: the value field that fits the metric's value type, and why. Earlier scores stay "
            "in the history. The same id again is a harmless repeat.",
            {
                "record": RECORD,
                "metric": TEXT | {"description": "The metric's slug."},
                "numerical_value": {"type": "number"},
                "boolean_value": {"type": "boolean"},
                "categorical_value": {"type": "array", "items": TEXT, "description": "One choice, or several."},
                "string_value": TEXT | {"description": "Of a metric of type comment."},
                "reasoning": TEXT | {"maxLength": 10_000},
                "id": TEXT | {"description": "A name of your own for this score."},
            },
            _score,
            ("record", "metric"),
            writes=True,
        ),
        Tool(
            "start_scoring_run",
            "Runs evaluators over all records behind a filter. Without dry_run false it only answers the estimate: how "
            "many records and calls, what they cost in USD. Show that to the person who pays before you start.",
            {
                "q": FILTER,
                "evaluators": SLUGS,
                "mode": {"enum": ["all", "stale"], "description": "stale: only what has no score by these versions."},
                "limit": {"type": "integer", "minimum": 1, "description": "The newest so many records."},
                "dry_run": {"type": "boolean", "description": "true unless said."},
            },
            _start,
            ("q", "evaluators"),
            writes=True,
        ),
        Tool(
            "read_scoring_run",
            "How far a scoring run is, and what it cost so far.",
            {"number": {"type": "integer", "minimum": 1}},
            lambda said: {"run": Call("GET", f"/scoring-runs/{said['number']}")},
            ("number",),
        ),
        Tool(
            "compare_experiments",
            "Whether experiments are better or worse than a baseline: for each metric a verdict with its 95 % "
            "interval, and the cases that changed most. Where it cannot be told yet, do not read a winner into it.",
            {
                "baseline": TEXT | {"description": "Slug of the experiment that the others are compared with."},
                "experiments": SLUGS | {"maxItems": 4},
                "margin": TEXT | {"description": "Points within which there is no difference; 2 unless said."},
            },
            lambda said: {
                "comparison": Call(
                    "GET", "/experiments/compare",
                    {"ids": ",".join((said["baseline"], *said["experiments"])), "margin": said.get("margin", "")},
                )
            },
            ("baseline", "experiments"),
        ),
    )
}  # fmt: skip
