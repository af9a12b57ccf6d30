"""Do the settings of this app have values that mean something, alone and together?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as Caution

from chatkit_app.api.throttles import read_rate
from chatkit_app.conf import RETENTION_DAYS, THROTTLES, Settings
from chatkit_app.protocols.native import MAX_SENT_BYTES

AROUND_OUTPUT = 48_576
"""Bytes of a frame for what is said beside an output; much more than there is."""

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
        if type_ == "int" and not is_count(value):
            yield Error(
                f"{PREFIX}{name} is {value!r}: it must be a whole number from 1 on.",
                hint="Leave it out for the default, which docs/settings.md tells.",
                id="chatkit.E007",
            )
        if type_ == "float" and not is_time(value):
            yield Error(
                f"{PREFIX}{name} is {value!r}: it must be seconds, above 0.",
                hint="Leave it out for the default, which docs/settings.md tells.",
                id="chatkit.E008",
            )


def is_count(value: object) -> bool:
    """A whole number from 1 on."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def is_time(value: object) -> bool:
    """Seconds, above 0."""
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


def check_rates(**_: Any) -> Iterator[CheckMessage]:
    """What a viewer may ask of the API is a number of requests in a period, in a scope we know."""
    given = getattr(django_settings, f"{PREFIX}THROTTLES", {})
    for scope, rate in given.items() if isinstance(given, Mapping) else [("", given)]:
        if scope not in THROTTLES or not _is_rate(rate):
            yield Error(
                f"{PREFIX}THROTTLES has {rate!r} for {scope!r}.",
                hint=f"Scopes are {', '.join(THROTTLES)}; a rate is like '600/minute', or ''.",
                id="chatkit.E083",
            )


def _is_rate(rate: object) -> bool:
    """A number of requests in a second, minute, hour or day; or no limit."""
    try:
        return rate == "" or bool(read_rate(str(rate)))
    except ValueError:
        return False


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


def check_sizes(**_: Any) -> Iterator[CheckMessage]:
    """What a row keeps of a tool's output fits into one frame to the pages."""
    largest = Settings().MAX_OUTPUT_BYTES
    fits = MAX_SENT_BYTES - AROUND_OUTPUT
    if is_count(largest) and largest > fits:
        yield Error(
            f"CHATKIT_MAX_OUTPUT_BYTES is {largest}: such an output could not be sent.",
            hint=f"At most {fits}: a frame has {MAX_SENT_BYTES} bytes, all in all. Let a tool"
            " return where a large thing can be found.",
            id="chatkit.E055",
        )


def check_retention(**_: Any) -> Iterator[CheckMessage]:
    """What is thrown away after some days is something that we have, and the days are a number."""
    given = getattr(django_settings, "CHATKIT_RETENTION_DAYS", {})
    for fault in _retention_faults(given):
        names = ", ".join(map(repr, RETENTION_DAYS))
        yield Error(
            f"CHATKIT_RETENTION_DAYS{fault}.",
            hint=f"A dict of days, above 0, or None for ever, by one of {names}.",
            id="chatkit.E070",
        )


def _retention_faults(given: object) -> Iterator[str]:
    if not isinstance(given, Mapping):
        yield " is no dict"
        return
    for name, days in given.items():
        if name not in RETENTION_DAYS or not (days is None or is_time(days)):
            yield f"[{name!r}] is {days!r}"


def check_leases(**_: Any) -> Iterator[CheckMessage]:
    """A process that lives renews its lease before it runs out, one late beat allowed."""
    given = getattr(django_settings, "CHATKIT_LEASE_SECONDS", 1.0)
    if not is_time(given):
        return  # check_numbers says it, and nothing can be compared with it
    lease, heartbeat = Settings().LEASE_SECONDS, Settings().HEARTBEAT_SECONDS
    if not is_time(heartbeat):
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
