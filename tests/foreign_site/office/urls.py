"""The addresses of the foreign site: its one page, the app, the admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="office/desk.html")),
    path("chatkit/", include("chatkit_app.urls")),
    path("admin/", admin.site.urls),
]
