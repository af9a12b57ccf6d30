from __future__ import annotations

import pytest
from django.urls import resolve

from chatkit_app.api.views import MessagesView, ThreadsView, ThreadView


@pytest.mark.parametrize(
    ("address", "view"),
    [
        ("/chatkit/api/threads/", ThreadsView),
        ("/chatkit/api/threads/0192/", ThreadView),
        ("/chatkit/api/threads/0192/messages/", MessagesView),
    ],
)
def test_the_addresses_are_those_of_the_documentation(address, view) -> None:
    assert resolve(address).func.view_class is view
