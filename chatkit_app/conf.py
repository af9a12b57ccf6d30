"""The settings: one property each, with type, unit and default; read anew on each access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings


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
        """``CHATKIT_MAX_OUTPUT_BYTES``: what one tool's output may have as JSON, 64 kB."""
        return getattr(django_settings, "CHATKIT_MAX_OUTPUT_BYTES", 65_536)

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
    def EXIT_SECONDS(self) -> float:
        """``CHATKIT_EXIT_SECONDS``: what a process may take to end when it is told to, 2 seconds."""
        return getattr(django_settings, "CHATKIT_EXIT_SECONDS", 2.0)


settings = Settings()
