from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory

from chatkit_app.db import in_thread
from chatkit_app.downloads import TYPES, download
from chatkit_app.engine.viewer import Viewer
from chatkit_app.threads.export import of_own
from tests.history_rows import add_turns, make_thread

pytestmark = pytest.mark.django_db(transaction=True)


def answer_to(request: HttpRequest, kind: str = "json"):
    visitor = uuid4()
    add_turns(make_thread(visitor), 3)
    return download(request, of_own(Viewer(visitor=visitor)), kind, "mine")


@pytest.mark.parametrize("kind", TYPES)
def test_it_is_a_file_to_save_that_no_browser_takes_for_a_page(kind: str) -> None:
    answer = answer_to(RequestFactory().get("/"), kind)

    media_type, suffix = TYPES[kind]
    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"] == f'attachment; filename="mine.{suffix}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.streaming
    assert answer.getvalue()


async def test_beside_a_loop_it_is_read_in_threads() -> None:
    answer = await in_thread(answer_to, AsyncRequestFactory().get("/"))

    assert answer.is_async
    told = b"".join([piece async for piece in answer])
    assert len(json.loads(told)["threads"][0]["messages"]) == 6
