"""A comparison written out whole, a case a line: each experiment's outputs and scores, and what changed.

The values are those that the verdicts are of; the outputs are read, written and forgotten a batch of cases at a time.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from evalhub.api import to_json
from experiments.comparison.matching import match
from experiments.comparison.sides import TOOK, Kind, Measure, Side, kind_of, numbered
from records.export import cell, safe
from records.models import Payload, ValueType

BATCH = 100  # cases whose outputs are held at once

Row = dict[str, Any]
Cases = list[str | None]  # what a case is called in each experiment; None where it has no such case


def matched_cases(sides: Sequence[Side]) -> Iterator[Cases]:
    """The first's cases in their order, then those that only others have: those of one id together."""
    first, *others = sides
    found = [match(first, other) for other in others]
    partners = [dict(one.pairs) for one in found]
    for case in first.cases:
        yield [case, *(partner.get(case) for partner in partners)]
    lonely = [set(one.only_second) for one in found]
    for case in dict.fromkeys(case for one in found for case in one.only_second):
        yield [None, *(case if case in cases else None for cases in lonely)]


def rows(project_id: int, sides: Sequence[Side]) -> Iterator[Row]:
    """`scores` are what verdicts are of: passes as 1 and 0, else numbers, epochs averaged; `changes` those less the
    first experiment's. `values` are the numbers of what passes and fails by its number."""
    kinds = {measure.key: kind_of(measure.key, sides) for side in sides for measure in numbered(side, sides)}
    took = [{what: side.took(what) for what in TOOK} for side in sides]
    for batch in batched(matched_cases(sides), BATCH):
        ids = [
            run.record_id
            for cases in batch
            for side, case in zip(sides, cases, strict=True)
            for run in side.cases.get(case, ())
            if run.record_id
        ]
        payloads = {one.record_id: one for one in _payloads(project_id, ids)}
        for cases in batch:
            yield _row(sides, cases, kinds, took, payloads)


def lines_of(project_id: int, sides: Sequence[Side], kind: str) -> Iterator[bytes]:
    """`kind` is csv or jsonl."""
    found = rows(project_id, sides)
    return csv_lines(sides, found) if kind == "csv" else jsonl(found)


def jsonl(found: Iterator[Row]) -> Iterator[bytes]:
    """One case a line."""
    for row in found:
        yield to_json(row) + b"\n"


def csv_lines(sides: Sequence[Side], found: Iterator[Row]) -> Iterator[bytes]:
    """A heading and one case a line: for each experiment its output (of several epochs a JSON list), scores, changes
    and what it took. Nothing in a cell is a formula to a spreadsheet."""
    keys = [[measure.key for measure in numbered(side, sides)] for side in sides]
    values = [
        [one.key for one in numbered(side, sides) if _is_number(one) and kind_of(one.key, sides) == "passes"]
        for side in sides
    ]
    first, *_ = sides
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    heading = ["case_id", "inputs", "expected"]
    for side, of_side, with_value in zip(sides, keys, values, strict=True):
        names = ["output", *of_side, *(f"{key}.value" for key in with_value), *TOOK]
        names += [] if side is first else [f"{key}.change" for key in of_side]
        heading += [f"{side.slug}.{name}" for name in names]
    writer.writerow(safe(name) for name in heading)
    yield _taken(buffer)
    for row in found:
        cells = [safe(row["case_id"]), cell("inputs", row["inputs"]), cell("expected", row["expected"])]
        for side, of_side, with_value, one in zip(sides, keys, values, row["experiments"], strict=True):
            outputs = [run["output"] for run in one["runs"]]
            cells.append(cell("outputs", outputs[0] if len(outputs) == 1 else outputs or None))
            cells += [_number(one["scores"].get(key)) for key in of_side]
            cells += [_number(one["values"].get(key)) for key in with_value]
            cells += [_number(one["took"].get(what)) for what in TOOK]
            if side is not first:
                cells += [_number(one["changes"].get(key)) for key in of_side]
        writer.writerow(cells)
        yield _taken(buffer)


def _row(
    sides: Sequence[Side], cases: Cases, kinds: dict[str, Kind], took: list[dict[str, dict[str, float]]],
    payloads: dict[UUID, Payload],
) -> Row:  # fmt: skip
    experiments, given = [], None
    for side, case, spent in zip(sides, cases, took, strict=True):
        scores = {key: side.values_of(key, kind)[case] for key, kind in kinds.items() if _has(side, key, kind, case)}
        before = experiments[0]["scores"] if experiments else {}
        held = [(run, payloads.get(run.record_id)) for run in side.cases.get(case, ())]
        given = given or next((payload for _, payload in held if payload), None)
        experiments.append(
            {
                "experiment": side.slug, "case_id": case,
                "runs": [
                    {"epoch": run.epoch, "record": run.record_id, "output": payload.outputs if payload else None}
                    for run, payload in held
                ],
                "scores": scores,
                "values": {
                    one.key: side.values_of(one.key, "mean")[case]
                    for one in side.measures
                    if _is_number(one) and kinds.get(one.key) == "passes" and _has(side, one.key, "mean", case)
                },
                "changes": {key: value - before[key] for key, value in scores.items() if key in before},
                "took": {what: by[case] for what, by in spent.items() if case in by},
            }
        )  # fmt: skip
    return {
        "case_id": next(case for case in cases if case is not None), "inputs": given.inputs if given else None,
        "expected": given.expected if given else None, "experiments": experiments,
    }  # fmt: skip


def _is_number(measure: Measure) -> bool:
    return measure.metric.value_type == ValueType.NUMERICAL


def _has(side: Side, key: str, kind: Kind, case: str | None) -> bool:
    return case in side.values_of(key, kind)


def _payloads(project_id: int, ids: list[UUID]) -> QuerySet[Payload]:
    return Payload.objects.filter(project_id=project_id, record_id__in=ids).defer("search_text")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"


def _taken(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data
