"""Taking one's threads along, as a file: sent while it is read, however long they are."""

from __future__ import annotations

from django.http import HttpResponseBase
from rest_framework.request import Request

from chatkit_app.api.queries import query_word
from chatkit_app.api.views import HistoryView, viewer_at, visible_thread
from chatkit_app.downloads import TYPES, download
from chatkit_app.threads import export
from chatkit_app.threads.bundle import JSON, MARKDOWN
from chatkit_app.threads.export import Export

AS = "as"


class ThreadExportView(HistoryView):
    """``GET threads/<id>/export/?as=json|markdown``."""

    parameters = (AS,)

    def get(self, request: Request, thread: str) -> HttpResponseBase:
        """The thread as a file."""
        kind = query_word(request, AS, (JSON, MARKDOWN)) or JSON
        pk = visible_thread(request, thread).pk
        found = export.of_thread(viewer_at(request), pk)
        return _download(request, found, kind, f"thread-{pk}")


class ExportView(HistoryView):
    """``GET export/?as=json|markdown|zip``: all of mine; a zip has the files as well."""

    parameters = (AS,)

    def get(self, request: Request) -> HttpResponseBase:
        """All of it as one file."""
        kind = query_word(request, AS, tuple(TYPES)) or JSON
        found = export.of_own(viewer_at(request))
        return _download(request, found, kind, "threads")


def _download(
    request: Request, found: Export, kind: str, name: str
) -> HttpResponseBase:
    return download(request._request, found, kind, name)  # noqa: SLF001 (DRF has no other way to it)
