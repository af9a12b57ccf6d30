"""Which rows whoever asks may look at: those of the threads that the policy shows them."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.models import Thread


def seen_threads(request: HttpRequest) -> QuerySet[Thread]:
    """The threads themselves."""
    viewer = viewer_of_request(request)
    return policy().inspected(viewer) if viewer else Thread.objects.none()


def of_seen_threads(
    request: HttpRequest, rows: QuerySet[Any], column: str
) -> QuerySet[Any]:
    """Rows of theirs; ``column`` is the way to the thread's id.

    Asked row by row: a list of all threads would be a million long.
    """
    threads = seen_threads(request)
    return rows.filter(Exists(threads.filter(pk=OuterRef(column))))
