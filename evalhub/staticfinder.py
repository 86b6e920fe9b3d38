"""Serves plotly.min.js out of the installed plotly wheel, so that no bundle lies in the repository."""

from importlib.util import find_spec
from pathlib import Path

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage


class PlotlyFinder(BaseFinder):
    name = "plotly.min.js"

    def __init__(self, *args: object, **kwargs: object) -> None:
        self.storage = FileSystemStorage(Path(find_spec("plotly").origin).parent / "package_data")

    def find(self, path: str, find_all: bool = False, **kwargs: object) -> list[str] | str:
        hits = [self.storage.path(path)] if path == self.name else []
        return hits if find_all else (hits[0] if hits else [])

    def list(self, ignore_patterns: list[str] | None):
        yield self.name, self.storage
