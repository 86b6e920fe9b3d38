import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

from records.models import Payload, Record, Score


class Watched(SpanExporter):
    """The real exporter, and what it said of each export."""

    def __init__(self, exporter: OTLPSpanExporter) -> None:
        self.exporter = exporter
        self.results: list[SpanExportResult] = []

    def export(self, spans):
        self.results.append(self.exporter.export(spans))
        return self.results[-1]

    def shutdown(self) -> None:
        self.exporter.shutdown()


@pytest.mark.parametrize("compression", list(Compression))
def test_spans_of_the_sdk_arrive_with_every_compression(exporting, project, compression):
    watched = Watched(OTLPSpanExporter(compression=compression))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(watched))
    with provider.get_tracer("t").start_as_current_span("root", attributes={"session.id": "s-1", "list": [1, 2]}):
        pass
    provider.shutdown()
    assert watched.results == [SpanExportResult.SUCCESS]
    record = Record.objects.get(project=project)
    assert (record.name, record.thread, record.metadata["list"]) == ("root", "s-1", [1, 2])
    assert record.metadata["resource.telemetry.sdk.name"] == "opentelemetry"


def test_a_trace_arrives_with_its_tree_times_errors_and_scores(provider, project):
    tracer = provider.get_tracer("shop.agent", "1.2")
    with pytest.raises(ValueError), tracer.start_as_current_span("agent") as root:
        root.set_attributes({"openinference.span.kind": "AGENT", "input.value": "Where is my order?", "user.id": "u-1"})
        with tracer.start_as_current_span("search", kind=SpanKind.CLIENT) as search:
            search.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": '{"id": 7}'})
        root.add_event(
            "gen_ai.evaluation.result",
            {"gen_ai.evaluation.name": "Helpfulness", "gen_ai.evaluation.score.value": 0.25},
        )
        raise ValueError("no such order")
    assert provider.force_flush()

    root = Record.objects.get(project=project, name="agent")
    assert (root.kind, root.customer, root.environment, root.is_root) == ("agent", "u-1", "test", True)
    assert (root.error, root.trace_spans, root.trace_errors) == ("ValueError: no such order", 2, 1)
    assert root.started_at <= root.ended_at and root.latency_ms is not None
    assert Payload.objects.get(project=project, record_id=root.id).inputs == "Where is my order?"
    score = Score.objects.get(project=project, record_id=root.id)
    assert (score.metric.slug, score.numerical_value) == ("helpfulness", 0.25)

    search = Record.objects.get(project=project, name="search")
    assert (search.kind, search.parent_id, search.trace_id) == ("tool", root.span_id, root.trace_id)
    assert search.metadata["otel.scope.version"] == "1.2" and search.metadata["otel.kind"] == "client"
    assert Payload.objects.get(project=project, record_id=search.id).inputs == {"id": 7}


def test_a_wrong_key_fails_the_export_without_retries(exporting, project, live_server):
    watched = Watched(OTLPSpanExporter(headers={"authorization": "Bearer ehk_wrong"}))
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(watched))
    provider.get_tracer("t").start_span("lost").end()
    provider.shutdown()
    assert watched.results == [SpanExportResult.FAILURE]
    assert not Record.objects.filter(project=project).exists()
