"""Values as a list tells them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from chatkit_app.admin.timeline import between
from chatkit_app.models import Thread

NAME = 60
"""Characters of a name."""


def when(at: datetime) -> str:
    """A moment, short."""
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT")


def seconds_text(start: datetime | None, end: datetime | None) -> str:
    """How long it took; a dash as long as it has not ended."""
    seconds = between(start, end)
    return "-" if seconds is None else f"{seconds:.1f}"


def money(cost: Decimal | None) -> str | None:
    """In the prices' currency; None where none is known."""
    return None if cost is None else f"{cost:.4f}"


def who(thread: Thread) -> str:
    """The owner: a user's name, or the beginning of a visitor's id."""
    if thread.user is not None:
        return Truncator(str(thread.user)).chars(NAME)
    return _("visitor %(id)s") % {"id": str(thread.visitor)[:8]}


def names_of(tools: Sequence[str]) -> SafeString:
    """Tools; what a model makes of a name is as long as it likes."""
    return side_by_side(
        [format_html("<code>{}</code>", Truncator(name).chars(NAME)) for name in tools]
    )


def side_by_side(marks: Sequence[SafeString]) -> SafeString:
    """Marks in one line."""
    return format_html_join(" ", "{}", ((mark,) for mark in marks))
