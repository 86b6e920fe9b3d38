"""The composition root's map: one include an app, all pages of a project under /p/<slug>/."""

from django.conf import settings as configured
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from evalhub.api import EvalHubAPI
from evalhub.health import healthz, readyz
from evalhub.metrics import metrics
from evalhub.views import account, keys, members, projects, settings, system
from experiments.api import mount as mount_experiments
from experiments.mcp.view import mcp
from records.api import mount as mount_records
from records.views.projects import create_project
from scoring.api import mount as mount_scoring

api = EvalHubAPI()
mount_scoring(api)  # first: it has a call on records, whose ids may hold slashes
mount_records(api)
mount_experiments(api)

settings_pages = [
    path("", settings.general, name="project-settings"),
    path("members/", members.member_list, name="project-members"),
    path("members/<int:user_id>/role", members.member_role, name="project-member-role"),
    path("members/<int:user_id>/remove", members.member_remove, name="project-member-remove"),
    path("keys/", keys.key_list, name="project-keys"),
    path("keys/<int:key_id>/revoke", keys.key_revoke, name="project-key-revoke"),
    path("audit/", settings.audit_trail, name="project-audit"),
]

urlpatterns = [
    path("", projects.project_list, name="projects"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("system", system.system, name="system"),
    path("projects/new", create_project, name="create-project"),
    path("projects/menu", projects.project_menu, name="project-menu"),
    path("sign-in", account.SignIn.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("profile", account.profile, name="profile"),
    path("profile/password", account.change_password, name="change-password"),
    path("p/<slug:slug>/settings/", include(settings_pages)),
    path("", include("records.urls")),
    path("", include("scoring.urls")),
    path("", include("experiments.urls")),
    path("api/", api.urls),
    path("mcp", mcp, name="mcp"),
    path("admin/login/", account.admin_sign_in, name="admin-sign-in"),
    path("admin/", admin.site.urls),
]

if configured.OIDC_ISSUER:
    from evalhub.oidc import views as oidc

    urlpatterns += [
        path("sign-in/oidc", oidc.start, name="oidc-start"),
        path("sign-in/oidc/callback", oidc.callback, name="oidc-callback"),
    ]

handler500 = "evalhub.views.problems.server_error"
