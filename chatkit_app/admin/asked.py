"""What waits for somebody, as the admin's pages tell it: what is asked, of whom, and what they said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.contrib.auth.models import Permission
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import JsonValue

from chatkit_app.access import policy
from chatkit_app.admin.described import Line, described
from chatkit_app.admin.read_only import LONGEST, pretty
from chatkit_app.engine.states import (
    ACTIVE_RUN_STATUSES,
    Decision,
    Effect,
    InterruptKind,
    InterruptStatus,
)
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Interrupt, Thread


@dataclass(frozen=True, kw_only=True)
class Asked:
    """An interrupt. ``may_decide``: by whoever looks at it, on this page."""

    row: Interrupt
    may_decide: bool = False
    permission_name: str = ""

    @property
    def is_open(self) -> bool:
        """Is there still time to answer?"""
        at: datetime | None = self.row.expires_at
        is_over = at is not None and at <= timezone.now()
        return self.row.status == InterruptStatus.OPEN and not is_over

    @property
    def is_expired(self) -> bool:
        """Was there nobody in time?"""
        return not self.is_open and self.row.status in (
            InterruptStatus.OPEN,
            InterruptStatus.EXPIRED,
        )

    @property
    def is_approval(self) -> bool:
        return self.row.kind == InterruptKind.APPROVAL

    @property
    def is_once(self) -> bool:
        """Can what the call does not be taken back, or repeated?"""
        return bool(self.row.tool_call and self.row.tool_call.effect == Effect.ONCE)

    @property
    def name(self) -> str:
        """The tool's."""
        return self.row.tool_call.name if self.row.tool_call else ""

    @property
    def message(self) -> str:
        """Words for whoever is asked."""
        return str((self.row.request or {}).get("message") or "")

    @property
    def waits_for(self) -> str:
        """Whom it waits for."""
        match self.row.kind:
            case InterruptKind.CLIENT_TOOL:
                return _("a page of the visitor's")
            case InterruptKind.APPROVAL if self.row.permission:
                name = self.permission_name
                held = (
                    f"{name} ({self.row.permission})" if name else self.row.permission
                )
                return _("staff with the permission %(held)s") % {"held": held}
            case _:
                return _("the visitor")

    @cached_property
    def arguments(self) -> list[Line]:
        """What the model wants to call the tool with, in words."""
        call = self.row.tool_call
        return described(call.input, self._input_schema) if call else []

    @property
    def arguments_json(self) -> str:
        return pretty(self.row.tool_call.input, LONGEST) if self.row.tool_call else ""

    @property
    def _input_schema(self) -> dict[str, JsonValue] | None:
        """An approval's answer may be other arguments, so that theirs is its schema."""
        return self.row.response_schema if self.is_approval else None

    @property
    def outcome(self) -> str:
        """What was decided, in a word."""
        return outcome_of(self.row)

    @property
    def said(self) -> str:
        """The reason of a denial, or the words instead."""
        return str(self._answer.get("text") or "") if self.is_approval else ""

    @property
    def edited(self) -> list[Line]:
        """The arguments that somebody has changed, as they are now, in words."""
        after = self._answer.get("input")
        if self.row.decision != Decision.EDIT or not isinstance(after, dict):
            return []
        before = self.row.tool_call.input if self.row.tool_call else None
        known: dict[str, JsonValue] = before if isinstance(before, dict) else {}
        changed = {
            name: value
            for name, value in after.items()
            if name not in known or known[name] != value
        }
        return described(changed, self._input_schema)

    @property
    def _answer(self) -> dict[str, JsonValue]:
        answer = self.row.answer
        return answer if isinstance(answer, dict) else {}


def outcome_of(row: Interrupt) -> str:
    """What was decided, or what became of it without a decision, in a word."""
    words: dict[str, str] = {
        Decision.APPROVE: _("approved"),
        Decision.EDIT: _("approved with other arguments"),
        Decision.DENY: _("denied"),
        Decision.RESPOND: _("answered in words"),
        Decision.ANSWER: _("answered"),
        Decision.SKIP: _("skipped"),
        Decision.FAIL: _("failed"),
        InterruptStatus.OPEN: _("open"),
        InterruptStatus.ANSWERED: _("answered"),
        InterruptStatus.EXPIRED: _("expired"),
        InterruptStatus.CANCELLED: _("cancelled"),
    }
    return words.get(row.decision) or words.get(row.status) or row.status


def told(rows: Iterable[Interrupt], viewer: Viewer | None) -> list[Asked]:
    """These rows for one reader; their calls and threads are best read with them."""
    found = list(rows)
    names = _permission_names({row.permission for row in found} - {""})
    return [
        Asked(
            row=row,
            may_decide=viewer is not None and may_decide(viewer, row),
            permission_name=names.get(row.permission, ""),
        )
        for row in found
    ]


def may_decide(viewer: Viewer, row: Interrupt) -> bool:
    """Is it an approval of the staff's, and this viewer one who may give it?"""
    is_staffs = row.kind == InterruptKind.APPROVAL and row.permission != ""
    return is_staffs and policy().can_approve(viewer, row.permission, row.run.thread)


def waiting_in(thread: Thread, viewer: Viewer | None) -> Sequence[Asked]:
    """What waits for people in a thread, in the order in which it was asked."""
    rows = Interrupt.objects.filter(
        run__thread=thread,
        run__status__in=ACTIVE_RUN_STATUSES,
        status=InterruptStatus.OPEN,
    )
    return told(
        rows.select_related("tool_call", "run__thread", "answered_by").order_by("id"),
        viewer,
    )


def _permission_names(permissions: set[str]) -> dict[str, str]:
    """What Django calls them; some sites' permissions are no rows."""
    wanted = Q()
    for permission in permissions:
        app, _dot, codename = permission.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    if not permissions:
        return {}
    rows = Permission.objects.filter(wanted).select_related("content_type")
    return {
        f"{row.content_type.app_label}.{row.codename}": str(_(row.name)) for row in rows
    }
