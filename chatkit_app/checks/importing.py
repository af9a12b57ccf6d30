"""What a dotted path in the settings stands for."""

from __future__ import annotations

from django.utils.module_loading import import_string


def imported(path: object) -> object:
    """What the path names; None where it names nothing."""
    try:
        return import_string(path) if isinstance(path, str) else None
    except (ImportError, ValueError):  # ValueError: a name such as ".x"
        return None


def is_class_of(base: type, path: object) -> bool:
    """Does the path name ``base`` or a subclass of it?"""
    found = imported(path)
    return isinstance(found, type) and issubclass(found, base)
