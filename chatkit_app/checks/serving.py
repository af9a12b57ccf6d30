"""The site around the chat: its server, its middleware, its API, its clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.utils import text
from rest_framework.authentication import SessionAuthentication
from rest_framework.settings import api_settings

from chatkit_app.checks.importing import imported, is_class_of

SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
GZIP = "django.middleware.gzip.GZipMiddleware"


def check_times(**_: Any) -> Iterator[CheckMessage]:
    """Times are aware."""
    if not django_settings.USE_TZ:
        yield Error(
            "USE_TZ is False, but the chat's times are aware ones: leases, deadlines, claims.",
            hint="Set USE_TZ = True.",
            id="chatkit.E023",
        )


def check_asgi(**_: Any) -> Iterator[CheckMessage]:
    """Somebody speaks WebSocket."""
    if getattr(django_settings, "ASGI_APPLICATION", None):
        return
    served = getattr(django_settings, "WSGI_APPLICATION", None)
    told = (
        f", and WSGI_APPLICATION is {served!r}: a WSGI server speaks no WebSocket"
        if served
        else ": `runserver` speaks no WebSocket"
    )
    yield Caution(
        f"ASGI_APPLICATION is not set{told}, and the chat never connects.",
        hint="Put 'daphne' first into INSTALLED_APPS, set ASGI_APPLICATION to an"
        " application that routes chatkit_app.routing.websocket_urlpatterns, and serve"
        " that with Daphne or Uvicorn.",
        id="chatkit.W024",
    )


def check_middleware(**_: Any) -> Iterator[CheckMessage]:
    """A request has a session, where the visitor is, and a user."""
    if not _has_middleware(SESSIONS):
        yield Error(
            "MIDDLEWARE has no SessionMiddleware: nobody is known from one request to the next.",
            hint=f"Add {SESSIONS!r}.",
            id="chatkit.E018",
        )
    if not _has_middleware(USERS):
        yield Error(
            "MIDDLEWARE has no AuthenticationMiddleware: a request has no user.",
            hint=f"Add {USERS!r}, after the sessions.",
            id="chatkit.E019",
        )


def _has_middleware(path: str) -> bool:
    wanted = imported(path)
    return isinstance(wanted, type) and any(
        is_class_of(wanted, each) for each in django_settings.MIDDLEWARE
    )


def check_history(**_: Any) -> Iterator[CheckMessage]:
    """The history API knows whom the page's session knows."""
    found: Sequence[Any] = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    if not any(issubclass(each, SessionAuthentication) for each in found):
        yield Caution(
            "REST_FRAMEWORK authenticates nobody by session: the chat shows no list of"
            " threads to users who have logged in.",
            hint="Add rest_framework.authentication.SessionAuthentication to"
            " DEFAULT_AUTHENTICATION_CLASSES.",
            id="chatkit.W020",
        )


def check_gzip(**_: Any) -> Iterator[CheckMessage]:
    """Nothing compresses what must not be: streams in pieces, private text beside foreign.

    The chat's own stream is a WebSocket, which no middleware of Django's sees.
    """
    if not _has_middleware(GZIP):
        return
    if not hasattr(text, "acompress_sequence"):  # Django 6.0 brought it
        yield Caution(
            "GZipMiddleware of this Django compresses each piece of an async stream by"
            " itself, and browsers show the first piece alone: server-sent events through"
            " it stop at once. (The chat's socket does not pass it.)",
            hint="Let the proxy compress static files, and take GZipMiddleware out; or"
            ' set "Content-Encoding: identity" on each streaming response.',
            id="chatkit.W037",
        )
    yield Caution(
        "GZipMiddleware compresses the answers of the history API. They repeat the"
        " request's query beside private text, so that their length tells about it (BREACH);"
        " Django adds up to 100 random bytes, which makes that harder and not impossible.",
        hint="Let the proxy compress static files, and take GZipMiddleware out.",
        id="chatkit.W038",
    )
