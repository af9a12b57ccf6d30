"""Numbering events and writing them, inside a transaction of the caller's; telling the watchers after.

The thread's counter is locked by the same transaction that inserts: the order of the numbers is the
order of the commits, and there are no holes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connections, router, transaction
from django.utils import timezone

from chatkit_app.engine.events import AnyEvent
from chatkit_app.log.doorbell import doorbell
from chatkit_app.log.lists import is_listed
from chatkit_app.log.owner_bell import owner_bell
from chatkit_app.log.ring import ring
from chatkit_app.log.statements import insert_events, move_positions
from chatkit_app.models import Event
from chatkit_app.protocols.native import encode_event, event_frame

Record = Callable[[AnyEvent, int], None]
"""Writes the rows that an event at a position stands for."""


def append(
    thread: UUID, events: Sequence[AnyEvent], *, record: Record, run: UUID | None = None
) -> int:
    """Write events and their rows; the watchers see them once the transaction has committed.

    Returns the position of the last one.
    """
    texts = [encode_event(event) for event in events]
    connection = connections[router.db_for_write(Event)]
    listed = {thread} if is_listed(events) else ()
    last = move_positions(connection, {thread: len(events)}, listed=listed)[thread]
    first = last - len(events) + 1
    rows = event_rows(thread, first, events, texts, run, timezone.now())
    insert_events(connection, rows)
    for position, event in enumerate(events, first):
        record(event, position)
    transaction.on_commit(lambda: publish(thread, first, events, texts))
    return last


def event_rows(
    thread: UUID,
    first: int,
    events: Sequence[AnyEvent],
    texts: Sequence[str],
    run: UUID | None,
    now: datetime,
) -> list[Event]:
    """The rows of events from position ``first`` on; ``texts`` are the events, encoded."""
    return [
        Event(
            thread_id=thread,
            position=position,
            version=event.version,
            type=event.type,
            run_id=run,
            data=text,
            at=now,
        )
        for position, (event, text) in enumerate(zip(events, texts, strict=True), first)
    ]


def publish(
    thread: UUID, first: int, events: Sequence[AnyEvent], texts: Sequence[str]
) -> None:
    """Tell this process's watchers, then ring at the others' doors. Only after the commit.

    ``texts`` are the events, encoded.
    """
    ring.add(
        thread,
        first,
        [
            event_frame(thread, position, text)
            for position, text in enumerate(texts, first)
        ],
    )
    doorbell.ring(thread, first + len(texts) - 1)
    owner_bell.ring_events(thread, events)
