"""The header of a strict site, on the admin's pages: no inline script or style, nothing from elsewhere."""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction
from django.utils.decorators import sync_and_async_middleware

from project.security import POLICY


@sync_and_async_middleware
def strict_admin(get_response: Any) -> Any:
    """Middleware; the site's other pages are as they are."""

    def told(request: Any, response: Any) -> Any:
        if request.path.startswith("/admin/"):
            response.headers["Content-Security-Policy"] = POLICY
        return response

    if iscoroutinefunction(get_response):

        async def later(request: Any) -> Any:
            return told(request, await get_response(request))

        return later
    return lambda request: told(request, get_response(request))
