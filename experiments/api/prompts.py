"""Calls on prompts, by slug: CRUD, versions, commit, deploy, render."""

from typing import Any

from django.db import IntegrityError
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from ninja import Router

from evalhub.api import KeyAuth, Problem, answer
from evalhub.idempotency import idempotent
from evalhub.models import Scope
from evalhub.openapi import CONFLICT
from experiments.api.finding import actor, prompt_named, version_numbered
from experiments.api.listing import changed_last
from experiments.api.schemas import (
    PromptChange,
    PromptIn,
    PromptList,
    PromptOut,
    PromptVersionChange,
    PromptVersionIn,
    PromptVersionList,
    PromptVersionOut,
    RenderIn,
    RenderOut,
)
from experiments.models import Prompt, PromptState, PromptVersion
from experiments.prompts import versions
from experiments.prompts.rendering import RenderProblem, render

router = Router(tags=["prompts"])
# What null says something about; other fields are left as they are by it.
NULLABLE = frozenset({"provider_id", "response_format"})


def version_json(version: PromptVersion) -> dict[str, Any]:
    names = (
        "number", "state", "deployed", "messages", "provider_id", "model", "parameters", "response_format",
        "variables", "note", "created_by", "created_at", "committed_at", "deployed_at",
    )  # fmt: skip
    return {name: getattr(version, name) for name in names}


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    deployed = prompt.versions.filter(deployed=True).first()
    return _brief(prompt) | {
        "newest": version_json(versions.newest_version(prompt)),
        "deployed": version_json(deployed) if deployed else None,
    }


def _brief(prompt: Prompt) -> dict[str, Any]:
    names = ("slug", "name", "description", "created_by", "created_at", "changed_at")
    return {name: getattr(prompt, name) for name in names} | {"archived": prompt.archived_at is not None}


@router.get("", response={200: PromptList}, auth=KeyAuth(Scope.READ))
def prompt_list(request: HttpRequest, archived: bool = False, limit: int = 50, cursor: str = "") -> HttpResponse:
    """The last changed first; with `archived=true` those put away too."""
    of_it = PromptVersion.objects.filter(project=request.project, prompt=OuterRef("pk"))
    there = Prompt.objects.filter(project=request.project).annotate(
        newest=Subquery(of_it.order_by("-number").values("number")[:1]),
        deployed=Subquery(of_it.filter(deployed=True).values("number")[:1]),
    )
    rows, after = changed_last(there if archived else there.filter(archived_at=None), limit, cursor)
    items = [_brief(row) | {"newest": row.newest, "deployed": row.deployed} for row in rows]
    return answer({"items": items, "next_cursor": after})


@router.post("", response={201: PromptOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def prompt_create(request: HttpRequest, body: PromptIn) -> HttpResponse:
    """A new prompt with its first version, a draft."""
    taken = Problem(409, "conflict", "The project has a prompt of this slug already.", [("slug", "Is taken.")])
    if body.slug and Prompt.objects.filter(project=request.project, slug=body.slug).exists():
        raise taken
    try:
        prompt = versions.create_prompt(
            request.project, actor(request), name=body.name, slug=body.slug, description=body.description,
            note=body.note, **_content(body),
        )  # fmt: skip
    except IntegrityError:  # somebody else was faster
        raise taken from None
    return answer(prompt_json(prompt), 201)


@router.get("/{slug}", response={200: PromptOut}, auth=KeyAuth(Scope.READ))
def prompt_get(request: HttpRequest, slug: str) -> HttpResponse:
    """One prompt, with its newest version and the deployed one."""
    return answer(prompt_json(prompt_named(request, slug)))


@router.patch("/{slug}", response={200: PromptOut}, auth=KeyAuth(Scope.WRITE))
def prompt_change(request: HttpRequest, slug: str, body: PromptChange) -> HttpResponse:
    """Name and description; what the prompt says lies in its versions."""
    prompt = prompt_named(request, slug)
    details = {name: value for name, value in body.dict(exclude_unset=True).items() if value is not None}
    if details:
        versions.change_prompt(prompt, actor(request), **details)
    return answer(prompt_json(prompt))


@router.delete("/{slug}", response={200: PromptOut}, auth=KeyAuth(Scope.WRITE))
def prompt_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Puts it away: its versions and what ran them stay."""
    prompt = prompt_named(request, slug)
    versions.archive_prompt(prompt, actor(request))
    return answer(prompt_json(prompt))


@router.post("/{slug}/restore", response={200: PromptOut}, auth=KeyAuth(Scope.WRITE))
def prompt_restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Takes a prompt that was put away into use again."""
    prompt = prompt_named(request, slug)
    versions.restore_prompt(prompt, actor(request))
    return answer(prompt_json(prompt))


@router.get("/{slug}/versions", response={200: PromptVersionList}, auth=KeyAuth(Scope.READ))
def version_list(request: HttpRequest, slug: str) -> HttpResponse:
    """All versions, newest first."""
    items = [version_json(version) for version in prompt_named(request, slug).versions.all()]
    return answer({"items": items, "next_cursor": None})


@router.post("/{slug}/versions", response={201: PromptVersionOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE))
@idempotent
def version_create(request: HttpRequest, slug: str, body: PromptVersionIn) -> HttpResponse:
    """The next version, a draft; fields that are not given are as in the newest one, which is committed by this."""
    prompt = _changeable(request, slug)
    return answer(version_json(versions.new_version(prompt, actor(request), note=body.note, **_content(body))), 201)


@router.get("/{slug}/versions/{int:number}", response={200: PromptVersionOut}, auth=KeyAuth(Scope.READ))
def version_get(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version of a prompt."""
    return answer(version_json(version_numbered(prompt_named(request, slug), number)))


@router.patch(
    "/{slug}/versions/{int:number}", response={200: PromptVersionOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE)
)  # fmt: skip
def version_change(request: HttpRequest, slug: str, number: int, body: PromptVersionChange) -> HttpResponse:
    """Changes what is named in the body, while the version is a draft."""
    prompt = _changeable(request, slug)
    if version_numbered(prompt, number).state == PromptState.COMMITTED:
        raise Problem(409, "committed", f"Version {number} is committed and stays as it is; make a new one.")
    note = body.note if "note" in body.model_fields_set else None
    return answer(version_json(versions.save_draft(prompt, actor(request), note=note, **_content(body))))


@router.post(
    "/{slug}/versions/{int:number}/commit", response={200: PromptVersionOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE)
)
def version_commit(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Read-only from now on; one that is committed stays so."""
    version = version_numbered(_changeable(request, slug), number)
    versions.commit(version, actor(request))
    return answer(version_json(version))


@router.post(
    "/{slug}/versions/{int:number}/deploy", response={200: PromptVersionOut, **CONFLICT}, auth=KeyAuth(Scope.WRITE)
)
def version_deploy(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What experiments run from now on. It is to be committed; to roll back is to deploy an older one."""
    version = version_numbered(_changeable(request, slug), number)
    versions.deploy(version, actor(request))
    return answer(version_json(version))


@router.post("/{slug}/render", response={200: RenderOut}, auth=KeyAuth(Scope.READ))
def prompt_render(request: HttpRequest, slug: str, body: RenderIn) -> HttpResponse:
    """The messages filled with the variables. A missing variable is an error that names it. Stores nothing."""
    prompt = prompt_named(request, slug)
    if body.version is not None:
        version = version_numbered(prompt, body.version)
    else:
        version = prompt.versions.filter(deployed=True).first() or versions.newest_version(prompt)
    try:
        done = render(version.messages, version.variables, body.variables)
    except RenderProblem as problem:
        fields = [(f"variables.{name}", "Is missing.") for name in problem.missing]
        raise Problem(400, "missing_variables" if fields else "invalid", str(problem), fields) from None
    return answer({"version": version.number, "messages": done.messages, "unknown": list(done.unknown)})


def _changeable(request: HttpRequest, slug: str) -> Prompt:
    prompt = prompt_named(request, slug)
    if prompt.archived_at:
        raise Problem(409, "archived", f"{slug} is archived: restore it to change it.")
    return prompt


def _content(body: PromptVersionChange) -> dict[str, Any]:
    """The fields that the body names; what cannot be null stays as it is when null is sent."""
    said = body.dict(exclude_unset=True, include=set(versions.CONTENT))
    return {name: value for name, value in said.items() if value is not None or name in NULLABLE}
