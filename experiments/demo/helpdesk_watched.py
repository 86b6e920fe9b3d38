"""What the helpdesk's team watches: the prompt's version 5 shows on two dashboards, and one alert has fired since."""

from experiments.demo.watching import Watch, Watched

QUALITY = "passes.factuality,passes.tone,passes.resolved,mean.groundedness,errors,records"
WATCH = Watch(
    dashboards=(
        ("Support quality", f"q=environment%3Aproduction&range=30d&charts={QUALITY.replace(',', '%2C')}"),
        ("By prompt version", f"q=environment%3Aproduction&range=30d&by=prompt&charts={QUALITY.replace(',', '%2C')}"),
    ),
    alerts=(
        Watched({
            "name": "Tone below 80 %", "figure": "passes", "metric": "tone", "filter": "environment:production",
            "window_seconds": 86400, "side": "below", "threshold": 0.8, "pending_seconds": 6 * 3600,
            "recovery_threshold": 0.85, "recovery_seconds": 6 * 3600,
        }),
        Watched({
            "name": "Errors above 10 %", "figure": "errors", "filter": "environment:production",
            "window_seconds": 86400, "side": "above", "threshold": 0.1, "pending_seconds": 3600,
        }, days=2),
        Watched({
            "name": "Slow answers", "figure": "latency_p95", "window_seconds": 3 * 86400, "side": "above",
            "threshold": 20.0, "least": 100,
        }, days=2),
    ),
)  # fmt: skip
