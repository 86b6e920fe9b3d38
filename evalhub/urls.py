"""The composition root's map: one include an app, all pages of a project under /p/<slug>/."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
