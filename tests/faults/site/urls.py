"""The app alone, and a page that tells that the process serves."""

from __future__ import annotations

import os

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def awake(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(os.getpid()))


urlpatterns = [
    path("awake/", awake),
    path("chatkit/", include("chatkit_app.urls")),
]
