"""The HTTP edge beside the history API: making an anonymous visitor."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatkit_app.access import make_visitor, viewer_of_request


@never_cache
@csrf_exempt  # it changes nothing but the caller's own, still empty session
@require_POST
def open_visitor(request: HttpRequest) -> JsonResponse:
    """Let whoever opens the chat own threads: a user does anyway, a visitor from now on."""
    if not request.user.is_authenticated:
        make_visitor(request.session)
    viewer = viewer_of_request(request)
    return JsonResponse({"viewer": viewer.key if viewer else None})
