"""The app's addresses: ``path("chatkit/", include("chatkit_app.urls"))``."""

from __future__ import annotations

from django.urls import include, path

from chatkit_app.views import open_visitor, shared

app_name = "chatkit"

urlpatterns = [
    path("visitor/", open_visitor, name="visitor"),
    path("shared/<str:token>/", shared, name="shared"),
    path("api/", include("chatkit_app.api.urls")),
]
