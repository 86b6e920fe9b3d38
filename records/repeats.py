"""Scores that came without an id of the sender's: which of them say something new?

What a sender says in one go about a record by one metric is a statement. The same statement as the one before is a
repeat (a post that was sent twice, a file imported again); once something else was said in between it is news, so that
1, 0, 1 are three scores. Each statement has a number, its turn; the turn, a digest of the statement, and the score's
place in it make up the score's task key.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import orjson

from records.score_rows import NewScore

Subject = tuple[UUID, str]  # a record, and the beginning of the keys of one sender's scores by one metric on it


def subject(score: NewScore) -> Subject:
    return score.record_id, f"said:{_digest(score.sender)}:{score.metric.id}:"


def told_apart(new: Sequence[NewScore], last: Mapping[Subject, str]) -> list[NewScore]:
    """`new` with the task keys of those that are `said`; one that has the key of a stored score is a repeat of it.

    `last`: the greatest stored key of each subject that has one.
    """
    statements: dict[Subject, list[NewScore]] = {}
    for score in new:
        if score.said:
            statements.setdefault(subject(score), []).append(score)
    found: dict[UUID, tuple[UUID, str]] = {}
    for about, scores in statements.items():
        turn, digest = 0, _digest(*(part for score in scores for part in _words(score)))
        if about in last:
            turn, said = int(last[about].split(":")[3]), last[about].split(":")[4]
            turn += said != digest
        ids = sorted(score.id for score in scores)  # made in one millisecond they have no order: the last said is last
        for n, score in enumerate(scores):
            found[score.id] = ids[n], f"{about[1]}{turn:08d}:{digest}:{n}"
    return [replace(s, id=found[s.id][0], task_key=found[s.id][1]) if s.said else s for s in new]


def _words(score: NewScore) -> tuple[object, ...]:
    value = score.value
    typed = (value.numerical_value, value.boolean_value, value.categorical_value, value.string_value)
    return *typed, score.scorer, score.reasoning


def _digest(*words: object) -> str:
    return hashlib.sha256(orjson.dumps(words, default=str)).hexdigest()[:16]
