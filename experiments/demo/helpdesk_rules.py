"""What the helpdesk scores online: the length of every answer, a share of them by a judge within a budget of the day,
and a rule that somebody has paused."""

from experiments.demo.ruling import Told

RULES: tuple[Told, ...] = (
    Told(
        "Length of every answer", "Free, so it looks at each answer in production.", ("answer_length",),
        {"filter": "environment:production", "rate": 1.0, "spans_mode": "root"}, days_ago=9,
    ),
    Told(
        "Factuality in production", "A share of the answers, since the judge costs money. Raised for the v5 rollout.",
        ("factuality_judge",),
        {"filter": "environment:production -tag:handed-over", "rate": 0.1, "spans_mode": "root"}, days_ago=12,
        later=({"rate": 0.4, "budget_calls_day": 25},), later_days_ago=6.5,
    ),
    Told(
        "Tone of refund answers", "Paused while the judge's prompt is being reworked.", ("tone_judge",),
        {"filter": "metadata.area = 'billing' AND latency > 2", "rate": 0.5, "spans_mode": "root"}, days_ago=15,
        paused_days_ago=3,
    ),
)  # fmt: skip
