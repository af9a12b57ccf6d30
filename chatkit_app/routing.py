"""The routes of the ASGI router: ``URLRouter(chatkit_app.routing.websocket_urlpatterns)``."""

from __future__ import annotations

from django.urls import URLPattern, path

from chatkit_app.consumers import ChatKitConsumer


def websocket_urlpatterns_at(mount: str) -> list[URLPattern]:
    """The routes for a site that includes ``chatkit_app.urls`` at ``mount`` ("help/chat/")."""
    consumer = ChatKitConsumer.as_asgi()
    return [
        path(f"{mount}ws/", consumer)  # type: ignore[arg-type]  # an ASGI app is no view to django-stubs
    ]


websocket_urlpatterns = websocket_urlpatterns_at("chatkit/")
