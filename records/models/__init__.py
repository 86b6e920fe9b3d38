from records.models.bulk import UNFINISHED, BulkJob, BulkKind, BulkStatus
from records.models.layout import ColumnLayout, Density
from records.models.metric import Metric, ValueType
from records.models.price import ModelPrice
from records.models.record import Blob, BlobUse, Kind, Outbox, Payload, Record, RecordStatus, Source, Tag
from records.models.rollup import RecordRollup, RecordSample, ScoreRollup, ScoreSample
from records.models.saved_view import SavedView
from records.models.score import Outcome, Rank, Score, ScoreDetail, ScoreSource, ScoreStatus

__all__ = [
    "UNFINISHED", "Blob", "BlobUse", "BulkJob", "BulkKind", "BulkStatus", "ColumnLayout", "Density", "Kind", "Metric",
    "ModelPrice", "Outbox", "Outcome", "Payload", "Rank", "Record", "RecordRollup", "RecordSample", "RecordStatus",
    "SavedView", "Score", "ScoreDetail", "ScoreRollup", "ScoreSample", "ScoreSource", "ScoreStatus", "Source",
    "Tag", "ValueType",
]  # fmt: skip
