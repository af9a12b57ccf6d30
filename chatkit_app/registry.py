"""The assistants of the site, from each app's ``assistants.py``, and the providers they speak to."""

from __future__ import annotations

import threading

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from chatkit_app.conf import settings
from chatkit_app.engine.assistant import Assistant
from chatkit_app.engine.provider import Provider


class UnknownAssistant(LookupError):
    """None of this name is registered in this process; newer code may have it."""


class Registry:
    """Assistants by name."""

    def __init__(self) -> None:
        self._assistants: dict[str, Assistant] = {}

    def register(self, assistant: Assistant) -> Assistant:
        """Add one.

        Raises:
            ImproperlyConfigured: Another one has its name.
        """
        known = self._assistants.setdefault(assistant.name, assistant)
        if known is not assistant:
            raise ImproperlyConfigured(f"Two assistants are called {assistant.name!r}.")
        return assistant

    def unregister(self, name: str) -> None:
        """Take one out (for tests)."""
        self._assistants.pop(name, None)

    def get(self, name: str) -> Assistant:
        """The assistant of this name.

        Raises:
            UnknownAssistant: There is none.
        """
        try:
            return self._assistants[name]
        except KeyError:
            known = ", ".join(sorted(self._assistants)) or "none"
            raise UnknownAssistant(
                f"No assistant is called {name!r}; registered: {known}."
            ) from None

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._assistants)

    def all(self) -> list[Assistant]:
        """All of them, by name."""
        return [self._assistants[name] for name in self.names()]

    def is_simulated(self, name: str) -> bool:
        """Does a script answer for this assistant?"""
        return providers.get(self.get(name).provider).is_simulated


class Providers:
    """Providers by their alias in ``CHATKIT_PROVIDERS``, made at first use and kept."""

    def __init__(self) -> None:
        self._made: dict[str, Provider] = {}
        self._lock = threading.Lock()

    def get(self, alias: str) -> Provider:
        """The provider of this alias.

        Raises:
            ImproperlyConfigured: The setting has no such alias, or it can't be made.
        """
        with self._lock:
            if alias not in self._made:
                self._made[alias] = self._make(alias)
            return self._made[alias]

    def clear(self) -> None:
        """Forget them all, as when the setting has changed."""
        with self._lock:
            self._made.clear()

    def _make(self, alias: str) -> Provider:
        try:
            declared = settings.PROVIDERS[alias]
            backend = import_string(declared["BACKEND"])
        except (KeyError, TypeError, ImportError) as error:
            raise ImproperlyConfigured(
                f"CHATKIT_PROVIDERS[{alias!r}] needs a BACKEND that can be imported: {error}"
            ) from error
        try:
            provider = backend(**declared.get("OPTIONS", {}))
        except TypeError as error:
            raise ImproperlyConfigured(
                f"CHATKIT_PROVIDERS[{alias!r}] can't be made of its OPTIONS: {error}"
            ) from error
        if not isinstance(provider, Provider):
            raise ImproperlyConfigured(
                f"CHATKIT_PROVIDERS[{alias!r}] made no Provider."
            )
        return provider


assistants = Registry()
providers = Providers()


def register(assistant: Assistant) -> Assistant:
    """Make an assistant known; called in an app's ``assistants.py``."""
    return assistants.register(assistant)
