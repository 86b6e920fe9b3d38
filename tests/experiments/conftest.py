import pytest

from tests.experiments.running import begun
from tests.model_server import model_server


@pytest.fixture(scope="module")
def served():
    with model_server() as server:
        yield server


@pytest.fixture
def server(served):
    served.answers.clear()
    served.requests.clear()
    served.refuses = lambda request: None
    served.seconds = 0.0
    return served


@pytest.fixture
def rung(monkeypatch):
    with begun.no_queue(monkeypatch) as rung:
        yield rung
