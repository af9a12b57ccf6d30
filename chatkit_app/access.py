"""Who is at the door, and which threads they may see and run: one policy for every edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.conf import settings as django_settings
from django.contrib.auth import SESSION_KEY, get_user, get_user_model
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain
from django.utils.module_loading import import_string
from django.utils.translation import get_language, get_language_from_request

from chatkit_app import clock
from chatkit_app.conf import settings
from chatkit_app.engine.states import InterruptKind, InterruptStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Interrupt, Thread

LOCALE_MIDDLEWARE = "django.middleware.locale.LocaleMiddleware"

VISITOR_KEY = "chatkit_visitor"
"""Where a session keeps its visitor."""


class Action(StrEnum):
    """What somebody may want to do with a thread. Each door asks for its own before it does anything.

    The first are the owner's; the others the staff's, each with a permission of Django's
    (``PERMISSIONS``).
    """

    READ = "read"
    WRITE = "write"
    RATE = "rate"
    EXPORT = "export"
    SHARE = "share"
    DELETE = "delete"

    INSPECT = "inspect"
    READ_CONTENT = "read_content"
    ANSWER = "answer"
    CANCEL = "cancel"
    RETRY = "retry"
    REPLY = "reply"
    EXPIRE = "expire"
    EXPORT_ANY = "export_any"
    ERASE = "erase"


PERMISSIONS: Mapping[Action, str] = {
    Action.INSPECT: "chatkit_app.view_thread",
    Action.READ_CONTENT: "chatkit_app.view_content",
    Action.ANSWER: "chatkit_app.answer_interrupt",
    Action.CANCEL: "chatkit_app.cancel_run",
    Action.RETRY: "chatkit_app.retry_run",
    Action.REPLY: "chatkit_app.reply_thread",
    Action.EXPIRE: "chatkit_app.expire_interrupt",
    Action.EXPORT_ANY: "chatkit_app.export_thread",
    Action.ERASE: "chatkit_app.erase_thread",
}
"""What the staff need to do a thing in other people's threads; the owner's own actions have none."""


class AccessPolicy:
    """What a viewer may do. Subclass it and name it in ``CHATKIT_ACCESS_POLICY``.

    Sockets, the HTTP API, the admin and the commands ask it, and nothing else.
    """

    def tenant(self, user: Any, host: str) -> str:
        """Whose threads are looked at, where one installation serves several: none, here.

        ``user`` is the site's, or None; ``host`` is the request's, in lower case and without its
        port. At most 64 characters.
        """
        return ""

    def get_queryset(self, viewer: Viewer) -> QuerySet[Thread]:
        """All threads of the viewer's tenant, the deleted ones too: nothing is seen beyond these."""
        return Thread.objects.filter(tenant=viewer.tenant)

    def threads(self, viewer: Viewer) -> QuerySet[Thread]:
        """The threads that are this viewer's own. A thread outside is as good as missing."""
        return self.get_queryset(viewer).filter(
            owner_key=viewer.key, deleted_at__isnull=True
        )

    def deleted_threads(self, viewer: Viewer) -> QuerySet[Thread]:
        """Their own that they have deleted, as long as that can be taken back."""
        return self.get_queryset(viewer).filter(
            owner_key=viewer.key, deleted_at__isnull=False
        )

    def inspected(self, viewer: Viewer) -> QuerySet[Thread]:
        """The threads that a member of the staff may look at in the admin."""
        if not self.can(viewer, Action.INSPECT):
            return Thread.objects.none()
        return self.get_queryset(viewer)

    def can(self, viewer: Viewer, action: Action, thread: Thread | None = None) -> bool:
        """May they do this with the thread? Without one: with any at all.

        The owner's actions are theirs in their own threads; a staff action needs its permission, and
        a thread of the viewer's tenant.
        """
        if action not in PERMISSIONS:
            return thread is None or self.threads(viewer).filter(pk=thread.pk).exists()
        if not self._is_staff_with(viewer, PERMISSIONS[action]):
            return False
        return thread is None or self.get_queryset(viewer).filter(pk=thread.pk).exists()

    def _is_staff_with(self, viewer: Viewer, permission: str) -> bool:
        user = viewer.user
        return bool(
            user is not None
            and user.is_active
            and getattr(user, "is_staff", False)
            and user.has_perm(permission)
        )

    def author_name(self, user: Any) -> str:
        """What a visitor reads of a member of the staff who replies; empty: only that it is one.

        ``user`` is the site's. Not the username: that may be an address, or what one logs in with.
        """
        return str(user.get_full_name()) if hasattr(user, "get_full_name") else ""

    def can_start(self, viewer: Viewer, assistant: str) -> bool:
        """May they speak to this assistant at all?"""
        return True

    def can_use(self, viewer: Viewer, permission: str) -> bool:
        """May they use a tool that needs this permission? Whoever is not logged in has none."""
        user = viewer.user
        return bool(user is not None and user.is_active and user.has_perm(permission))

    def can_approve(
        self, viewer: Viewer, permission: str, thread: Thread | None = None
    ) -> bool:
        """May they decide on an approval that needs this permission, in this thread?

        Without a permission it is the owner's. Without a thread: in any of their tenant's.
        """
        if not permission:
            return (
                thread is not None
                and self.threads(viewer).filter(pk=thread.pk).exists()
            )
        if thread is not None and not self._is_there(viewer, thread):
            return False
        user = viewer.user
        return bool(user is not None and user.is_active and user.has_perm(permission))

    def _is_there(self, viewer: Viewer, thread: Thread) -> bool:
        """Is it one of the viewer's tenant, and not deleted?"""
        if thread.deleted_at is not None:
            return False
        there = self.get_queryset(viewer).filter(deleted_at__isnull=True)
        return there.filter(pk=thread.pk).exists()

    def interrupts(self, viewer: Viewer) -> QuerySet[Interrupt]:
        """What is open in their own threads, and the approvals of others' that they may decide on."""
        rows = Interrupt.objects.filter(status=InterruptStatus.OPEN)
        theirs = Q(run__thread__in=self.threads(viewer))
        if viewer.user is None:
            return rows.filter(theirs)
        approvals = rows.filter(kind=InterruptKind.APPROVAL).exclude(permission="")
        # Few are waited for at once, whatever a user holds; and a superuser holds any name.
        named = approvals.order_by().values_list("permission", flat=True).distinct()
        held = [name for name in named if self.can_approve(viewer, name)]
        others = Q(
            kind=InterruptKind.APPROVAL,
            permission__in=held,
            run__thread__in=self.get_queryset(viewer).filter(deleted_at__isnull=True),
        )
        return rows.filter(theirs | others)

    def answerable(self, viewer: Viewer) -> QuerySet[Interrupt]:
        """Those of ``interrupts`` that they may answer themselves, and still in time."""
        in_time = Q(expires_at__isnull=True) | Q(expires_at__gt=clock.now())
        seen = self.interrupts(viewer).filter(in_time)
        named = seen.exclude(permission="").order_by()
        held = [
            name
            for name in named.values_list("permission", flat=True).distinct()
            if self.can_approve(viewer, name)
        ]
        return seen.filter(permission__in=["", *held])


def policy() -> AccessPolicy:
    """The site's policy."""
    made: AccessPolicy = import_string(settings.ACCESS_POLICY)()
    return made


def viewer_of(user: Any, session: SessionBase | None, host: str = "") -> Viewer | None:
    """Whoever a user and a session stand for; None where they stand for nobody.

    ``user`` is the site's (Any: its type is the site's), anonymous ones included; ``host`` is the one
    that they have asked, by which a policy may know the tenant.
    """
    is_user = user is not None and user.is_authenticated
    visitor = visitor_of(session) if session is not None and not is_user else None
    if not is_user and visitor is None:
        return None
    found = user if is_user else None
    return Viewer(
        user=found,
        visitor=visitor,
        tenant=policy().tenant(found, split_domain_port(host)[0]),
        language=get_language() or "",
    )


def visitor_of(session: SessionBase) -> UUID | None:
    """The session's visitor; what is no visitor's id counts as none."""
    found = session.get(VISITOR_KEY)
    try:
        return UUID(found) if isinstance(found, str) else None
    except ValueError:
        return None


def viewer_of_request(request: HttpRequest) -> Viewer | None:
    """The viewer of a Django or DRF request."""
    return viewer_of(
        request.user, getattr(request, "session", None), request.get_host()
    )


def viewer_of_scope(scope: Mapping[str, Any]) -> Viewer | None:
    """The viewer of a socket, as the handshake found them. ``scope`` is ASGI's."""
    viewer = viewer_of(scope.get("user"), scope.get("session"), host_of_scope(scope))
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

    A user who did not come from the session (a token's) stays who they are, with the rights that they
    have by now: what was asked of a user object is remembered on it.
    """
    session = scope.get("session")
    key = getattr(session, "session_key", None)
    if (
        session is None
        or key is None
        or not {SESSION_KEY, VISITOR_KEY} & set(session.keys())
    ):
        return _afresh(viewer_of_scope(scope))
    request = HttpRequest()
    request.session = import_module(django_settings.SESSION_ENGINE).SessionStore(key)
    return viewer_of(get_user(request), request.session, host_of_scope(scope))


def _afresh(viewer: Viewer | None) -> Viewer | None:
    """The same with the user as the database has them; None if they may not come in any more."""
    if viewer is None or not isinstance(viewer.user, get_user_model()):
        return viewer
    user = get_user_model()._default_manager.filter(pk=viewer.user.pk).first()
    return replace(viewer, user=user) if user is not None and user.is_active else None


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


def host_of_scope(scope: Mapping[str, Any]) -> str:
    """Host and port that a socket's page has asked for."""
    headers = {
        name: value.decode("latin1") for name, value in scope.get("headers") or ()
    }
    return _host(headers).lower()


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
