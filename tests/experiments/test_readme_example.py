"""The README's program that runs an experiment of its own does what the README says."""

import io
import re
from pathlib import Path

import pytest
from django.test import Client

from experiments.models import Experiment, ExperimentState, RowState
from tests.experiments.running.begun import dataset, questions, states, turned
from tests.records.api.calls import key
from tests.scoring.running import exact

README = Path(__file__).resolve().parents[2] / "README.md"


def program() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (found,) = [block for block in blocks if "/claim" in block]
    return found


@pytest.mark.usefixtures("rung")
def test_the_readmes_twenty_lines_run_a_custom_experiment(project, monkeypatch, capsys):
    dataset(project, *questions(120), slug="questions")
    exact(project, "correct", text="You asked: What is")
    client, hub = Client(), "http://hub.test"

    def urlopen(request):
        assert request.full_url.startswith(f"{hub}/api/v1/experiments")
        answer = client.post(
            request.full_url.removeprefix(hub), request.data, content_type=request.headers["Content-type"],
            headers={"authorization": request.headers["Authorization"]},
        )  # fmt: skip
        assert answer.status_code in (200, 202), answer.content
        return io.BytesIO(answer.content)

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setenv("EVALHUB_URL", hub)
    monkeypatch.setenv("EVALHUB_KEY", key(project))
    lines = [line for line in program().splitlines() if line.strip()]
    assert len(lines) <= 20
    exec(program(), {})  # noqa: S102 - our own README
    done = turned(Experiment.objects.get())
    assert (done.state, states(done)) == (ExperimentState.COMPLETED, [RowState.SCORED] * 120)
    assert "my-program" in capsys.readouterr().out
