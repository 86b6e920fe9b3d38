from django.urls import path

from scoring.views.sandbox import sandbox

app_name = "scoring"

urlpatterns = [
    path("sandbox", sandbox, name="sandbox"),
]
