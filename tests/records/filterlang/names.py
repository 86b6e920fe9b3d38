"""A vocabulary without a database, for what is tested as tables of cases."""

from datetime import UTC, datetime

from records.filterlang import Condition, MetricInfo, Vocabulary, compile_sql, parse

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VOCABULARY = Vocabulary(
    metrics={
        "factuality": MetricInfo(1, "factuality", "Factuality", "numerical"),
        "safe": MetricInfo(2, "safe", "Safe", "boolean"),
        "tone": MetricInfo(3, "tone", "Tone", "categorical", ("Rude", "angry", "kind")),
        "note": MetricInfo(4, "note", "Note", "comment"),
    },
    people={"alice": 7},
    me=9,
    evaluators=frozenset(["judge"]),
)


def compiled(text: str, vocabulary: Vocabulary = VOCABULARY) -> Condition:
    return compile_sql(parse(text, vocabulary), vocabulary, NOW, UTC, text)
