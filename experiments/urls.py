"""Experiments' pages: a project's datasets and prompts."""

from django.urls import path

from experiments.views import (
    add_to_dataset,
    compare,
    datasets,
    experiments,
    exports,
    imports,
    items,
    kickoff,
    prompt_edit,
    prompts,
    results,
    revisions,
)

app_name = "experiments"

urlpatterns = [
    path("p/<slug:slug>/experiments/", experiments.experiment_list, name="experiments"),
    path("p/<slug:slug>/experiments/new", kickoff.experiment_new, name="experiment-new"),
    path("p/<slug:slug>/experiments/new/estimate", kickoff.experiment_estimate, name="experiment-estimate"),
    path("p/<slug:slug>/experiments/adopt", experiments.experiment_adopt, name="experiment-adopt"),
    path("p/<slug:slug>/experiments/<slug:experiment>/", experiments.experiment, name="experiment"),
    path(
        "p/<slug:slug>/experiments/<slug:experiment>/progress",
        experiments.experiment_progress,
        name="experiment-progress",
    ),
    path("p/<slug:slug>/experiments/<slug:experiment>/rows", experiments.experiment_rows, name="experiment-rows"),
    path("p/<slug:slug>/experiments/<slug:experiment>/cancel", experiments.experiment_cancel, name="experiment-cancel"),
    path("p/<slug:slug>/experiments/<slug:experiment>/resume", experiments.experiment_resume, name="experiment-resume"),
    path("p/<slug:slug>/experiments/<slug:experiment>/retry", experiments.experiment_retry, name="experiment-retry"),
    path("p/<slug:slug>/experiments/<slug:experiment>/rescore", kickoff.experiment_rescore, name="experiment-rescore"),
    path("p/<slug:slug>/experiments/<slug:experiment>/delete", experiments.experiment_delete, name="experiment-delete"),
    path("p/<slug:slug>/datasets/", datasets.dataset_list, name="datasets"),
    path("p/<slug:slug>/datasets/<slug:dataset>/trend", results.dataset_trend, name="dataset-trend"),
    path("p/<slug:slug>/experiments/compare", compare.compare, name="compare"),
    path("p/<slug:slug>/experiments/compare/numbers", compare.compare_numbers, name="compare-numbers"),
    path("p/<slug:slug>/experiments/compare/case", compare.compare_case, name="compare-case"),
    path("p/<slug:slug>/experiments/<slug:experiment>/results", results.results, name="results"),
    path("p/<slug:slug>/datasets/new", datasets.dataset_new, name="dataset-new"),
    path("p/<slug:slug>/datasets/add", add_to_dataset.add_to_dataset, name="add-to-dataset"),
    path("p/<slug:slug>/datasets/<slug:dataset>/", datasets.dataset, name="dataset"),
    path("p/<slug:slug>/datasets/<slug:dataset>/facts", datasets.dataset_facts, name="dataset-facts"),
    path("p/<slug:slug>/datasets/<slug:dataset>/edit", datasets.dataset_edit, name="dataset-edit"),
    path("p/<slug:slug>/datasets/<slug:dataset>/archive", datasets.dataset_archive, name="dataset-archive"),
    path("p/<slug:slug>/datasets/<slug:dataset>/export", exports.dataset_export, name="dataset-export"),
    path("p/<slug:slug>/datasets/<slug:dataset>/import", imports.import_new, name="import-new"),
    path("p/<slug:slug>/datasets/<slug:dataset>/imports/<int:key>/", imports.import_page, name="import"),
    path(
        "p/<slug:slug>/datasets/<slug:dataset>/imports/<int:key>/preview", imports.import_preview,
        name="import-preview",
    ),
    path(
        "p/<slug:slug>/datasets/<slug:dataset>/imports/<int:key>/progress", imports.import_progress,
        name="import-progress",
    ),
    path("p/<slug:slug>/datasets/<slug:dataset>/imports/<int:key>/cancel", imports.import_cancel, name="import-cancel"),
    path("p/<slug:slug>/datasets/<slug:dataset>/items/new", items.item_new, name="item-new"),
    path("p/<slug:slug>/datasets/<slug:dataset>/items/<int:key>/", items.item, name="item"),
    path("p/<slug:slug>/datasets/<slug:dataset>/items/<int:key>/part", items.item_part, name="item-part"),
    path("p/<slug:slug>/datasets/<slug:dataset>/items/<int:key>/edit", items.item_edit, name="item-edit"),
    path("p/<slug:slug>/datasets/<slug:dataset>/items/<int:key>/delete", items.item_delete, name="item-delete"),
    path("p/<slug:slug>/datasets/<slug:dataset>/revisions/", revisions.revision_list, name="revisions"),
    path("p/<slug:slug>/datasets/<slug:dataset>/revisions/<int:number>/", revisions.revision, name="revision"),
    path(
        "p/<slug:slug>/datasets/<slug:dataset>/revisions/<int:number>/restore", revisions.revision_restore,
        name="revision-restore",
    ),
    path("p/<slug:slug>/prompts/", prompts.prompt_list, name="prompts"),
    path("p/<slug:slug>/prompts/new", prompt_edit.prompt_new, name="prompt-new"),
    path("p/<slug:slug>/prompts/look", prompt_edit.prompt_look, name="prompt-look"),
    path("p/<slug:slug>/prompts/<slug:prompt>/", prompts.prompt, name="prompt"),
    path("p/<slug:slug>/prompts/<slug:prompt>/edit", prompt_edit.prompt_edit, name="prompt-edit"),
    path("p/<slug:slug>/prompts/<slug:prompt>/archive", prompts.prompt_archive, name="prompt-archive"),
    path(
        "p/<slug:slug>/prompts/<slug:prompt>/versions/<int:number>/commit", prompts.version_commit,
        name="version-commit",
    ),
    path(
        "p/<slug:slug>/prompts/<slug:prompt>/versions/<int:number>/deploy", prompts.version_deploy,
        name="version-deploy",
    ),
]  # fmt: skip
