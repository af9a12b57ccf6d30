import asyncio
import gc
import os

import uvloop
from django.core.asgi import get_asgi_application

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # for the loop of the runs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from chatkit_app.registry import providers
from chatkit_app.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns)),
    }
)

providers.get("default")  # imports the provider's SDK
gc.collect()
gc.freeze()
