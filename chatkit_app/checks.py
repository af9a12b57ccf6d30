"""System checks: wrong settings are told at start, before a visitor meets them.

The numbers of the ids run through errors and warnings alike; none is ever used twice.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution
from django.db import DEFAULT_DB_ALIAS, connections, router
from django.utils.module_loading import import_string
from rest_framework.authentication import SessionAuthentication
from rest_framework.settings import api_settings

from chatkit_app.access import AccessPolicy
from chatkit_app.conf import Settings
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.tools import ServerTool, ToolDefinition
from chatkit_app.models import Thread
from chatkit_app.registry import assistants
from chatkit_app.runs.runner import Runner

PREFIX = "CHATKIT_"
SUPPORTED = {"sqlite", "postgresql"}


def register() -> None:
    """Make the checks known to Django; ``manage.py check --tag chatkit`` runs them alone."""
    for check in (
        check_providers,
        check_access,
        check_numbers,
        check_names,
        check_assistants,
        check_database,
        check_asgi,
        check_servers,
        check_middleware,
        check_history,
    ):
        checks.register(check, "chatkit")


def check_providers(**_: Any) -> list[CheckMessage]:
    """``CHATKIT_PROVIDERS`` names what can be imported and made."""
    declared = getattr(django_settings, "CHATKIT_PROVIDERS", None)
    if not isinstance(declared, Mapping) or not declared:
        return [
            Error(
                "CHATKIT_PROVIDERS names no provider.",
                hint='{"default": {"BACKEND": "dotted.path", "OPTIONS": {…}}}',
                id="chatkit.E001",
            )
        ]
    return [
        message
        for alias, provider in declared.items()
        for message in _about_provider(f"CHATKIT_PROVIDERS[{alias!r}]", provider)
    ]


def _about_provider(name: str, provider: object) -> Iterator[CheckMessage]:
    if (
        not isinstance(provider, Mapping)
        or not isinstance(provider.get("BACKEND"), str)
        or not isinstance(provider.get("OPTIONS", {}), Mapping)
        or set(provider) - {"BACKEND", "OPTIONS"}
    ):
        hint = "A dict of BACKEND, a dotted path, and OPTIONS, a dict; nothing else."
        yield Error(f"{name} is not declared rightly.", hint=hint, id="chatkit.E002")
        return
    backend = _imported(provider["BACKEND"])
    if not callable(backend):
        yield Error(
            f"{name}: {provider['BACKEND']!r} can't be imported.", id="chatkit.E003"
        )
    elif misfit := _misfit(backend, provider.get("OPTIONS", {})):
        yield Error(f"{name}: the OPTIONS do not fit: {misfit}.", id="chatkit.E004")


def _imported(path: str) -> object:
    try:
        return import_string(path)
    except (ImportError, ValueError):  # ValueError: a name such as ".x"
        return None


def _misfit(backend: Callable[..., object], options: Mapping[str, object]) -> str:
    """Why the backend can't be called so; it is not called, for that may need a key."""
    try:
        inspect.signature(backend).bind(**options)
    except TypeError as error:
        return str(error)
    except ValueError:  # written in C, without a signature
        return ""
    return ""


def check_access(**_: Any) -> Iterator[CheckMessage]:
    """The policy and the runner are what they must be, origins are written as browsers do."""
    if not _is_a(AccessPolicy, path := Settings().ACCESS_POLICY):
        hint = "The dotted path of a subclass of chatkit_app.access.AccessPolicy."
        yield Error(
            f"CHATKIT_ACCESS_POLICY: {path!r} is no policy.",
            hint=hint,
            id="chatkit.E005",
        )
    if not _is_a(Runner, path := Settings().RUNNER):
        hint = "The dotted path of a subclass of chatkit_app.runs.runner.Runner."
        yield Error(
            f"CHATKIT_RUNNER: {path!r} is no runner.", hint=hint, id="chatkit.E021"
        )
    origins = getattr(django_settings, "CHATKIT_ALLOWED_ORIGINS", [])
    if not isinstance(origins, list | tuple | set | frozenset) or not all(
        map(_is_origin, origins)
    ):
        hint = 'A list of scheme, host and port, as "https://shop.example:8443".'
        yield Error(
            "CHATKIT_ALLOWED_ORIGINS is not a list of origins.",
            hint=hint,
            id="chatkit.E006",
        )


def _is_a(base: type, path: object) -> bool:
    found = _imported(path) if isinstance(path, str) else None
    return isinstance(found, type) and issubclass(found, base)


def _is_origin(value: object) -> bool:
    if not isinstance(value, str):
        return False
    parts = urlsplit(value)
    return bool(parts.scheme and parts.netloc) and parts.path in ("", "/")


def check_numbers(**_: Any) -> Iterator[CheckMessage]:
    """Counts and sizes are whole numbers from 1 on, times are seconds above 0."""
    for name, type_ in _types():
        value = getattr(Settings(), name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if type_ == "int" and not (is_number and isinstance(value, int) and value >= 1):
            yield Error(
                f"{PREFIX}{name} is {value!r}: it must be a whole number from 1 on.",
                id="chatkit.E007",
            )
        if type_ == "float" and not (is_number and math.isfinite(value) and value > 0):
            yield Error(
                f"{PREFIX}{name} is {value!r}: it must be seconds, above 0.",
                id="chatkit.E008",
            )


def _types() -> Iterator[tuple[str, str]]:
    """Each setting with the word for its type."""
    for name, member in vars(Settings).items():
        if isinstance(member, property) and member.fget is not None:
            yield name, str(member.fget.__annotations__["return"])


def check_names(**_: Any) -> Iterator[CheckMessage]:
    """No setting is misspelt: a wrong name would be the default, silently."""
    known = [PREFIX + name for name, _type in _types()]
    for name in dir(django_settings):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            yield Caution(
                f"{name} is no setting of this app.",
                hint=f"Is {near[0]} meant?" if near else "docs/settings.md lists them.",
                id="chatkit.W009",
            )


def check_assistants(**_: Any) -> list[CheckMessage]:
    """What assistants name exists, and their tools can be told apart."""
    return [
        message
        for name in assistants.names()
        for message in _about_assistant(assistants.get(name))
    ]


def _about_assistant(assistant: Assistant) -> Iterator[CheckMessage]:
    if assistant.provider not in (
        getattr(django_settings, "CHATKIT_PROVIDERS", None) or {}
    ):
        yield Error(
            f"Assistant {assistant.name!r}: CHATKIT_PROVIDERS has no"
            f" {assistant.provider!r}.",
            id="chatkit.E010",
        )
    if not callable(assistant.tools):  # a function's tools are known when it is called
        yield from _about_tools(assistant.name, assistant.tools)


def _about_tools(assistant: str, tools: Sequence[object]) -> Iterator[CheckMessage]:
    names: Counter[str] = Counter()
    for tool in tools:
        if isinstance(tool, ToolDefinition | ServerTool):
            names[tool.name] += 1
        else:
            yield Error(
                f"Assistant {assistant!r}: {tool!r} is no tool.",
                hint="Decorate the function with @tool.",
                id="chatkit.E011",
            )
    for name, count in names.items():
        if count > 1:
            yield Error(
                f"Assistant {assistant!r} has {count} tools called {name!r}.",
                hint="Of a hybrid tool, give it the half that shall run.",
                id="chatkit.E012",
            )


def check_database(**_: Any) -> Iterator[CheckMessage]:
    """The database keeps what the tables rely on."""
    written, read = router.db_for_write(Thread), router.db_for_read(Thread)
    if {written, read} != {DEFAULT_DB_ALIAS}:
        yield Error(
            f"The chat's tables are read from {read!r} and written to {written!r}.",
            hint="Both must be the default database: a replica that lags behind is a hole in"
            " every thread, and a transaction can't span two.",
            id="chatkit.E022",
        )
    connection = connections[written]
    if connection.vendor not in SUPPORTED:
        yield Error(
            f"{connection.display_name} is not supported.",
            hint="Use PostgreSQL or SQLite. (MySQL and MariaDB ignore the partial unique"
            " indexes that keep a thread to one active run.)",
            id="chatkit.E013",
        )
    if connection.vendor == "sqlite" and not _is_in_memory(connection.settings_dict):
        yield from _about_sqlite(connection.settings_dict.get("OPTIONS", {}))


def _is_in_memory(database: Mapping[str, object]) -> bool:
    name = str(database.get("NAME"))
    return ":memory:" in name or "mode=memory" in name


def _about_sqlite(options: Mapping[str, object]) -> Iterator[CheckMessage]:
    if str(options.get("transaction_mode")).upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Caution(
            "SQLite begins transactions without a lock: two writers at once fail with"
            ' "database is locked".',
            hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE".',
            id="chatkit.W014",
        )
    command = "".join(str(options.get("init_command", "")).lower().split())
    if "journal_mode=wal" not in command:
        yield Caution(
            "SQLite is not told to keep a write-ahead log: readers and the writer of an"
            " answer block each other.",
            hint='Set OPTIONS["init_command"] = "PRAGMA journal_mode=WAL;".',
            id="chatkit.W015",
        )


def check_asgi(**_: Any) -> Iterator[CheckMessage]:
    """Times are aware, and somebody speaks WebSocket."""
    if not django_settings.USE_TZ:
        yield Error(
            "USE_TZ is False, but the chat's times are aware ones: leases, deadlines, claims.",
            hint="Set USE_TZ = True.",
            id="chatkit.E023",
        )
    if not getattr(django_settings, "ASGI_APPLICATION", None):
        yield Caution(
            "ASGI_APPLICATION is not set: `runserver` speaks no WebSocket, and the chat never"
            " connects.",
            hint="Put 'daphne' first into INSTALLED_APPS and set ASGI_APPLICATION to an"
            " application that routes chatkit_app.routing.websocket_urlpatterns.",
            id="chatkit.W024",
        )


def check_servers(**_: Any) -> Iterator[CheckMessage]:
    """Several processes reach each other, and none keeps connections that it lost sight of."""
    if "default" not in (getattr(django_settings, "CHANNEL_LAYERS", None) or {}):
        yield Caution(
            "CHANNEL_LAYERS has no default: several processes see each other's events up"
            " to a second late.",
            hint="Set it up with channels_redis; one process alone may silence this.",
            id="chatkit.W016",
        )
    database = connections[router.db_for_write(Thread)].settings_dict
    if (
        getattr(django_settings, "ASGI_APPLICATION", None)
        and database["CONN_MAX_AGE"] != 0
    ):
        yield Caution(
            "CONN_MAX_AGE keeps connections open, which under ASGI are left behind with"
            " their threads until the database has no more of them.",
            hint='Set CONN_MAX_AGE = 0; on PostgreSQL use OPTIONS["pool"].',
            id="chatkit.W017",
        )


def check_middleware(**_: Any) -> Iterator[CheckMessage]:
    """A request has a session, where the visitor is, and a user."""
    if not _has_middleware("django.contrib.sessions.middleware.SessionMiddleware"):
        yield Error(
            "MIDDLEWARE has no SessionMiddleware: nobody is known from one request to the next.",
            id="chatkit.E018",
        )
    if not _has_middleware("django.contrib.auth.middleware.AuthenticationMiddleware"):
        yield Error(
            "MIDDLEWARE has no AuthenticationMiddleware: a request has no user.",
            id="chatkit.E019",
        )


def _has_middleware(path: str) -> bool:
    wanted = import_string(path)
    return any(_is_a(wanted, path) for path in django_settings.MIDDLEWARE)


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
