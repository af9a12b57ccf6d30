from __future__ import annotations

import pytest
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from chatkit_app.routing import websocket_urlpatterns, websocket_urlpatterns_at


def is_socket(patterns, path: str) -> bool:
    return any(route.resolve(path) is not None for route in patterns)


def test_the_socket_is_beside_the_app_s_other_addresses() -> None:
    assert is_socket(websocket_urlpatterns, "chatkit/ws/")


@pytest.mark.parametrize("mount", ["", "chat/", "help/chat/"])
def test_a_site_may_mount_it_where_it_mounts_the_app(mount) -> None:
    patterns = websocket_urlpatterns_at(mount)

    assert is_socket(patterns, f"{mount}ws/")
    assert not is_socket(patterns, "chatkit/ws/")


@pytest.mark.parametrize(
    "path", ["", "ws/", "chatkit/", "chatkit/ws", "chatkit/ws/more", "xchatkit/ws/"]
)
def test_nothing_else_is_a_socket(path) -> None:
    assert not is_socket(websocket_urlpatterns, path)


async def test_a_handshake_without_an_origin_is_refused_at_the_door() -> None:
    socket = WebsocketCommunicator(URLRouter(websocket_urlpatterns), "/chatkit/ws/")
    is_connected, _ = await socket.connect()

    assert not is_connected
