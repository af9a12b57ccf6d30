"""Taking one's threads along, as a file: sent while it is read, however long they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request

from chatkit_app.api.queries import query_word
from chatkit_app.api.views import HistoryView, viewer_at, visible_thread
from chatkit_app.db import in_thread
from chatkit_app.threads import export
from chatkit_app.threads.bundle import JSON, MARKDOWN, ZIP, written
from chatkit_app.threads.export import Export

AS = "as"
TYPES: Mapping[str, tuple[str, str]] = {
    JSON: ("application/json", "json"),
    MARKDOWN: ("text/markdown; charset=utf-8", "md"),
    ZIP: ("application/zip", "zip"),
}
"""Media type and suffix."""


class ThreadExportView(HistoryView):
    """``GET threads/<id>/export/?as=json|markdown``."""

    parameters = (AS,)

    def get(self, request: Request, thread: str) -> HttpResponseBase:
        """The thread as a file."""
        kind = query_word(request, AS, (JSON, MARKDOWN)) or JSON
        pk = visible_thread(request, thread).pk
        found = export.of_thread(viewer_at(request), pk)
        return exported(request, found, kind, f"thread-{pk}")


class ExportView(HistoryView):
    """``GET export/?as=json|markdown|zip``: all of mine; a zip has the files as well."""

    parameters = (AS,)

    def get(self, request: Request) -> HttpResponseBase:
        """All of it as one file."""
        kind = query_word(request, AS, tuple(TYPES)) or JSON
        return exported(request, export.of_own(viewer_at(request)), kind, "threads")


def exported(
    request: Request, found: Export, kind: str, name: str
) -> StreamingHttpResponse:
    """The answer: a file to save, under this name and the suffix of its kind."""
    media_type, suffix = TYPES[kind]
    pieces = written(found, kind)
    is_async = isinstance(request._request, ASGIRequest)  # noqa: SLF001 (DRF has no other way to it)
    return StreamingHttpResponse(
        _beside_the_loop(pieces) if is_async else pieces,
        headers={
            "Content-Type": media_type,
            "Content-Disposition": f'attachment; filename="{name}.{suffix}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _beside_the_loop(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Each piece is read in a thread that may use the database; no reading spans two of them."""
    with closing(pieces):  # type: ignore[type-var]  # a generator
        while (piece := await in_thread(next, pieces, None)) is not None:
            yield piece
