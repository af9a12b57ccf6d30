"""The ASGI application: Django's pages, and the chat's sockets."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
from contextlib import suppress

from django.core.asgi import get_asgi_application

with suppress(ImportError):  # a faster loop for the runs, where it is installed
    uvloop = importlib.import_module("uvloop")
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
site = get_asgi_application()  # sets Django up, so it comes before what has models

from channels.auth import AuthMiddlewareStack  # noqa: E402  (see above)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (see above)
from django.conf import settings  # noqa: E402  (see above)
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402  (see above)

from chatkit_app.registry import providers  # noqa: E402  (see above)
from chatkit_app.routing import websocket_urlpatterns  # noqa: E402  (see above)

application = ProtocolTypeRouter(
    {
        # Where DEBUG is off a web server in front has the static files.
        "http": ASGIStaticFilesHandler(site) if settings.DEBUG else site,
        "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns)),
    }
)

# A full collection stops every stream for 50 to 100 ms: Django, pydantic and the provider's SDK
# are a big heap that never goes away. Once all is loaded, it is taken out of the collector's sight.
providers.get("default")
gc.collect()
gc.freeze()
