"""One listener of a thread: from its cursor on, exactly the rest, at its own pace."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from chatkit_app.db import in_thread
from chatkit_app.engine import events
from chatkit_app.log.append import append
from chatkit_app.log.doorbell import doorbell
from chatkit_app.log.fold import prune
from chatkit_app.log.ring import ring
from chatkit_app.models import Event, Thread
from chatkit_app.runs import subscription as module
from chatkit_app.runs.subscription import Subscription, TooSlow, Unread
from tests.history_rows import make_thread
from tests.log.writing import delta, nothing
from tests.runs.desk import WAIT, a_visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

Frame = dict[str, Any]


def make(events: int) -> tuple[UUID, str]:
    thread = make_thread(a_visitor().visitor, assistant="test")
    if events:
        write(thread.pk, events)
    return thread.pk, thread.epoch


def write(thread: UUID, count: int = 1) -> None:
    with transaction.atomic():
        append(thread, [delta(str(n)) for n in range(count)], record=nothing)


async def next_frame(frames: AsyncIterator[str]) -> Frame:
    async with asyncio.timeout(WAIT):
        found: Frame = json.loads(await anext(frames))
        return found


async def positions(frames: AsyncIterator[str], count: int) -> list[int]:
    """Of so many events; what tells only the position is passed over."""
    found: list[int] = []
    while len(found) < count:
        frame = await next_frame(frames)
        if frame["type"] == "event":
            found.append(frame["position"])
    return found


async def test_without_a_cursor_it_begins_with_a_snapshot() -> None:
    thread, epoch = await in_thread(make, 3)

    async with aclosing(Subscription(thread).frames(None, None)) as frames:
        first = await next_frame(frames)
        await in_thread(write, thread, 2)
        assert await positions(frames, 2) == [4, 5]

    assert (first["type"], first["position"], first["epoch"]) == ("reset", 3, epoch)


async def test_a_cursor_gets_exactly_the_rest() -> None:
    thread, epoch = await in_thread(make, 5)

    async with aclosing(Subscription(thread).frames(epoch, 2)) as frames:
        first = await next_frame(frames)
        assert (first["type"], first["position"]) == ("position", 5)
        await in_thread(write, thread, 1)
        assert await positions(frames, 4) == [3, 4, 5, 6]


async def test_more_than_one_reading_comes_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "READ_ROWS", 3)
    thread, epoch = await in_thread(make, 10)

    async with aclosing(Subscription(thread).frames(epoch, 0)) as frames:
        assert await positions(frames, 10) == list(range(1, 11))


@pytest.mark.parametrize(
    ("epoch", "position"), [("another", 3), (None, 3), ("own", 9), ("own", -1)]
)
async def test_a_cursor_that_is_not_of_this_history_gets_a_reset(
    epoch: str | None, position: int
) -> None:
    thread, own = await in_thread(make, 5)
    asked = own if epoch == "own" else epoch

    async with aclosing(Subscription(thread).frames(asked, position)) as frames:
        assert (await next_frame(frames))["type"] == "reset"


def prune_until(thread: UUID, position: int) -> None:
    old = Event.objects.filter(thread=thread, position__lte=position)
    old.update(at=timezone.now() - timedelta(hours=1))
    assert prune(thread)


async def test_a_cursor_below_the_floor_gets_a_reset_and_one_at_it_goes_on() -> None:
    thread, epoch = await in_thread(make, 5)
    await in_thread(prune_until, thread, 3)

    async with aclosing(Subscription(thread).frames(epoch, 2)) as frames:
        first = await next_frame(frames)
        assert (first["type"], first["position"]) == ("reset", 5)
    async with aclosing(Subscription(thread).frames(epoch, 3)) as frames:
        assert (await next_frame(frames))["type"] == "position"
        assert await positions(frames, 2) == [4, 5]


@pytest.mark.parametrize("until", [3, 5])
async def test_who_is_overtaken_by_the_floor_gets_a_reset(until: int) -> None:
    thread, epoch = await in_thread(make, 5)

    async with aclosing(Subscription(thread).frames(epoch, 1)) as frames:
        assert (await next_frame(frames))["type"] == "position"
        await in_thread(prune_until, thread, until)
        found = await next_frame(frames)

    assert (found["type"], found["position"]) == ("reset", 5)


async def test_too_far_behind_a_snapshot_is_cheaper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_REPLAY", 3)
    thread, epoch = await in_thread(make, 5)

    async with aclosing(Subscription(thread).frames(epoch, 1)) as frames:
        assert (await next_frame(frames))["type"] == "reset"


async def test_another_branch_comes_with_what_it_shows() -> None:
    thread, epoch = await in_thread(make, 1)

    async with aclosing(Subscription(thread).frames(epoch, 1)) as frames:
        assert (await next_frame(frames))["type"] == "position"
        shown = events.BranchShown(message_id=str(uuid4()))
        # What is said of a branch in a text, or in what a tool gives back, is no branch.
        said = events.PartDelta(
            part_id="p", offset=0, delta='"event":{"type":"branch.shown"'
        )
        given = events.ToolCallProgressed(
            tool_call_id="c",
            text="",
            preliminary={"event": {"type": "branch.shown"}, "position": 1},
        )
        await in_thread(_append, thread, [said, given, shown, said])
        found = [await next_frame(frames) for _ in range(5)]

    kinds = [frame["type"] for frame in found]
    assert kinds == ["event", "event", "event", "reset", "position"]
    assert found[2]["event"]["type"] == "branch.shown"
    assert found[3]["position"] == 5


def _append(thread: UUID, told: list[events.AnyEvent]) -> None:
    with transaction.atomic():
        append(thread, told, record=nothing)


async def test_a_quiet_thread_tells_where_it_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POSITION_SECONDS", 0.001)
    thread, epoch = await in_thread(make, 2)

    async with aclosing(Subscription(thread).frames(epoch, 2)) as frames:
        for _ in range(3):
            frame = await next_frame(frames)
            assert (frame["type"], frame["position"]) == ("position", 2)


async def test_another_processs_events_are_heard_by_the_doorbell() -> None:
    thread, epoch = await in_thread(make, 1)

    async with aclosing(Subscription(thread).frames(epoch, 1)) as frames:
        await next_frame(frames)
        waiting = asyncio.create_task(positions(frames, 1))
        await in_thread(write_elsewhere, thread)
        ring.ring(thread)
        assert await waiting == [2]


async def test_a_ring_during_a_reading_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread, epoch = await in_thread(make, 1)
    original, has_read = module.read_frames, []

    def read_frames(*asked: Any) -> list[tuple[int, str]]:
        found = original(*asked)
        if not has_read:
            has_read.append(True)
            write_elsewhere(thread)
            ring.ring(thread)
        return found

    monkeypatch.setattr(module, "read_frames", read_frames)

    async with aclosing(Subscription(thread).frames(epoch, 1)) as frames:
        await next_frame(frames)
        async with asyncio.timeout(10):
            assert await positions(frames, 1) == [2]


def write_elsewhere(thread: UUID) -> None:
    """Committed, and not told to this process's ring."""
    now = timezone.now()
    data = '{"type":"of.tomorrow"}'
    Event.objects.create(
        thread_id=thread, position=2, type="of.tomorrow", data=data, at=now
    )
    Thread.objects.filter(pk=thread).update(position=2)


async def test_a_full_window_waits_for_the_listener(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WINDOW", 3)
    thread, epoch = await in_thread(make, 8)
    listener = Subscription(thread)

    async with aclosing(listener.frames(epoch, 0)) as frames:
        assert await positions(frames, 3) == [1, 2, 3]
        waiting = asyncio.create_task(positions(frames, 2))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        listener.acknowledge(99)  # nothing that it can have seen
        await asyncio.sleep(0)
        assert not waiting.done()
        listener.acknowledge(2)
        assert await waiting == [4, 5]


async def test_who_never_acknowledges_is_too_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WINDOW", 2)
    monkeypatch.setattr(module, "ACKNOWLEDGE_SECONDS", 0.01)
    thread, epoch = await in_thread(make, 5)

    async with aclosing(Subscription(thread).frames(epoch, 0)) as frames:
        with pytest.raises(TooSlow):
            await positions(frames, 5)


async def test_snapshots_that_nobody_reads_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNREAD_BYTES", 1000)
    thread, _ = await in_thread(make, 1)
    unread = Unread()

    async def subscribe() -> None:
        async with aclosing(Subscription(thread, unread).frames(None, None)) as frames:
            await next_frame(frames)

    async def subscribe_on_and_on() -> None:
        for _ in range(100):
            await subscribe()

    with pytest.raises(TooSlow):
        await subscribe_on_and_on()


async def test_snapshots_that_are_read_are_never_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNREAD_BYTES", 1000)
    thread, _ = await in_thread(make, 1)
    unread = Unread()

    for _ in range(20):
        listener = Subscription(thread, unread)
        async with aclosing(listener.frames(None, None)) as frames:
            listener.acknowledge((await next_frame(frames))["position"])
    assert unread.size == 0


async def test_events_wait_for_room_and_any_thread_may_make_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (one, epoch), (two, _) = await in_thread(make, 8), await in_thread(make, 1)
    unread = Unread()
    first, second = Subscription(one, unread), Subscription(two, unread)

    async with (
        aclosing(first.frames(epoch, 0)) as frames,
        aclosing(second.frames(None, None)) as others,
    ):
        assert await positions(frames, 2) == [1, 2]
        monkeypatch.setattr(module, "ROOM_BYTES", unread.size)
        waiting = asyncio.create_task(positions(frames, 1))
        reset = await next_frame(others)
        await asyncio.sleep(0.02)
        assert not waiting.done()
        # It was sent last, so whoever has read it has read all before.
        second.acknowledge(reset["position"])
        assert await waiting == [3]


def test_an_acknowledgement_frees_what_was_sent_up_to_it_and_nothing_more() -> None:
    unread, one, two = Unread(), uuid4(), uuid4()
    for thread, position in ((one, 1), (two, 7), (one, 2), (one, 3)):
        unread.add(thread, position, "x" * 10)

    unread.acknowledge(one, 1)
    after_first = unread.size
    unread.acknowledge(one, 2)
    after_second = unread.size
    unread.acknowledge(two, 7)  # read long ago

    assert (after_first, after_second, unread.size) == (30, 10, 10)


async def test_who_leaves_is_no_longer_kept() -> None:
    thread, _ = await in_thread(make, 1)
    doorbell.start()

    async with aclosing(Subscription(thread).frames(None, None)) as frames:
        await next_frame(frames)
        assert ring.is_watched(thread)

    assert not ring.is_watched(thread)


async def test_many_listeners_see_all_in_order_while_many_write() -> None:
    thread, epoch = await in_thread(make, 0)

    async def listen() -> list[int]:
        async with aclosing(Subscription(thread).frames(epoch, 0)) as frames:
            return await positions(frames, 60)

    listeners = [asyncio.create_task(listen()) for _ in range(3)]
    await asyncio.gather(*[in_thread(write, thread, 1 + n % 3) for n in range(30)])

    for listener in listeners:
        assert await listener == list(range(1, 61))
