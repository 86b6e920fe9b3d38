"""The versions of a rule, each with what it changed."""

from dataclasses import dataclass
from typing import Any

from scoring.models import Evaluator, Rule, RuleVersion, SpansMode
from scoring.version_diffs import Line, changed

TERMS = (
    "filter", "spans_mode", "span_names", "scope", "quiet_seconds", "rate", "include_experiments", "judge_again",
    "enabled",
)  # fmt: skip
LABELS = {
    "filter": "Filter", "spans_mode": "Spans", "span_names": "Names of spans", "scope": "Judges",
    "quiet_seconds": "Quiet for", "rate": "Sampling rate", "include_experiments": "Experiments, playground",
    "judge_again": "Judge again", "enabled": "At work", "evaluators": "Evaluators",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A version and the fields in which it differs from the one before, by their labels; of the first one, all."""

    version: RuleVersion
    fields: list[tuple[str, list[Line]]]


def versions_page(rule: Rule, size: int) -> list[RuleChange]:
    """The newest `size` versions. Two queries."""
    versions = list(RuleVersion.objects.filter(project_id=rule.project_id, rule=rule).order_by("-number")[: size + 1])
    ids = {id for version in versions for id in version.evaluator_ids}
    slugs = dict(Evaluator.objects.filter(project_id=rule.project_id, id__in=ids).values_list("id", "slug"))
    shown = [_shown(version, slugs) for version in versions]
    if len(versions) <= size:
        shown.append({})
    return [
        RuleChange(version, changed(before, after))
        for version, after, before in zip(versions[:size], shown, shown[1:], strict=False)
    ]


def _shown(version: RuleVersion, slugs: dict[int, str]) -> dict[str, Any]:
    """By label, as words; what does not apply is left out."""
    values = {name: getattr(version, name) for name in TERMS}
    values["rate"] = f"{version.rate * 100:g} %"
    values["quiet_seconds"] = f"{version.quiet_seconds} s" if version.scope == "trace" else None
    values["scope"], values["spans_mode"] = version.get_scope_display(), version.get_spans_mode_display()
    values["span_names"] = "\n".join(version.span_names) if version.spans_mode == SpansMode.NAMED else None
    for name in ("include_experiments", "judge_again", "enabled"):
        values[name] = "yes" if values[name] else "no"
    values["evaluators"] = "\n".join(sorted(slugs.get(id, "deleted") for id in version.evaluator_ids))
    return {LABELS[name]: value for name, value in values.items()}
