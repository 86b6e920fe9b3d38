"""What a rule decides about a record. Pure, and the same for planning, *Test rule* and *Why not scored?*."""

from collections.abc import Sequence
from hashlib import blake2b
from math import inf
from typing import NamedTuple
from uuid import UUID

from django.db.models import TextChoices

from scoring.models.rule import RuleScope, RuleTerms, SpansMode


class Gate(TextChoices):
    """Where a record was stopped, in the order in which the gates stand; DRAWN: it passed them all."""

    DISABLED = "disabled", "The rule was not at work"
    RUNNING = "running", "The record has not ended"
    EXPERIMENT = "experiment", "Records of experiments and of the playground are left out"
    WAITING = "waiting", "More of its trace may come"
    SPANS = "spans", "Not one of the chosen spans"
    FILTER = "filter", "The filter does not match"
    SAMPLING = "sampling", "Not in the sample"
    DRAWN = "drawn", "To be scored"


# How many of the counters seen, spans, filter, sampled a record adds to that got as far as the gate.
PASSED = {
    Gate.DISABLED: 0, Gate.RUNNING: 0, Gate.EXPERIMENT: 0, Gate.WAITING: 0, Gate.SPANS: 1, Gate.FILTER: 2,
    Gate.SAMPLING: 3, Gate.DRAWN: 4,
}  # fmt: skip


class Facts(NamedTuple):
    """What the gates ask of a record.

    `orphan`: a root only because its parent has not come. `leads`: it stands for its trace, as its earliest root, or it
    has none. `experiment`: whose it is; `tried`: it is of the playground. `matches`: those filters, by their texts,
    that it matches. `quiet`: seconds since its trace last grew.
    """

    id: UUID
    trace_id: str
    name: str
    is_root: bool
    orphan: bool
    leads: bool
    ended: bool
    experiment: str
    tried: bool
    matches: frozenset[str]
    quiet: float = inf

    @property
    def drawn_by(self) -> str:
        """Whole traces are drawn; a record without one is drawn by itself."""
        return self.trace_id or str(self.id)


def decide(version: RuleTerms, facts: Facts) -> Gate:
    """`version` is a rule version, or the rule itself as it is now."""
    gate = before_sampling(version, facts)
    return Gate.SAMPLING if gate is Gate.DRAWN and not sampled(version, [facts]) else gate


def before_sampling(version: RuleTerms, facts: Facts) -> Gate:
    """Where all other gates leave it; DRAWN: to the draw."""
    if not version.enabled:
        return Gate.DISABLED
    if not facts.ended:
        return Gate.RUNNING
    if (facts.experiment or facts.tried) and not version.include_experiments:
        return Gate.EXPERIMENT
    if facts.quiet < version.quiet_seconds and _waits(version, facts):
        return Gate.WAITING
    if not _chosen(version, facts):
        return Gate.SPANS
    if version.filter not in facts.matches:
        return Gate.FILTER
    return Gate.DRAWN


def _waits(version: RuleTerms, facts: Facts) -> bool:
    """Children mostly come before their parents: they must not pass for roots meanwhile."""
    if version.scope == RuleScope.TRACE:
        return bool(facts.trace_id)
    return facts.orphan and version.spans_mode == SpansMode.ROOT


def _chosen(version: RuleTerms, facts: Facts) -> bool:
    if version.scope == RuleScope.TRACE:
        return facts.leads
    match version.spans_mode:
        case SpansMode.ROOT:
            return facts.is_root
        case SpansMode.NAMED:
            return facts.name in version.span_names
        case _:
            return True


def sampled(version: RuleTerms, found: Sequence[Facts]) -> list[Facts]:
    """Those of them that are in the sample, in their order. Few are: each trace is drawn once for all its spans."""
    keys = [facts.drawn_by for facts in found]
    drawn = {key for key in set(keys) if draws(version.salt, key, version.rate)}
    return [facts for facts, key in zip(found, keys, strict=True) if key in drawn] if drawn else []


def draws(salt: str, key: str, rate: float) -> bool:
    """Whether a trace is in the sample: always the same answer, and a higher rate keeps what a lower one had drawn."""
    hashed = blake2b(f"{salt}:{key}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(hashed) < rate * 2.0**64
