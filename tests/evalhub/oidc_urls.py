"""All pages, and those that EVALHUB_OIDC_ISSUER adds."""

from django.urls import path

from evalhub.oidc import views
from evalhub.urls import handler500, urlpatterns  # noqa: F401 Django reads it

urlpatterns = [
    *urlpatterns,
    path("sign-in/oidc", views.start, name="oidc-start"),
    path("sign-in/oidc/callback", views.callback, name="oidc-callback"),
]
