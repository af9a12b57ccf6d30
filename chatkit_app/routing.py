"""The routes of the ASGI router: ``URLRouter(chatkit_app.routing.websocket_urlpatterns)``."""

from __future__ import annotations

from typing import Any

from django.urls import path

from chatkit_app.consumers import ChatKitConsumer


# Any: types-channels wants routes of a type of its own, which ``path`` does not make.
def websocket_urlpatterns_at(mount: str) -> list[Any]:
    """The routes for a site that includes ``chatkit_app.urls`` at ``mount`` ("help/chat/")."""
    consumer = ChatKitConsumer.as_asgi()
    return [
        path(f"{mount}ws/", consumer)  # type: ignore[arg-type]  # an ASGI app is no view to django-stubs
    ]


websocket_urlpatterns = websocket_urlpatterns_at("chatkit/")
