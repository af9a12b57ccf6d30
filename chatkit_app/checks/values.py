"""Do the settings of this app have values that mean something, alone and together?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from chatkit_app.conf import Settings

PREFIX = "CHATKIT_"
WORDS = {"BROKEN_STEP": ("void", "keep")}


def types_of_settings() -> Iterator[tuple[str, str]]:
    """Each setting with the word for its type."""
    for name, member in vars(Settings).items():
        if isinstance(member, property) and member.fget is not None:
            yield name, str(member.fget.__annotations__["return"])


def check_numbers(**_: Any) -> Iterator[CheckMessage]:
    """Counts and sizes are whole numbers from 1 on, times are seconds above 0."""
    for name, type_ in types_of_settings():
        value = getattr(django_settings, PREFIX + name, 1)  # where it is missing: ours
        if type_ == "int" and not _is_count(value):
            yield Error(
                f"{PREFIX}{name} is {value!r}: it must be a whole number from 1 on.",
                hint="Leave it out for the default, which docs/settings.md tells.",
                id="chatkit.E007",
            )
        if type_ == "float" and not _is_time(value):
            yield Error(
                f"{PREFIX}{name} is {value!r}: it must be seconds, above 0.",
                hint="Leave it out for the default, which docs/settings.md tells.",
                id="chatkit.E008",
            )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_time(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > 0
    )


def check_words(**_: Any) -> Iterator[CheckMessage]:
    """Where a setting is one of a few words, it is one of them."""
    for name, words in WORDS.items():
        value = getattr(Settings(), name)
        if value not in words:
            yield Error(
                f"{PREFIX}{name} is {value!r}.",
                hint=f"It is one of these: {', '.join(map(repr, words))}.",
                id="chatkit.E025",
            )


def check_names(**_: Any) -> Iterator[CheckMessage]:
    """No setting is misspelt: a wrong name would be the default, silently."""
    known = [PREFIX + name for name, _type in types_of_settings()]
    for name in dir(django_settings):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            yield Caution(
                f"{name} is no setting of this app.",
                hint=f"Is {near[0]} meant?" if near else "docs/settings.md lists them.",
                id="chatkit.W009",
            )


def check_leases(**_: Any) -> Iterator[CheckMessage]:
    """A process that lives renews its lease before it runs out, one late beat allowed."""
    given = getattr(django_settings, "CHATKIT_LEASE_SECONDS", 1.0)
    if not _is_time(given):
        return  # check_numbers says it, and nothing can be compared with it
    lease, heartbeat = Settings().LEASE_SECONDS, Settings().HEARTBEAT_SECONDS
    if not _is_time(heartbeat):
        return
    told = (
        f"A lease lasts {lease:g} seconds (CHATKIT_LEASE_SECONDS) and is renewed every"
        f" {heartbeat:g} (CHATKIT_HEARTBEAT_SECONDS)"
    )
    hint = (
        f"Set CHATKIT_HEARTBEAT_SECONDS to a third of the lease, {lease / 3:.2g}, or"
        " leave it out."
    )
    if lease <= heartbeat:
        yield Error(
            f"{told}: runs are taken from processes that are alive.",
            hint=hint,
            id="chatkit.E026",
        )
    elif lease < 2 * heartbeat:
        yield Caution(
            f"{told}: one beat that comes late, and the run is another process's.",
            hint=hint,
            id="chatkit.W027",
        )
