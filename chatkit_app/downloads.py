"""An export as a file to save: sent while it is read, however long it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator, Mapping

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from chatkit_app.db import in_thread
from chatkit_app.threads.bundle import JSON, MARKDOWN, ZIP, written
from chatkit_app.threads.export import Export

TYPES: Mapping[str, tuple[str, str]] = {
    JSON: ("application/json", "json"),
    MARKDOWN: ("text/markdown; charset=utf-8", "md"),
    ZIP: ("application/zip", "zip"),
}
"""Media type and suffix."""


def download(
    request: HttpRequest, found: Export, kind: str, name: str
) -> StreamingHttpResponse:
    """The answer: a file to save, under this name and the suffix of its kind (one of ``TYPES``)."""
    media_type, suffix = TYPES[kind]
    pieces = written(found, kind)
    is_async = isinstance(request, ASGIRequest)
    return StreamingHttpResponse(
        _beside_the_loop(pieces) if is_async else pieces,
        headers={
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{name}.{suffix}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _beside_the_loop(pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is read in a thread that may use the database; no reading spans two of them.

    Whoever goes away in the middle of one does not stop the thread: it is closed after that.
    """
    reading: asyncio.Future[bytes | None] | None = None
    try:
        while True:
            reading = asyncio.ensure_future(in_thread(next, pieces, None))
            piece = await asyncio.shield(reading)
            if piece is None:
                break
            yield piece
    finally:
        if reading is None or reading.done():
            pieces.close()
        else:
            reading.add_done_callback(lambda _: pieces.close())
