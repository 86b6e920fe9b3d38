from difflib import get_close_matches


class FilterError(ValueError):
    """A filter that cannot be read. `pos` and `end` are characters of the text, counted from 0; `end` is exclusive."""

    def __init__(self, message: str, pos: int, end: int | None = None, text: str = "") -> None:
        super().__init__(message)
        self.message, self.pos, self.text = message, pos, text
        self.end = max(end if end is not None else pos + 1, pos + 1)

    @property
    def place(self) -> int:
        """The position as people count: from 1."""
        return self.pos + 1

    def pretty(self) -> str:
        """The message over the text with a caret under the place, for a terminal."""
        start = max(0, self.pos - 40)
        shown = "".join(c if c.isprintable() else " " for c in self.text[start : self.pos + 40])
        carets = "^" * max(1, min(self.end - self.pos, 30))
        return f"{self.message} (at character {self.place})\n  {shown}\n  {' ' * (self.pos - start)}{carets}"


def meant(word: str, known: list[str]) -> str:
    """'; did you mean ...?' where something close is known, else nothing."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(word.lower()[:40], by_lower, 1)
    return f"; did you mean '{by_lower[close[0]]}'?" if close else ""
