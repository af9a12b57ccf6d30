"""Who is at the door. Every edge makes one; nothing further in looks at a request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """A user of the site, or an anonymous visitor.

    ``user`` is the site's own user object and None for a visitor (Any: only the site knows its
    type). ``key`` is what owns threads: ``u:<pk>`` or ``v:<uuid>``.
    """

    user: Any = None
    visitor: UUID | None = None
    tenant: str = ""
    language: str = ""

    @property
    def key(self) -> str:
        """The owner's key, as it stands in the tables."""
        return f"v:{self.visitor}" if self.user is None else f"u:{self.user.pk}"

    @property
    def is_anonymous(self) -> bool:
        """Is it a visitor who has not logged in?"""
        return self.user is None
