"""Who is at the door, and which threads they may see and run: one policy for every edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from django.utils.module_loading import import_string
from django.utils.translation import get_language, get_language_from_request

from chatkit_app.conf import settings
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Thread

LOCALE_MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"

VISITOR_KEY = "chatkit_visitor"
"""Where a session keeps its visitor."""


class AccessPolicy:
    """What a viewer may do. Subclass it and name it in ``CHATKIT_ACCESS_POLICY``."""

    def threads(self, viewer: Viewer) -> QuerySet[Thread]:
        """The threads that this viewer may see. A thread outside is as good as missing."""
        return Thread.objects.filter(
            tenant=viewer.tenant, owner_key=viewer.key, deleted_at__isnull=True
        )

    def can_start(self, viewer: Viewer, assistant: str) -> bool:
        """May they speak to this assistant at all?"""
        return True


def policy() -> AccessPolicy:
    """The site's policy."""
    made: AccessPolicy = import_string(settings.ACCESS_POLICY)()
    return made


def viewer_of(user: Any, session: SessionBase | None) -> Viewer | None:
    """Whoever a user and a session stand for; None where they stand for nobody.

    ``user`` is the site's (Any: its type is the site's), anonymous ones included.
    """
    language = get_language() or ""
    if user is not None and user.is_authenticated:
        return Viewer(user=user, language=language)
    visitor = visitor_of(session) if session is not None else None
    return Viewer(visitor=visitor, language=language) if visitor else None


def visitor_of(session: SessionBase) -> UUID | None:
    """The session's visitor; what is no visitor's id counts as none."""
    found = session.get(VISITOR_KEY)
    try:
        return UUID(found) if isinstance(found, str) else None
    except ValueError:
        return None


def viewer_of_request(request: HttpRequest) -> Viewer | None:
    """The viewer of a Django or DRF request."""
    return viewer_of(request.user, getattr(request, "session", None))


def viewer_of_scope(scope: Mapping[str, Any]) -> Viewer | None:
    """The viewer of a socket, as the handshake found them. ``scope`` is ASGI's."""
    viewer = viewer_of(scope.get("user"), scope.get("session"))
    return replace(viewer, language=_language(scope)) if viewer else None


def _language(scope: Mapping[str, Any]) -> str:
    """The language of the site's pages for this browser: no middleware has activated it here."""
    if LOCALE_MIDDLEWARE not in django_settings.MIDDLEWARE:
        return django_settings.LANGUAGE_CODE
    request = HttpRequest()
    request.COOKIES = scope.get("cookies") or {}
    wanted = dict(scope["headers"]).get(b"accept-language", b"")
    request.META["HTTP_ACCEPT_LANGUAGE"] = wanted.decode("latin1")
    return get_language_from_request(request)


def viewer_now(scope: Mapping[str, Any]) -> Viewer | None:
    """The viewer of a socket's cookie at this moment: the scope's own session is a copy.

    A user who did not come from the session (a token's) stays who they are.
    """
    session = scope.get("session")
    key = getattr(session, "session_key", None)
    if (
        session is None
        or key is None
        or not {SESSION_KEY, VISITOR_KEY} & set(session.keys())
    ):
        return viewer_of_scope(scope)
    request = HttpRequest()
    request.session = import_module(django_settings.SESSION_ENGINE).SessionStore(key)
    return viewer_of(get_user(request), request.session)


def make_visitor(session: SessionBase) -> None:
    """Let an anonymous session own threads from now on."""
    if visitor_of(session) is None:
        session[VISITOR_KEY] = str(uuid4())


def is_allowed_origin(scope: Mapping[str, Any]) -> bool:
    """May a page of this origin open a socket with the visitor's cookies?

    As Django's CSRF check has it: the site's own origin (scheme, host and port, the host one of
    ``ALLOWED_HOSTS``), one of ``CSRF_TRUSTED_ORIGINS`` or of ``CHATKIT_ALLOWED_ORIGINS``. None at
    all, and ``null``, are refused. ``scope`` is ASGI's.
    """
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    origin = headers.get(b"origin", "")
    return _is_allowed(origin, _host(headers), _scheme(scope, headers))


def is_own_request(request: HttpRequest) -> bool:
    """Does a POST come from a page of an allowed origin? Browsers that name none say if it's foreign."""
    origin = request.headers.get("Origin")
    if origin is None:
        return request.headers.get("Sec-Fetch-Site") != "cross-site"
    return _is_allowed(origin, request.get_host(), request.scheme or "http")


def _is_allowed(origin: str, host: str, scheme: str) -> bool:
    origin, host = origin.lower(), host.lower()
    if not origin:
        return False
    if origin in _trusted_origins() or _matches_wildcard(origin):
        return True
    return origin == f"{scheme}://{host}" and _is_allowed_host(host)


def _trusted_origins() -> set[str]:
    return {
        found.lower().rstrip("/")
        for found in [*settings.ALLOWED_ORIGINS, *django_settings.CSRF_TRUSTED_ORIGINS]
    }


def _matches_wildcard(origin: str) -> bool:
    """``https://*.example.org`` in the trusted ones, as Django reads it."""
    try:
        parts = urlsplit(origin)
    except ValueError:  # brackets around what is no IPv6 address
        return False
    return any(
        is_same_domain(parts.netloc, trusted.netloc.lstrip("*"))
        and parts.scheme == trusted.scheme
        for trusted in map(urlsplit, _trusted_origins())
        if trusted.netloc.startswith("*.")
    )


def _host(headers: Mapping[bytes, str]) -> str:
    """Host and port as the browser named them; behind a proxy that rewrites them, its word."""
    if django_settings.USE_X_FORWARDED_HOST and b"x-forwarded-host" in headers:
        return headers[b"x-forwarded-host"]
    return headers.get(b"host", "")


def _scheme(scope: Mapping[str, Any], headers: Mapping[bytes, str]) -> str:
    """The scheme of the page that can be on our origin; a proxy that ends TLS must say so."""
    header = django_settings.SECURE_PROXY_SSL_HEADER
    if header:
        name = header[0].removeprefix("HTTP_").replace("_", "-").lower().encode()
        given = headers.get(name, "").split(",", 1)[0].strip()
        if given:
            return "https" if given == header[1] else "http"
    return "https" if scope.get("scheme") in ("wss", "https") else "http"


def _is_allowed_host(host: str) -> bool:
    allowed = django_settings.ALLOWED_HOSTS
    if django_settings.DEBUG and not allowed:
        allowed = [".localhost", "127.0.0.1", "[::1]"]
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, allowed)
