from __future__ import annotations

import pytest
from django.urls import resolve

from chatkit_app.api.interrupts import InterruptsView
from chatkit_app.api.messages import FirstMessageView, MessagesView, ShowView
from chatkit_app.api.runs import RetryView, RunsView
from chatkit_app.api.shares import SharedView, SharesView, ShareView
from chatkit_app.api.threads import RestoreView, ThreadsView, ThreadView
from chatkit_app.api.tool_calls import ToolCallView
from chatkit_app.api.views import MissingView
from tests.api.people import API, ask


@pytest.mark.parametrize(
    ("address", "view"),
    [
        ("/chatkit/api/threads/", ThreadsView),
        ("/chatkit/api/interrupts/", InterruptsView),
        ("/chatkit/api/threads/0192/", ThreadView),
        ("/chatkit/api/threads/0192/messages/", MessagesView),
        ("/chatkit/api/threads/0192/restore/", RestoreView),
        ("/chatkit/api/threads/0192/messages/0193/show/", ShowView),
        ("/chatkit/api/threads/0192/shares/", SharesView),
        ("/chatkit/api/threads/0192/shares/0193/", ShareView),
        ("/chatkit/api/shared/abc/", SharedView),
        ("/chatkit/api/messages/", FirstMessageView),
        ("/chatkit/api/runs/", RunsView),
        ("/chatkit/api/runs/0192/retry/", RetryView),
        ("/chatkit/api/tool-calls/0192/", ToolCallView),
        ("/chatkit/api/threads", MissingView),
    ],
)
def test_the_addresses_are_those_of_the_documentation(address, view) -> None:
    assert resolve(address).func.view_class is view


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["nowhere/", "threads/a/b/c/d/", "threads//", "runs"])
def test_what_is_no_address_is_told_so_in_our_words(client, path) -> None:
    for method in ("get", "post", "delete"):
        answer = ask(client, method, API + path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
