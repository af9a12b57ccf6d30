"""Who may come in: the policy, and the pages whose sockets are the visitor's own.

A socket's Origin is checked by the consumer itself (``access.is_allowed_origin``), whatever the ASGI
router wraps around it. So what is looked at here are the settings that open that check too far, or
close it by mistake.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from chatkit_app.access import AccessPolicy
from chatkit_app.checks.importing import is_class_of
from chatkit_app.conf import Settings

OURS = "CHATKIT_ALLOWED_ORIGINS"
DJANGOS = "CSRF_TRUSTED_ORIGINS"


def check_policy(**_: Any) -> Iterator[CheckMessage]:
    """The policy is one."""
    if not is_class_of(AccessPolicy, path := Settings().ACCESS_POLICY):
        yield Error(
            f"CHATKIT_ACCESS_POLICY: {path!r} is no policy.",
            hint="The dotted path of a subclass of chatkit_app.access.AccessPolicy.",
            id="chatkit.E005",
        )


def check_origins(**_: Any) -> Iterator[CheckMessage]:
    """Origins are written as browsers write them, and trust nobody's pages but the site's."""
    origins = getattr(django_settings, OURS, [])
    if not isinstance(origins, list | tuple | set | frozenset) or not all(
        map(_is_origin, origins)
    ):
        yield Error(
            f"{OURS} is not a list of origins.",
            hint='A list of scheme, host and port, as "https://shop.example:8443".',
            id="chatkit.E006",
        )
    else:
        yield from _about_stars(OURS, origins)
    yield from _about_djangos(getattr(django_settings, DJANGOS, []))


def _about_djangos(origins: Any) -> Iterator[CheckMessage]:
    """Django's own check (4_0.E001) asks for the scheme; it may be silenced, and "null" slip by."""
    found = [origin for origin in origins if isinstance(origin, str)]
    yield from _about_stars(DJANGOS, [each for each in found if _is_origin(each)])
    if "null" in [origin.lower() for origin in found]:
        yield Error(
            f'{DJANGOS} holds "null": every sandboxed frame of any site may open sockets'
            " with the visitor's cookies.",
            hint="Take it out; name the origins that are meant.",
            id="chatkit.E028",
        )


def _is_origin(value: object) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc) and parts.path in ("", "/")


def _about_stars(setting: str, origins: Any) -> Iterator[CheckMessage]:
    for origin in origins:
        host = urlsplit(origin).netloc
        if "*" not in host:
            continue
        if not host.startswith("*.") or "*" in host[1:]:
            yield Caution(
                f"{setting}: {origin!r} lets nobody in: a star stands only for the names"
                " below a domain.",
                hint='Name each origin, or write "https://*.shop.example".',
                id="chatkit.W029",
            )
        elif "." not in host.removeprefix("*.").strip("."):
            yield Caution(
                f"{setting}: {origin!r} lets the pages of a whole top-level domain open"
                " sockets with the visitor's cookies.",
                hint='Name the domain that is the site\'s own: "https://*.shop.example".',
                id="chatkit.W030",
            )


def check_hosts(**_: Any) -> Iterator[CheckMessage]:
    """The site knows its own names: a socket's Origin is compared with the Host it was asked for."""
    if "*" in django_settings.ALLOWED_HOSTS:
        yield Caution(
            'ALLOWED_HOSTS contains "*": a page of any name that is made to lead to this'
            " server counts as the site's own, and may open sockets (DNS rebinding).",
            hint="List the site's names, as proxies and health checks ask for it, too.",
            id="chatkit.W031",
        )


def check_scheme(**_: Any) -> Iterator[CheckMessage]:
    """Behind a proxy that ends TLS, the site knows that its pages are https."""
    is_https = (
        django_settings.SECURE_SSL_REDIRECT or django_settings.SESSION_COOKIE_SECURE
    )
    trusted = [
        *getattr(django_settings, OURS, []),
        *django_settings.CSRF_TRUSTED_ORIGINS,
    ]
    if (
        is_https
        and not getattr(django_settings, "SECURE_PROXY_SSL_HEADER", None)
        and not any(str(origin).lower().startswith("https://") for origin in trusted)
    ):
        yield Caution(
            "The site is on https, and SECURE_PROXY_SSL_HEADER is not set: if a proxy ends"
            " TLS, each socket's Origin (https://…) is taken for a foreign one and refused"
            " with 403.",
            hint='Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") and let'
            " the proxy send that header always; silence this if the server ends TLS itself.",
            id="chatkit.W032",
        )
