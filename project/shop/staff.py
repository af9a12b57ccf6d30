"""What waits for the staff, for the pages' head."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.engine.states import InterruptKind


def approvals_in_templates(request: HttpRequest) -> dict[str, Callable[[], int]]:
    """``approvals_count`` for every page: what this member of the staff may decide on now."""

    def approvals_count() -> int:
        viewer = viewer_of_request(request)
        if viewer is None or not request.user.is_staff:
            return 0
        rows = policy().answerable(viewer).filter(kind=InterruptKind.APPROVAL)
        return rows.exclude(permission="").count()

    return {"approvals_count": approvals_count}
