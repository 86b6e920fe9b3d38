"""Embedding similarity: how near two texts lie in a model's space. The call is somebody else's; both sides are pure."""

import math
from typing import Any

from pydantic import Field

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import AGAINST, VALUE, Path, as_text, pick
from scoring.verdicts import Verdict, completed, errored

MAX_EMBEDDED_CHARS = 30_000  # what embedding models take is about 8,000 tokens


class EmbeddingSettings(Settings):
    provider_id: int = Field(title="Provider", description="Whose model makes the embeddings.")
    model: str = Field(min_length=1, max_length=200, title="Model", description="Such as text-embedding-3-small.")
    value: Path = VALUE
    against: Path = AGAINST
    floor: float = Field(
        0,
        ge=0,
        lt=1,
        title="Floor",
        description="The cosine that counts as 0: many models give 0.7 for unrelated texts.",
    )


def texts(inputs: dict[str, Any], settings: EmbeddingSettings) -> list[str]:
    """The two texts to be embedded, in order. Raises NoVerdict."""
    return [as_text(pick(inputs, path))[:MAX_EMBEDDED_CHARS] for path in (settings.value, settings.against)]


def compare(vectors: list[list[float]], settings: EmbeddingSettings) -> Verdict:
    left, right = vectors
    if len(left) != len(right) or not left:
        return errored("The provider gave embeddings of different length.")
    norms = math.hypot(*left) * math.hypot(*right)
    if not norms or not math.isfinite(norms):
        return errored("The provider gave an embedding without a direction.")
    cosine = math.fsum(a * b for a, b in zip(left, right, strict=True)) / norms
    score = min(1.0, max(0.0, (cosine - settings.floor) / (1 - settings.floor)))
    return completed(score, f"Cosine {cosine:.4f}.")


EMBEDDING = Builtin(
    key="embedding_similarity",
    name="Embedding similarity",
    description="How near the output is to the expected text in meaning, from 0 to 1, by a provider's embeddings.",
    settings=EmbeddingSettings,
    evaluate=None,
    gives=lambda settings: ValueType.NUMERICAL,
    known_as=("EmbeddingSimilarity", "AnswerSimilarity"),
    texts=texts,
    compare=compare,
)
