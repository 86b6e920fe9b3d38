"""All pages of the records app under /p/<slug>/records/, and where exporters send traces."""

from django.urls import path

from records.views import (
    blob,
    bulk,
    cell_filters,
    completion,
    export,
    facets,
    history,
    layout,
    record,
    record_parts,
    record_scores,
    records,
    saved_views,
    traces,
)  # fmt: skip

app_name = "records"

urlpatterns = [
    path("v1/traces", traces.traces, name="traces"),
    path("p/<slug:slug>/records/", records.record_list, name="list"),
    path("p/<slug:slug>/records/count", records.record_count, name="count"),
    path("p/<slug:slug>/records/filter-help", completion.filter_help, name="filter-help"),
    path("p/<slug:slug>/records/complete", completion.complete, name="complete"),
    path("p/<slug:slug>/records/facets/<slug:key>", facets.record_facet, name="facet"),
    path("p/<slug:slug>/records/between", facets.record_between, name="between"),
    path("p/<slug:slug>/records/history", history.record_history, name="history"),
    path("p/<slug:slug>/records/within", history.record_within, name="within"),
    path("p/<slug:slug>/records/layout", layout.layout, name="layout"),
    path("p/<slug:slug>/records/layout/widths", layout.layout_widths, name="layout-widths"),
    path("p/<slug:slug>/records/layout.json", layout.layout_json, name="layout-json"),
    path("p/<slug:slug>/records/views/new", saved_views.view_new, name="view-new"),
    path("p/<slug:slug>/records/views/<int:id>", saved_views.view_edit, name="view"),
    path("p/<slug:slug>/records/views/<int:id>/delete", saved_views.view_delete, name="view-delete"),
    path("p/<slug:slug>/records/tag", bulk.bulk_tag, name="bulk-tag"),
    path("p/<slug:slug>/records/delete", bulk.bulk_delete, name="bulk-delete"),
    path("p/<slug:slug>/records/export", export.record_export, name="export"),
    path("p/<slug:slug>/records/jobs", bulk.bulk_jobs, name="bulk-jobs"),
    path("p/<slug:slug>/records/jobs/<int:id>", bulk.bulk_job, name="bulk-job"),
    path("p/<slug:slug>/records/jobs/<int:id>/cancel", bulk.bulk_cancel, name="bulk-cancel"),
    path("p/<slug:slug>/records/jobs/<int:id>/dismiss", bulk.bulk_dismiss, name="bulk-dismiss"),
    path("p/<slug:slug>/records/files/<str:sha256>", blob.blob, name="blob"),
    path("p/<slug:slug>/records/<uuid:id>/", record.record_detail, name="detail"),
    path("p/<slug:slug>/records/<uuid:id>/filters", cell_filters.cell_filters, name="cell-filters"),
    path("p/<slug:slug>/records/<uuid:id>/next", record.record_step, {"way": "next"}, name="next"),
    path("p/<slug:slug>/records/<uuid:id>/previous", record.record_step, {"way": "previous"}, name="previous"),
    path("p/<slug:slug>/records/<uuid:id>/spans", record_parts.record_spans, name="spans"),
    path("p/<slug:slug>/records/<uuid:id>/span", record_parts.record_span, name="span"),
    path("p/<slug:slug>/records/<uuid:id>/part", record_parts.record_part, name="part"),
    path("p/<slug:slug>/records/<uuid:id>/raw", record_parts.record_raw, name="raw"),
    path("p/<slug:slug>/records/<uuid:id>/scores", record_scores.record_scores, name="scores"),
    path("p/<slug:slug>/records/<uuid:id>/scores/<uuid:score>", record_scores.record_score, name="score"),
]
