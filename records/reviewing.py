"""Scores that wait for a person: taken for a while, given back, withdrawn, and reopened after a slip.

A person's pending score is a *slot*. Whose it is says `assignee_id`: for good where there is no lease (it was
assigned), else until `lease_until`. Its answer goes through `scores.complete`, with the assignee as its fence. What
changes values follows the one locking order of scores.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from records.limits import MAX_ITEMS
from records.scores import SQL, settling
from records.sql import Step, steps

FIRST = UUID(int=0)
MINE, FREE, EXPIRED = "assignee_id = %(person)s", "assignee_id IS NULL", "lease_until < now()"
SKIP = "SKIP LOCKED"


@dataclass(frozen=True, slots=True)
class Slot:
    """A pending score in a person's hands. `lease_until` None: it is assigned to them."""

    id: UUID
    record_id: UUID
    task_key: str
    lease_until: datetime | None


def take(
    project_id: int,
    task_keys: Sequence[str],
    person_id: int,
    lease_seconds: float,
    *,
    after: Slot | None = None,
    record_id: UUID | None = None,
) -> Slot | None:
    """A slot of these tasks for this person: what is theirs already, else a free one, held for `lease_seconds`.

    What somebody else is just taking is passed over. Never gives a person two slots of one record.
    `after`: only slots behind that one, in the order of task keys and planning; `record_id`: only that record's.
    """
    keys = list(task_keys)
    where = "" if record_id is None else "AND record_id = %(record)s"
    params = {
        "person": person_id, "keys": keys, "lease": lease_seconds, "record": record_id,
        "after_key": after.task_key if after else "", "after": after.id if after else FIRST,
    }  # fmt: skip
    # Who looks for a free one may have locked mine for a moment, after I was faster: that one is waited for.
    tries = [(MINE, "", keys)] + [(FREE, SKIP, [key]) for key in keys] + [(EXPIRED, SKIP, keys)]
    with transaction.atomic(), connection.cursor() as cursor:
        # One person in two windows takes one after the other, so that each sees what the other has.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [keys[0], person_id])
        for whose, wait, among in tries:
            sql = SQL["take"].replace("/* whose */", f"{whose} {where}").replace("/* wait */", wait)
            cursor.execute(sql, {"p": project_id, "among": among} | params)
            if found := cursor.fetchone():
                return Slot(*found)
    return None


def let_go(project_id: int, slot_id: UUID, person_id: int) -> None:
    """Gives a slot back that the person holds; one that is assigned to them stays theirs."""
    _step(project_id)("let_go", id=slot_id, person=person_id)


def held(project_id: int, task_keys: Sequence[str], person_id: int, record_id: UUID) -> Slot | None:
    """The slot of this record that is in the person's hands now. Changes nothing."""
    found = _step(project_id)("held", keys=list(task_keys), person=person_id, record=record_id)
    return Slot(*found[0]) if found else None


def reopen(
    project_id: int, task_keys: Sequence[str], person_id: int, record_id: UUID, lease_seconds: float
) -> Slot | None:
    """Takes a person's own answer back: the slot is pending again, in their hands; None where they gave none.

    What counted before it counts again.
    """
    params = {"keys": list(task_keys), "person": person_id, "record": record_id, "lease": lease_seconds}
    with settling(project_id, [record_id]) as step:
        step("reopen", **params)
        step("recrown")
        reopened = step("staged")
    return held(project_id, task_keys, person_id, record_id) if reopened else None


def withdraw(project_id: int, task_keys: Sequence[str], most: int | None = None) -> int:
    """Deletes what is still pending of these tasks, also what somebody holds; how many. `most`: about so many."""
    withdrawn, keys = 0, list(task_keys)
    while most is None or withdrawn < most:
        records = [id for (id,) in _step(project_id)("withdrawable", keys=keys, limit=MAX_ITEMS)]
        if not records:
            break
        with settling(project_id, records) as step:
            step("withdraw", keys=keys, records=records)
            step("recrown")
            withdrawn += len(step("staged"))
    return withdrawn


def _step(project_id: int) -> Step:
    """One statement of its own."""

    def run(name: str, **params: object) -> list[tuple]:
        with connection.cursor() as cursor:
            return steps(cursor, SQL, project_id)(name, **params)

    return run
