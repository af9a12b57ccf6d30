"""Which messages a page of a timeline shows: of all branches the visitor's, or one that was asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from chatkit_app.models import Message, Thread

MESSAGES = 50
"""Messages of a page; what else was said in the place of one comes along with it."""
ABOVE = 10
"""Messages before the one that was asked for."""

Group = tuple[int, UUID | None]
"""A place in a thread: how deep it is, and what is answered there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A message and all that were ever said in its place, the oldest first and itself among them."""

    message: Message
    siblings: Sequence[Message]

    @property
    def number(self) -> int:
        """Which of them it is, from 1."""
        return self.siblings.index(self.message) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Places from the oldest on. ``earlier``: the depth before which the page before this one lies.

    ``branch`` is the message that was asked for, if the visitor sees another one in its place.
    """

    places: Sequence[Place]
    earlier: int | None
    is_newest: bool
    branch: Message | None = None


def window_of(
    thread: Thread, before: int | None = None, asked: UUID | None = None
) -> Window:
    """The newest page, the one before a depth, or the one with a message, in few queries."""
    wanted = _message(thread, asked) if asked else None
    if wanted is not None:
        found = _around(thread, wanted)
        if found is not None:
            return found
    shown = Message.objects.filter(thread=thread, is_shown=True)
    if before is not None:
        shown = shown.filter(depth__lt=before)
    depths = shown.order_by("-depth").values_list("depth", flat=True)
    newest = list(depths[: MESSAGES + 1])
    has_earlier = len(newest) > MESSAGES
    first = newest[MESSAGES - 1] if has_earlier else 0
    rows = _rows(thread, first, before)
    return Window(
        places=_places(rows, [row for row in rows if row.is_shown]),
        earlier=first if has_earlier else None,
        is_newest=before is None,
    )


def _message(thread: Thread, pk: UUID) -> Message | None:
    return Message.objects.filter(thread=thread, pk=pk).first()


def _around(thread: Thread, wanted: Message) -> Window | None:
    """The page with a message in its middle; None: the newest one has it."""
    shown = Message.objects.filter(thread=thread, is_shown=True)
    later = shown.filter(depth__gt=wanted.depth).order_by("depth")
    if wanted.is_shown and len(later.values("pk")[:MESSAGES]) < MESSAGES:
        return None
    first = max(0, wanted.depth - ABOVE)
    rows = _rows(thread, first, first + MESSAGES)
    return Window(
        places=_places(rows, _path(rows, wanted)),
        earlier=first or None,
        is_newest=False,
        branch=None if wanted.is_shown else wanted,
    )


def _rows(thread: Thread, first: int, before: int | None) -> list[Message]:
    rows: QuerySet[Message] = Message.objects.filter(thread=thread, depth__gte=first)
    if before is not None:
        rows = rows.filter(depth__lt=before)
    return list(rows.select_related("author").order_by("depth", "id"))


def _path(rows: Sequence[Message], wanted: Message) -> list[Message]:
    """The branch of a message, as far as these rows have it."""
    above = _above(rows, wanted)
    shown = [row for row in rows if row.is_shown and row.depth < above[0].depth]
    return [*shown, *above, *_below(rows, wanted)]


def _above(rows: Sequence[Message], wanted: Message) -> list[Message]:
    """What the message stands below, and itself, as far as the visitor does not see them."""
    known: Mapping[UUID | None, Message] = {row.pk: row for row in rows}
    found = [known[wanted.pk]]
    while not found[0].is_shown:
        parent = known.get(found[0].parent_id)
        if parent is None or parent.is_shown:
            break
        found.insert(0, parent)
    return found


def _below(rows: Sequence[Message], wanted: Message) -> list[Message]:
    """What follows it: the shown ones, else those that were said last."""
    children = _grouped_by_parent(rows)
    found: list[Message] = []
    here = children.get(wanted.pk)
    while here:
        found.append(next((row for row in here if row.is_shown), here[-1]))
        here = children.get(found[-1].pk)
    return found


def _grouped_by_parent(rows: Iterable[Message]) -> Mapping[UUID, list[Message]]:
    found: dict[UUID, list[Message]] = defaultdict(list)
    for row in rows:
        if row.parent_id is not None:
            found[row.parent_id].append(row)
    return found


def _places(rows: Iterable[Message], path: Iterable[Message]) -> list[Place]:
    groups: dict[Group, list[Message]] = defaultdict(list)
    for row in rows:
        groups[row.depth, row.parent_id].append(row)
    return [
        Place(message=row, siblings=groups[row.depth, row.parent_id]) for row in path
    ]
