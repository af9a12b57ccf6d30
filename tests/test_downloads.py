from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Generator
from uuid import uuid4

import pytest
from django.http import HttpRequest
from django.test import AsyncRequestFactory, RequestFactory

from chatkit_app import downloads
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


async def test_whoever_goes_away_in_the_middle_of_a_piece_leaves_nothing_open() -> None:
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def pieces() -> Generator[bytes]:
        try:
            begun.set()
            go_on.wait(10)
            yield b"a piece"
        finally:
            closed.set()

    async def read() -> None:
        async for _piece in downloads._beside_the_loop(pieces()):
            pass

    reading = asyncio.create_task(read())
    assert await in_thread(begun.wait, 10)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    go_on.set()

    assert await in_thread(closed.wait, 10)


async def test_beside_a_loop_it_is_read_in_threads() -> None:
    answer = await in_thread(answer_to, AsyncRequestFactory().get("/"))

    assert answer.is_async
    told = b"".join([piece async for piece in answer])
    assert len(json.loads(told)["threads"][0]["messages"]) == 6
