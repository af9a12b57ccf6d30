"""The routes of the ASGI router: ``URLRouter(chatkit_app.routing.websocket_urlpatterns)``."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from chatkit_app.consumers import ChatKitConsumer

# Wherever the app is mounted: the page asks below its own mount.
websocket_urlpatterns: list[URLPattern] = [
    re_path(r"^(?:.*/)?chatkit/ws/$", ChatKitConsumer.as_asgi()),  # type: ignore[arg-type]  # types-channels' ASGI app is no view to django-stubs
]
