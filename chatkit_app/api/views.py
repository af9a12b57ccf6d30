"""What all views of the API share: who asks, what they may see, how errors and bodies look.

Who may see what is the access policy's alone. Authentication is the site's, as its
``REST_FRAMEWORK`` says; the shape of the answers is ours and does not follow the site's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.transaction import non_atomic_requests
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import MethodNotAllowed, NotFound
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from chatkit_app.access import policy, viewer_of_request
from chatkit_app.api.bodies import TextParser, check_body
from chatkit_app.api.errors import answer_to
from chatkit_app.api.queries import as_id, check_known
from chatkit_app.api.throttles import ViewerThrottle
from chatkit_app.api.versions import HEADER, VERSION
from chatkit_app.conf import settings
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NoViewer, ThreadNotFound
from chatkit_app.models import Thread

SAFE = ("GET", "HEAD", "OPTIONS")


# A command is one transaction of its own; and a page of a running thread is read at one moment,
# which the transaction of ATOMIC_REQUESTS would not let it choose.
@method_decorator(non_atomic_requests, name="dispatch")
@method_decorator(never_cache, name="dispatch")
class HistoryView(APIView):
    """What all views of the API share. ``parameters`` are the names that an address may ask with."""

    http_method_names = ["get", "head", "options"]
    permission_classes = ()
    renderer_classes = (JSONRenderer,)
    parser_classes: tuple[type[BaseParser], ...] = (TextParser,)
    versioning_class = None
    parameters: tuple[str, ...] | None = None
    throttle_kind = ViewerThrottle
    viewer_throttle: ViewerThrottle | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """What is too large, or no JSON, is refused before anything reads it."""
        if str(request.method).lower() not in self.http_method_names:
            self.negotiate(request)
            raise MethodNotAllowed(str(request.method))
        reads_json = TextParser in self.parser_classes
        if reads_json and request.method in ("POST", "PUT", "PATCH"):
            check_body(request)
        super().initial(request, *args, **kwargs)
        if request.method not in SAFE and request.successful_authenticator is None:
            # A visitor is known by a cookie alone, which foreign pages send along as well.
            SessionAuthentication().enforce_csrf(request)
        if self.parameters is not None:
            check_known(request, self.parameters if request.method in SAFE else ())

    def negotiate(self, request: Request) -> None:
        """Choose how an early refusal is shown: a page, where a browser asks and may."""
        self.format_kwarg = self.get_format_suffix(**self.kwargs)
        request.accepted_renderer, request.accepted_media_type = (
            self.perform_content_negotiation(request, force=True)
        )

    def get_throttles(self) -> list[BaseThrottle]:
        """Ours, of each viewer, and the site's."""
        self.viewer_throttle = self.throttle_kind()
        return [self.viewer_throttle, *super().get_throttles()]

    def get_renderers(self) -> list[BaseRenderer]:
        """JSON; and pages to look at it, where the site has them and this app's setting lets it."""
        renderers = super().get_renderers()
        of_the_site: Sequence[Any] = api_settings.DEFAULT_RENDERER_CLASSES
        if settings.BROWSABLE_API and BrowsableAPIRenderer in of_the_site:
            return [*renderers, BrowsableAPIRenderer()]
        return renderers

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """With the version of the contract, and how much of the limits is left."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer[HEADER] = VERSION
        if self.viewer_throttle is not None:
            self.viewer_throttle.tell(answer)
        return answer

    def get_exception_handler(self) -> Callable[..., Response | None]:
        """Ours: the codes are part of the contract."""
        return answer_to


class MissingView(HistoryView):
    """Whatever is no address of the API."""

    http_method_names = ["get", "head", "options", "post", "put", "patch", "delete"]
    parser_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Said in our words, not on the site's 404 page."""
        self.negotiate(request)
        raise NotFound("There is nothing at this address.")


def viewer_at(request: Request) -> Viewer:
    """Whoever asks.

    Raises:
        NoViewer: Nobody is at the door.
    """
    viewer = viewer_of_request(request)
    if viewer is None:
        raise NoViewer("Neither a user nor a visitor is at the door.")
    return viewer


def visible_threads(request: Request) -> QuerySet[Thread]:
    """What the policy shows to whoever asks; nothing to nobody."""
    viewer = viewer_of_request(request)
    return policy().threads(viewer) if viewer else Thread.objects.none()


def visible_thread(request: Request, text: str | UUID) -> Thread:
    """One of them.

    Raises:
        InvalidCommand: The text is no id.
        ThreadNotFound: It is missing, or not theirs.
    """
    found = as_id(text) if isinstance(text, str) else text
    thread = visible_threads(request).filter(pk=found).first()
    if thread is None:
        raise ThreadNotFound("No such thread.")
    return thread
