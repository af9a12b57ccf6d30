"""The settings: one property each, with type, unit and default; read anew on each access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings

from chatkit_app.engine.files import READABLE_TYPES

RETENTION_DAYS: Mapping[str, float | None] = {
    "deleted_threads": 30,
    "threads": None,
    "visitor_threads": 90,
    "commands": 7,
    "access_log": 365,
    "usage": None,
    "tallies": 400,
}

THROTTLES: Mapping[str, str] = {
    "read": "6000/minute",
    "search": "600/minute",
    "write": "3000/minute",
    "send": "600/minute",
    "fork": "20/minute",
    "shared": "600/minute",
}
"""What one viewer may ask of the HTTP API, by scope."""


class Settings:
    """Shadow Django's settings with our defaults. docs/settings.md lists them."""

    @property
    def PROVIDERS(self) -> Mapping[str, Mapping[str, Any]]:
        """``CHATKIT_PROVIDERS``: alias → ``{"BACKEND": dotted path, "OPTIONS": {…}}``."""
        return getattr(django_settings, "CHATKIT_PROVIDERS", {})

    @property
    def ACCESS_POLICY(self) -> str:
        """``CHATKIT_ACCESS_POLICY``: dotted path of the ``AccessPolicy`` that decides."""
        return getattr(
            django_settings, "CHATKIT_ACCESS_POLICY", "chatkit_app.access.AccessPolicy"
        )

    @property
    def ALLOWED_ORIGINS(self) -> list[str]:
        """``CHATKIT_ALLOWED_ORIGINS``: further origins, with scheme and port, that may open sockets.

        The site's own origin always may, and so may ``CSRF_TRUSTED_ORIGINS``.
        """
        return list(getattr(django_settings, "CHATKIT_ALLOWED_ORIGINS", []))

    @property
    def RUNNER(self) -> str:
        """``CHATKIT_RUNNER``: dotted path of the ``Runner`` that executes runs; in this process."""
        return getattr(
            django_settings,
            "CHATKIT_RUNNER",
            "chatkit_app.runs.local_runner.LocalRunner",
        )

    @property
    def MAX_FRAME_BYTES(self) -> int:
        """``CHATKIT_MAX_FRAME_BYTES``: what one frame of a client may have, 64 kB."""
        return getattr(django_settings, "CHATKIT_MAX_FRAME_BYTES", 65_536)

    @property
    def MAX_MESSAGE_CHARS(self) -> int:
        """``CHATKIT_MAX_MESSAGE_CHARS``: what one message of a visitor may have, 32,000."""
        return getattr(django_settings, "CHATKIT_MAX_MESSAGE_CHARS", 32_000)

    @property
    def MAX_OUTPUT_BYTES(self) -> int:
        """``CHATKIT_MAX_OUTPUT_BYTES``: what one tool's output may have as JSON, 256 kB.

        It goes to the pages in one frame, of 1 MiB at most: 1,000,000 is as much as fits.
        """
        return getattr(django_settings, "CHATKIT_MAX_OUTPUT_BYTES", 262_144)

    @property
    def MESSAGES_PER_MINUTE(self) -> int:
        """``CHATKIT_MESSAGES_PER_MINUTE``: messages and retries of one viewer in a minute, 20."""
        return getattr(django_settings, "CHATKIT_MESSAGES_PER_MINUTE", 20)

    @property
    def VISITOR_MESSAGES_PER_MINUTE(self) -> int:
        """``CHATKIT_VISITOR_MESSAGES_PER_MINUTE``: those of all anonymous visitors together, 300."""
        return getattr(django_settings, "CHATKIT_VISITOR_MESSAGES_PER_MINUTE", 300)

    @property
    def ACTIVE_RUNS_PER_VIEWER(self) -> int:
        """``CHATKIT_ACTIVE_RUNS_PER_VIEWER``: runs of one viewer that may be active at once, 3."""
        return getattr(django_settings, "CHATKIT_ACTIVE_RUNS_PER_VIEWER", 3)

    @property
    def RUNS_PER_PROCESS(self) -> int:
        """``CHATKIT_RUNS_PER_PROCESS``: runs that one process carries at once, 50; others queue."""
        return getattr(django_settings, "CHATKIT_RUNS_PER_PROCESS", 50)

    @property
    def FRAMES_PER_SECOND(self) -> int:
        """``CHATKIT_FRAMES_PER_SECOND``: frames a socket may send for long, 20; twice that at once."""
        return getattr(django_settings, "CHATKIT_FRAMES_PER_SECOND", 20)

    @property
    def THREADS_PER_SOCKET(self) -> int:
        """``CHATKIT_THREADS_PER_SOCKET``: threads that one socket may watch, 10."""
        return getattr(django_settings, "CHATKIT_THREADS_PER_SOCKET", 10)

    @property
    def LEASE_SECONDS(self) -> float:
        """``CHATKIT_LEASE_SECONDS``: how long a silent process keeps its runs, 10 seconds."""
        return getattr(django_settings, "CHATKIT_LEASE_SECONDS", 10.0)

    @property
    def HEARTBEAT_SECONDS(self) -> float:
        """``CHATKIT_HEARTBEAT_SECONDS``: how often a lease is renewed while nothing happens, 3.

        Half the lease, if that is shorter.
        """
        return getattr(django_settings, "CHATKIT_HEARTBEAT_SECONDS", 3.0)

    @property
    def MAX_TAKEOVERS(self) -> int:
        """``CHATKIT_MAX_TAKEOVERS``: how often a run is taken over without getting further, 3."""
        return getattr(django_settings, "CHATKIT_MAX_TAKEOVERS", 3)

    @property
    def BROKEN_STEP(self) -> str:
        """``CHATKIT_BROKEN_STEP``: what becomes of an answer that broke off in the middle.

        ``"void"``: it is taken back and asked again; ``"keep"``: it stays, marked as interrupted.
        """
        return getattr(django_settings, "CHATKIT_BROKEN_STEP", "void")

    @property
    def PROVIDER_TRIES(self) -> int:
        """``CHATKIT_PROVIDER_TRIES``: how often the model is asked for one step, 4 times."""
        return getattr(django_settings, "CHATKIT_PROVIDER_TRIES", 4)

    @property
    def PROVIDER_PAUSE_SECONDS(self) -> float:
        """``CHATKIT_PROVIDER_PAUSE_SECONDS``: before the second try, 1 second; then twice as long."""
        return getattr(django_settings, "CHATKIT_PROVIDER_PAUSE_SECONDS", 1.0)

    @property
    def CLAIM_SECONDS(self) -> float:
        """``CHATKIT_CLAIM_SECONDS``: how long a silent page keeps a client tool's call, 15 seconds."""
        return getattr(django_settings, "CHATKIT_CLAIM_SECONDS", 15.0)

    @property
    def TOOL_THREADS(self) -> int:
        """``CHATKIT_TOOL_THREADS``: threads for the site's sync code in a process, 8."""
        return getattr(django_settings, "CHATKIT_TOOL_THREADS", 8)

    @property
    def EVENT_RETENTION_SECONDS(self) -> float:
        """``CHATKIT_EVENT_RETENTION_SECONDS``: how long a finished run's events stay, 600 seconds."""
        return getattr(django_settings, "CHATKIT_EVENT_RETENTION_SECONDS", 600.0)

    @property
    def ATTACHMENT_STORAGE(self) -> str:
        """``CHATKIT_ATTACHMENT_STORAGE``: alias in ``STORAGES`` where visitors' files are kept, "default"."""
        return getattr(django_settings, "CHATKIT_ATTACHMENT_STORAGE", "default")

    @property
    def ATTACHMENT_TYPES(self) -> list[str]:
        """``CHATKIT_ATTACHMENT_TYPES``: media types that may be uploaded; by their bytes, not their names.

        Images that browsers show (PNG, JPEG, GIF, WebP), PDF, and plain text.
        """
        return list(
            getattr(django_settings, "CHATKIT_ATTACHMENT_TYPES", READABLE_TYPES)
        )

    @property
    def MAX_ATTACHMENT_BYTES(self) -> int:
        """``CHATKIT_MAX_ATTACHMENT_BYTES``: what one file may have, 10 MB."""
        return getattr(django_settings, "CHATKIT_MAX_ATTACHMENT_BYTES", 10_000_000)

    @property
    def ATTACHMENTS_PER_MESSAGE(self) -> int:
        """``CHATKIT_ATTACHMENTS_PER_MESSAGE``: files that one message may have, 10."""
        return getattr(django_settings, "CHATKIT_ATTACHMENTS_PER_MESSAGE", 10)

    @property
    def WAITING_ATTACHMENTS(self) -> int:
        """``CHATKIT_WAITING_ATTACHMENTS``: files of one viewer that may wait to be sent, 20."""
        return getattr(django_settings, "CHATKIT_WAITING_ATTACHMENTS", 20)

    @property
    def WAITING_ATTACHMENT_BYTES(self) -> int:
        """``CHATKIT_WAITING_ATTACHMENT_BYTES``: what those may have together, 50 MB."""
        return getattr(django_settings, "CHATKIT_WAITING_ATTACHMENT_BYTES", 50_000_000)

    @property
    def WAITING_ATTACHMENT_SECONDS(self) -> float:
        """``CHATKIT_WAITING_ATTACHMENT_SECONDS``: how long a file may wait to be sent, a day."""
        return getattr(django_settings, "CHATKIT_WAITING_ATTACHMENT_SECONDS", 86_400.0)

    @property
    def TOLD_ATTACHMENT_BYTES(self) -> int:
        """``CHATKIT_TOLD_ATTACHMENT_BYTES``: what one request to the model may hold of files, 20 MB.

        The newest come first; of the others the model is told the name.
        """
        return getattr(django_settings, "CHATKIT_TOLD_ATTACHMENT_BYTES", 20_000_000)

    @property
    def THROTTLES(self) -> Mapping[str, str]:
        """``CHATKIT_THROTTLES``: requests of one viewer to the HTTP API, by scope: ``"600/minute"``.

        Those that are named here override the defaults one by one; an empty text is no limit.
        """
        given = getattr(django_settings, "CHATKIT_THROTTLES", {})
        return {**THROTTLES, **given}

    @property
    def BROWSABLE_API(self) -> bool:
        """``CHATKIT_BROWSABLE_API``: may the HTTP API be looked at in a browser? As ``DEBUG`` has it.

        Only where Django REST framework's ``BrowsableAPIRenderer`` is one of the site's renderers.
        """
        debug = django_settings.DEBUG
        return getattr(django_settings, "CHATKIT_BROWSABLE_API", debug)

    @property
    def UNDO_SECONDS(self) -> float:
        """``CHATKIT_UNDO_SECONDS``: how long its owner can take a thread's deletion back, 30 seconds."""
        return getattr(django_settings, "CHATKIT_UNDO_SECONDS", 30.0)

    @property
    def SHARING(self) -> bool:
        """``CHATKIT_SHARING``: may owners let others read a thread by a link? No, unless it is said here."""
        return getattr(django_settings, "CHATKIT_SHARING", False)

    @property
    def SHARE_DAYS(self) -> float:
        """``CHATKIT_SHARE_DAYS``: how long such a link is good for at most, 30 days."""
        return getattr(django_settings, "CHATKIT_SHARE_DAYS", 30.0)

    @property
    def PRICES(self) -> Mapping[str, Mapping[str, Any]]:
        """``CHATKIT_PRICES``: model → ``{"input", "cached", "output"}``, money for a million tokens.

        What is not in it is looked up in genai-prices, where that is installed.
        """
        return getattr(django_settings, "CHATKIT_PRICES", {})

    @property
    def BUDGETS(self) -> list[Mapping[str, Any]]:
        """``CHATKIT_BUDGETS``: who may use how much in a day or a month; docs/budgets.md."""
        return list(getattr(django_settings, "CHATKIT_BUDGETS", []))

    @property
    def TITLES(self) -> bool:
        """``CHATKIT_TITLES``: does the model write the title of a thread after its first answer?

        No, unless it is said here, or by the assistant.
        """
        return getattr(django_settings, "CHATKIT_TITLES", False)

    @property
    def REDACTOR(self) -> str:
        """``CHATKIT_REDACTOR``: dotted path of what makes a redactor; "" keeps all as it was said."""
        return getattr(django_settings, "CHATKIT_REDACTOR", "")

    @property
    def RETENTION_DAYS(self) -> Mapping[str, float | None]:
        """``CHATKIT_RETENTION_DAYS``: how long what is kept, when ``chatkit_prune`` runs; None: for ever.

        What is not named is kept as long as here.
        """
        given = getattr(django_settings, "CHATKIT_RETENTION_DAYS", {})
        return {**RETENTION_DAYS, **given}

    @property
    def STUCK_SECONDS(self) -> float:
        """``CHATKIT_STUCK_SECONDS``: a run on which nobody works for so long is shown as stuck, 120."""
        return getattr(django_settings, "CHATKIT_STUCK_SECONDS", 120.0)

    @property
    def EXPENSIVE_COST(self) -> float:
        """``CHATKIT_EXPENSIVE_COST``: money from which on a run is shown as expensive, 1."""
        return getattr(django_settings, "CHATKIT_EXPENSIVE_COST", 1.0)

    @property
    def EXPENSIVE_TOKENS(self) -> int:
        """``CHATKIT_EXPENSIVE_TOKENS``: tokens that one request reads, from which on its run is, 50,000."""
        return getattr(django_settings, "CHATKIT_EXPENSIVE_TOKENS", 50_000)

    @property
    def EXIT_SECONDS(self) -> float:
        """``CHATKIT_EXIT_SECONDS``: what a process may take to end when it is told to, 2 seconds."""
        return getattr(django_settings, "CHATKIT_EXIT_SECONDS", 2.0)


settings = Settings()
