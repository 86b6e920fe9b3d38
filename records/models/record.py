"""Records: the narrow hot row, its payload, and what ingest leaves for others (outbox, blobs)."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from records.models import columns


class Source(models.IntegerChoices):
    API = 1, "api"
    PLAYGROUND = 2, "playground"
    KICKOFF = 3, "kickoff"
    TRACE = 4, "trace"


class RecordStatus(models.IntegerChoices):
    """Where a record's scoring stands; follows from its current scores (records/sql/scores.sql, record_status)."""

    UNSCORED = 0, "unscored"
    PENDING = 1, "pending"
    COMPLETED = 2, "completed"
    ERRORED = 3, "errored"


class Kind(models.TextChoices):
    LLM = "llm"
    TOOL = "tool"
    RETRIEVER = "retriever"
    AGENT = "agent"
    CHAIN = "chain"
    EMBEDDING = "embedding"
    RERANKER = "reranker"
    GUARDRAIL = "guardrail"
    TASK = "task"
    OTHER = "other"


class RecordFacts(models.Model):
    """The columns that Record and its 1 % sample share. Durations in milliseconds, costs in USD."""

    pk = models.CompositePrimaryKey("project_id", "id")
    project = columns.project()
    id = models.UUIDField(help_text="uuidv7 of our own making; tells when the record arrived.")
    created_at = models.DateTimeField(help_text="When it happened.")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    trace_id = columns.text()
    span_id = columns.text()
    parent_id = columns.text()
    external_id = models.TextField(
        help_text="The sender's key; trace:span for spans. The one arbiter of what is a repeat."
    )
    name = columns.text()
    kind = models.TextField(choices=Kind, default=Kind.OTHER, db_default=Kind.OTHER)
    is_root = models.BooleanField()
    source = columns.small(choices=Source)
    status = columns.small(choices=RecordStatus, default=RecordStatus.UNSCORED, db_default=RecordStatus.UNSCORED)
    created_by = columns.text()
    environment = columns.text()
    customer = columns.text()
    custom_id = columns.text()
    thread = columns.text()
    model = columns.text()
    provider = columns.text()
    prompt = columns.text()
    prompt_version = models.IntegerField(null=True)
    experiment = columns.text()
    case_id = columns.text()
    epoch = columns.small(null=True)
    inputs_hash = models.BinaryField(null=True, help_text="Of the inputs: equal cases of two experiments.")
    input_hash = models.BinaryField(null=True, help_text="Of inputs and outputs: what a score was given on.")
    latency_ms = columns.count()
    ttft_ms = columns.count()
    tokens_in = columns.count()
    tokens_out = columns.count()
    tokens_cached = columns.count()
    tokens_cache_write = columns.count()
    tokens = columns.count()
    cost = columns.money()
    cost_estimated = models.BooleanField(
        default=False, db_default=False, help_text="From the price table, not from the sender."
    )
    truncated = models.BooleanField(default=False, db_default=False, help_text="A value over a limit was stored cut.")
    error = columns.text()
    tags = ArrayField(models.TextField(), default=list, db_default=[])
    metrics = models.JSONField(
        default=dict, db_default={}, help_text="Sent measurements that have no column of their own."
    )
    metadata = models.JSONField(default=dict, db_default={})
    # On the trace's earliest root only: the roll-up of the whole trace.
    trace_spans = columns.count()
    trace_tokens = models.BigIntegerField(null=True)
    trace_cost = columns.money(max_digits=24)
    trace_errors = columns.count()

    class Meta:
        abstract = True


class Record(RecordFacts):
    """One execution of an AI system, or one step inside it (a span)."""

    class Meta:
        db_table = "record"
        constraints = [models.UniqueConstraint(fields=["project", "external_id"], name="record_external")]
        indexes = [
            # The Records page, newest first: all spans, then roots.
            models.Index(F("project"), F("created_at").desc(), F("id").desc(), name="record_time"),
            models.Index(
                F("project"), F("created_at").desc(), F("id").desc(), name="record_root", condition=Q(is_root=True)
            ),
            # The same page behind one equality each.
            models.Index(F("project"), F("status"), F("created_at").desc(), F("id").desc(), name="record_status"),
            models.Index(F("project"), F("source"), F("created_at").desc(), F("id").desc(), name="record_source"),
            models.Index(F("project"), Lower("name"), F("created_at").desc(), F("id").desc(), name="record_name"),
            models.Index(
                F("project"), Lower("experiment"), F("created_at").desc(), F("id").desc(),
                name="record_experiment", condition=~Q(experiment=""),
            ),
            models.Index(F("project"), Lower("model"), F("created_at").desc(), F("id").desc(), name="record_model"),
            models.Index(
                F("project"), Lower("environment"), F("created_at").desc(), F("id").desc(), name="record_environment"
            ),
            # A trace's spans, and its roots for the roll-up. Partial: repeat `trace_id <> ''` on record itself.
            models.Index(F("project"), F("trace_id"), F("is_root"), name="record_trace", condition=~Q(trace_id="")),
            # The sessions, newest first, and one session's records. Partial: repeat `thread <> ''` on record itself.
            models.Index(
                F("project"), F("created_at").desc(), F("id").desc(), name="record_thread_time", condition=~Q(thread="")
            ),
            models.Index(
                F("project"), F("thread"), F("created_at").desc(), F("id").desc(), name="record_thread",
                condition=~Q(thread=""),
            ),
            # Sorting and ranges.
            models.Index(F("project"), F("latency_ms"), name="record_latency"),
            models.Index(F("project"), F("cost"), name="record_cost"),
            models.Index(F("project"), F("tokens"), name="record_tokens"),
            # Sorting by what many records lack.
            models.Index(fields=["project", "ttft_ms"], name="record_ttft", condition=Q(ttft_ms__isnull=False)),
            models.Index(
                fields=["project", "tokens_in"], name="record_tokens_in", condition=Q(tokens_in__isnull=False)
            ),
            models.Index(
                fields=["project", "tokens_out"], name="record_tokens_out", condition=Q(tokens_out__isnull=False)
            ),
            # metadata.<path> = value, as containment.
            GinIndex(fields=["metadata"], opclasses=["jsonb_path_ops"], name="record_metadata"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name or str(self.id)


class Payload(models.Model):
    """A record's big values, so that the table page never reads them beyond its fifty previews."""

    pk = models.CompositePrimaryKey("project_id", "record_id")
    project = columns.project()
    record_id = models.UUIDField()
    record = models.ForeignObject(
        Record, models.DO_NOTHING, from_fields=["project_id", "record_id"], to_fields=["project_id", "id"],
        related_name="payloads",
    )  # fmt: skip
    inputs = models.JSONField(null=True)
    outputs = models.JSONField(null=True)
    expected = models.JSONField(null=True)
    search_text = models.TextField(
        null=True, help_text="Inputs and outputs flattened and capped: what text search reads."
    )

    class Meta:
        db_table = "payload"

    def __str__(self) -> str:
        return str(self.record_id)


class Blob(models.Model):
    """A file lifted out of a payload, once a project: payloads refer to it by its SHA-256."""

    pk = models.CompositePrimaryKey("project_id", "sha256")
    project = columns.project()
    sha256 = models.CharField(max_length=64)
    content_type = models.CharField(max_length=120)
    size = models.IntegerField(help_text="Bytes.")
    data = models.BinaryField()

    class Meta:
        db_table = "blob"

    def __str__(self) -> str:
        return self.sha256


class BlobUse(models.Model):
    """Who names a lifted file: a record, by its id. A file that nobody names is deleted."""

    pk = models.CompositePrimaryKey("project_id", "holder_id", "sha256")
    project = columns.project()
    holder_id = models.UUIDField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        db_table = "blob_use"
        # Whether anybody is left who names a file.
        indexes = [models.Index(fields=["project", "sha256"], name="blob_use_file")]

    def __str__(self) -> str:
        return f"{self.sha256} of {self.holder_id}"


class Tag(models.Model):
    """A tag that the project knows, for completion; the tags of a record stand on the record."""

    project = models.ForeignKey("evalhub.Project", models.CASCADE, related_name="tags")
    name = models.CharField(max_length=100)

    class Meta:
        db_table = "tag"
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="tag_once")]
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Outbox(models.Model):
    """One row an ingest batch, in its transaction; deleted by whoever has planned its online scoring.

    `ids` are the records that ended with this batch, `changed` those that had ended before and whose inputs or outputs
    are others now. What is neither is no news: it still runs, or repeats what is known.
    """

    pk = models.CompositePrimaryKey("project_id", "id")
    project = columns.project()
    id = models.UUIDField()
    ids = ArrayField(models.UUIDField())
    changed = ArrayField(models.UUIDField(), default=list, db_default=[])

    class Meta:
        db_table = "outbox"

    def __str__(self) -> str:
        return str(self.id)
