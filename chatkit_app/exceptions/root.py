"""What all errors of this app are."""

from __future__ import annotations


class ChatKitError(Exception):
    """The root of everything that this app raises on purpose."""

    code = "chatkit_error"
