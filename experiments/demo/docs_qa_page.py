"""The shape of a page of the "Driftbox" manual: its questions, right answers, and answers as a careless reader gives
them. A question without an answer in the page expects that the assistant says so."""

from typing import NamedTuple

NOT_SAID = "The documentation does not say."


class Question(NamedTuple):
    """`detail`: what the right answer must contain. `slip`: what is wrong with the careless answer, for a judge."""

    text: str
    answer: str
    detail: str
    careless: str
    slip: str


class Guide(NamedTuple):
    title: str
    text: str
    questions: tuple[Question, ...]
