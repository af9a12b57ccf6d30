"""Are the LLM APIs declared so that they can be made?"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error

from chatkit_app.checks.importing import imported


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
    backend = imported(provider["BACKEND"])
    if not callable(backend):
        yield Error(
            f"{name}: {provider['BACKEND']!r} can't be imported.",
            hint="BACKEND is the dotted path of a class or function that gives a provider;"
            " is the package installed that it needs?",
            id="chatkit.E003",
        )
    elif misfit := _misfit(backend, provider.get("OPTIONS", {})):
        yield Error(
            f"{name}: the OPTIONS do not fit: {misfit}.",
            hint="BACKEND is called with the OPTIONS as its keyword arguments.",
            id="chatkit.E004",
        )


def _misfit(backend: Callable[..., object], options: Mapping[str, object]) -> str:
    """Why the backend can't be called so; it is not called, for that may need a key."""
    try:
        inspect.signature(backend).bind(**options)
    except TypeError as error:
        return str(error)
    except ValueError:  # written in C, without a signature
        return ""
    return ""
