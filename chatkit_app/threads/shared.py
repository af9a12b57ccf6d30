"""What a shared thread shows: words, names of files and of tools; nothing that only its owner may see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from chatkit_app.engine.states import PartKind, PartState, Role, StepStatus
from chatkit_app.log.branches import author_name
from chatkit_app.log.paths import page_of_path
from chatkit_app.models import Part, Share

MESSAGES = 100
"""Messages of a page."""
SHOWN_KINDS = (PartKind.TEXT, PartKind.FILE, PartKind.TOOL_CALL)
CALL = ("tool_call__name", "tool_call__status")
COLUMNS = ("message", "kind", "text", "data", "tool_call", *CALL)
"""What is read at all: arguments and results are not.

(The text of a call's part is its arguments; it is in the column of all texts, and told to nobody.)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPart:
    """A text, a file or a tool call; what it has not is empty.

    ``name`` is the file's or the tool's, ``status`` how a call has ended.
    """

    kind: PartKind
    text: str = ""
    name: str = ""
    media_type: str = ""
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMessage:
    """A message; ``author`` is the name of the member of the staff who has written it, None: nobody has."""

    role: Role
    author: str | None
    created_at: datetime
    parts: Sequence[SharedPart]


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPage:
    """Messages, the oldest first. ``later``: where the next page begins; None: there is none."""

    messages: Sequence[SharedMessage]
    later: int | None


def shared_page(share: Share, *, start: int = 0) -> SharedPage:
    """A page of what a share shows, in three queries; ``share.message`` is best read with it."""
    page = page_of_path(share.message, start=start, size=MESSAGES)
    parts = _parts([message.pk for message in page.messages])
    return SharedPage(
        messages=[
            SharedMessage(
                role=Role(message.role),
                author=author_name(message),
                created_at=message.created_at,
                parts=parts[message.pk],
            )
            for message in page.messages
            if message.role != Role.SYSTEM
        ],
        later=page.later,
    )


def _parts(messages: Sequence[UUID]) -> dict[UUID, list[SharedPart]]:
    """By message. What a broken-off attempt of the model has said was taken back."""
    kept = Q(step=None) | ~Q(step__status=StepStatus.VOID)
    rows = (
        Part.objects.filter(kept, message__in=messages, kind__in=SHOWN_KINDS)
        .exclude(state=PartState.STREAMING)
        .select_related("tool_call")
        .only(*COLUMNS)
        .order_by("index")
    )
    found: dict[UUID, list[SharedPart]] = defaultdict(list)
    for row in rows:
        found[row.message_id].append(_part(row))
    return found


def _part(row: Part) -> SharedPart:
    kind = PartKind(row.kind)
    if kind == PartKind.TEXT:
        return SharedPart(kind=kind, text=row.text)
    if kind == PartKind.FILE:
        told = row.data if isinstance(row.data, dict) else {}
        name, media_type = (str(told.get(key, "")) for key in ("name", "mediaType"))
        return SharedPart(kind=kind, name=name, media_type=media_type)
    call = row.tool_call
    return SharedPart(
        kind=kind, name=call.name if call else "", status=call.status if call else ""
    )
