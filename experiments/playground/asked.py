"""The playground's form as somebody filled it: one editor a column, rows that are typed in or taken from a dataset."""

from dataclasses import dataclass, field
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.http import QueryDict

from evalhub.models import Project
from experiments.datasets.listing import items_of
from experiments.models import Dataset, PromptVersion
from experiments.prompts.versions import content_of, read_content
from experiments.prompts.writing import Written
from scoring.runs.starting import RunProblem, evaluators_named

MOST_COLUMNS = 4
MOST_ROWS = 50
MOST_ROW_CHARS = 100_000
CASES = 5  # of a dataset, unless another number is given


@dataclass(slots=True)
class Column:
    """`prompt` and `version` are where its messages were loaded from, whatever became of them since."""

    written: Written
    prompt: str = ""
    version: int | None = None


@dataclass(slots=True)
class Asked:
    """`errors` are by field: rows, dataset, evaluators; those of a column stand in its `written`."""

    columns: list[Column] = field(default_factory=lambda: [Column(Written())])
    rows: str = ""
    dataset: str = ""
    cases: str = str(CASES)
    evaluators: list[str] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, data: QueryDict) -> "Asked":
        count = min(MOST_COLUMNS, max(1, _number(data.get("columns", "")) or 1))
        columns = []
        for number in range(count):
            own, prefix = QueryDict(mutable=True), f"c{number}."
            for name, values in data.lists():
                if name.startswith(prefix):
                    own.setlist(name.removeprefix(prefix), values)
            columns.append(Column(Written.read(own), own.get("prompt", ""), _number(own.get("version", ""))))
        return cls(
            columns, data.get("rows", "").replace("\r\n", "\n"), data.get("dataset", ""), data.get("cases", ""),
            data.getlist("evaluators"),
        )  # fmt: skip

    def load(self, number: int, version: PromptVersion) -> None:
        """The version's content into a column."""
        self.columns[number] = Column(Written.of(version), version.prompt.slug, version.number)

    @property
    def sound(self) -> bool:
        return not self.errors and not any(column.written.errors for column in self.columns)

    def checked(self, project: Project) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Columns and rows as a run keeps them. What is wrong stands in `errors` and with the columns afterwards."""
        columns = [self._column(project, column) for column in self.columns]
        rows = self._from_dataset(project) if self.dataset else self._typed([c for c in columns if c])
        if self.evaluators:
            try:
                evaluators_named(project, self.evaluators)
            except RunProblem as problem:
                self.errors["evaluators"] = str(problem)
        return [column for column in columns if column], rows

    def _column(self, project: Project, column: Column) -> dict[str, Any] | None:
        written = column.written
        try:
            said = read_content(project, written.content())
        except ValidationError as problem:
            written.explain(problem)
            return None
        if not said["model"]:
            written.errors.setdefault("model", []).append("Name a model.")
        if said["provider_id"] is None:
            written.errors.setdefault("provider_id", []).append("Choose a provider.")
        if not any(message["content"].strip() for message in said["messages"]):
            written.errors.setdefault("messages", []).append("Write what the model is to be asked.")
        stored = _stored(project, column)
        same = stored is not None and content_of(stored) == said
        return said | {"prompt": column.prompt if same else "", "version": column.version if same else None}

    def _from_dataset(self, project: Project) -> list[dict[str, Any]]:
        dataset = Dataset.objects.filter(project=project, slug=self.dataset, archived_at=None).first()
        if dataset is None:
            self.errors["dataset"] = f"The project has no dataset {self.dataset[:100]!r}."
            return []
        count = _number(self.cases) or 0
        if not 1 <= count <= MOST_ROWS:
            self.errors["dataset"] = f"From 1 to {MOST_ROWS} cases."
            return []
        items = items_of(dataset).values("case_id", "inputs", "expected")[:count]
        if not items:
            self.errors["dataset"] = f"{dataset.name} has no cases yet."
        return list(items)

    def _typed(self, columns: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """A line is an object of variables, or a text where all columns share a single variable."""
        names = {variable["name"] for column in columns for variable in column["variables"]}
        lines = [line for line in self.rows.split("\n") if line.strip()]
        if not lines and not names:
            return [{"inputs": {}, "expected": None, "case_id": ""}]
        if not lines:
            self.errors["rows"] = f"Give a value of {', '.join(sorted(names))}, or choose a dataset."
        elif len(lines) > MOST_ROWS:
            self.errors["rows"] = f"At most {MOST_ROWS} rows; there are {len(lines)}."
        elif len(self.rows) > MOST_ROW_CHARS:
            self.errors["rows"] = f"At most {MOST_ROW_CHARS:,} characters."
        if "rows" in self.errors:
            return []
        rows = []
        for number, line in enumerate(lines, 1):
            try:
                inputs = orjson.loads(line) if line.lstrip().startswith("{") else None
            except orjson.JSONDecodeError as problem:
                self.errors["rows"] = f"Row {number} is not JSON: {problem}"
                return []
            if inputs is None and len(names) != 1:
                several = f"the variables are {', '.join(sorted(names))}" if names else "the prompt has no variable"
                self.errors["rows"] = f"Row {number}: {several}, so write a JSON object."
                return []
            rows.append({"inputs": inputs or {next(iter(names)): line.strip()}, "expected": None, "case_id": ""})
        return rows


def _stored(project: Project, column: Column) -> PromptVersion | None:
    named = PromptVersion.objects.filter(project=project, prompt__slug=column.prompt, number=column.version)
    return named.first() if column.prompt and column.version else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else None
