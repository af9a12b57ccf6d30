"""The HTTP edge beside the history API: making an anonymous visitor."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chatkit_app.access import is_own_request, make_visitor, viewer_of_request


@never_cache
@csrf_exempt  # the origin is checked below, and an anonymous page has no token yet
@require_POST
def open_visitor(request: HttpRequest) -> JsonResponse:
    """Let whoever opens the chat own threads: a user does anyway, a visitor from now on."""
    if not is_own_request(request):
        # A foreign page's form comes without our cookie: the new one would log the user out.
        return JsonResponse(
            {"code": "not_allowed", "message": "Foreign origin."}, status=403
        )
    if not request.user.is_authenticated:
        make_visitor(request.session)
    viewer = viewer_of_request(request)
    return JsonResponse({"viewer": viewer.key if viewer else None})
