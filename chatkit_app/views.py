"""The HTTP edge beside the history API: making an anonymous visitor, and the page of a shared thread."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import get_language, get_language_bidi, pgettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from chatkit_app.access import is_own_request, make_visitor, viewer_of_request
from chatkit_app.api.shares import HEADERS, START, read_start
from chatkit_app.api.throttles import AddressThrottle
from chatkit_app.exceptions import InvalidCommand, ShareNotFound
from chatkit_app.registry import assistants
from chatkit_app.threads import sharing
from chatkit_app.threads.shared import shared_page


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


@never_cache
@non_atomic_requests
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """A shared thread to be read, for whoever has its link; who asks is not looked at."""
    throttle = AddressThrottle()
    if not throttle.allow_request(request, shared):  # type: ignore[arg-type]  # its scope is all that is asked
        answer = _page({}, status=HTTPStatus.TOO_MANY_REQUESTS)
        answer["Retry-After"] = str(throttle.reset)
        return answer
    try:
        share = sharing.opened(token)
        page = shared_page(share, start=read_start(request.GET.get(START, "")))
    except (ShareNotFound, InvalidCommand):
        return _page({}, status=HTTPStatus.NOT_FOUND)
    return _page(
        {
            "share": share,
            "title": share.thread.title or pgettext("chatkit", "Untitled chat"),
            "name": _name_of(share.thread.assistant),
            "messages": page.messages,
            "later": page.later,
            "words": _words(),
        }
    )


shared.throttle_scope = "shared"  # type: ignore[attr-defined]  # as a view of the API has it


def _page(context: dict[str, Any], status: int = HTTPStatus.OK) -> HttpResponse:
    """``context`` is the template's. Without the request: nothing of the site's looks who asks."""
    language = {"language": get_language(), "is_rtl": get_language_bidi()}
    found = {"status": int(status), **language, **context}
    html = render_to_string("chatkit_app/shared.html", found)
    return HttpResponse(html, status=status, headers=HEADERS)


def _name_of(assistant: str) -> str:
    """What readers call it; one that the site has no more is called as any."""
    try:
        found = assistants.get(assistant).title
    except LookupError:
        found = ""
    return str(found or pgettext("chatkit", "Assistant"))


def _words() -> dict[str, str]:
    """What the page's script needs of the element's words, by their names there."""
    return {
        "copy": pgettext("chatkit", "Copy"),
        "copied": pgettext("chatkit", "Copied"),
        "code": pgettext("chatkit", "Code"),
        "table": pgettext("chatkit", "Table"),
    }
