"""The foreign site's ASGI router: Django's pages, and the chat's sockets."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "office.settings")

site = get_asgi_application()  # sets Django up, so it comes before what has models

from chatkit_app.routing import websocket_urlpatterns  # noqa: E402  (see above)

application = ProtocolTypeRouter(
    {
        "http": site,
        "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns)),
    }
)
