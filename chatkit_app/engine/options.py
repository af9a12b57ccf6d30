"""What a tool's options can't mean: told where the tool is written, in the words of its author."""

from __future__ import annotations

import inspect
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

NAME_CHARS = 64
"""Of a question's class: by its name an answer is told from another, and the row has so much room."""

PERMISSION = re.compile(r"[^.\s]+\.\S+")
TIMES = ("timeout", "deadline", "patience")


def check_options(tool: str, options: Mapping[str, Any]) -> None:
    """Pass, if every option that was given means something.

    Raises:
        ValueError: Some do not; the words name the tool and tell all that is wrong with it.
    """
    faults = [
        *_of_approvals(options),
        *_of_permissions(options),
        *_of_times(options),
        *_of_questions(options.get("questions", ())),
    ]
    if faults:
        raise ValueError(f"{tool}: {'; '.join(faults)}.")


def _of_approvals(options: Mapping[str, Any]) -> Iterator[str]:
    # False was written on purpose, as needs_approval=not settings.DEBUG is.
    if options.get("approved_by") and "needs_approval" not in options:
        yield (
            f"approved_by={options['approved_by']!r} asks nobody by itself: write"
            " needs_approval=True beside it, or a rule (who may use the tool at all is"
            " permission=)"
        )
    rule = options.get("needs_approval", False)
    if isinstance(rule, bool):
        return
    if not callable(rule):
        yield f"needs_approval is {rule!r}, neither a bool nor a function"
    elif not _takes(rule, 3):
        yield (
            f"needs_approval: {_named(rule)} must take three arguments, (input, user, context)"
        )


def _of_permissions(options: Mapping[str, Any]) -> Iterator[str]:
    for name in ("permission", "approved_by"):
        value = options.get(name, "")
        if value == "" or (name == "permission" and callable(value)):
            continue
        if not (isinstance(value, str) and PERMISSION.fullmatch(value)):
            yield (
                f"{name} is {value!r}, which nobody can have: write app and codename, as in"
                ' "shop.change_order"'
            )


def _of_times(options: Mapping[str, Any]) -> Iterator[str]:
    for name in TIMES:
        if name in options and not _is_time(options[name]):
            yield f"{name} is {options[name]!r}, not seconds above 0"


def _of_questions(kinds: Sequence[type]) -> Iterator[str]:
    names = Counter(_named(kind) for kind in kinds)
    for name, count in names.items():
        if count > 1:
            yield (
                f"questions= has {count} of the name {name}, by which an answer is told from"
                " another: rename one"
            )
        if len(name) > NAME_CHARS:
            yield f"the question's name {name} is longer than {NAME_CHARS} characters"


def _is_time(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > 0
    )


def _takes(function: Callable[..., object], count: int) -> bool:
    """Can it be called with so many arguments by position?"""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True  # one of C's, which doesn't tell
    try:
        signature.bind(*[None] * count)
    except TypeError:
        return False
    return True


def _named(thing: object) -> str:
    return str(getattr(thing, "__name__", repr(thing)))
