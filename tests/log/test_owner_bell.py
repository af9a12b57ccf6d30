"""An owner's bell: rung by what a list shows, heard once for many, in every process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from channels.layers import get_channel_layer
from django.db.models import F

from chatkit_app.background import background
from chatkit_app.db import in_thread
from chatkit_app.engine import events, states
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log import doorbell as doorbells
from chatkit_app.log import owner_bell as module
from chatkit_app.log.append import append
from chatkit_app.log.doorbell import Doorbell
from chatkit_app.log.lists import Bell, approvals_of, list_of
from chatkit_app.log.owner_bell import OwnerBell, owner_bell
from chatkit_app.models import Thread
from tests.history_rows import make_thread
from tests.log.test_doorbell import DOWN, redis, stop_layer, use_layer  # noqa: F401
from tests.runs.desk import WAIT, a_visitor, carried

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

LATER = 5 * module.TOGETHER_SECONDS
"""Seconds after which a ring that has not come does not come."""
DELTA = events.PartDelta(part_id="p", offset=0, delta="Hi")
RENAMED = events.ThreadChanged(title="New", status=states.ThreadStatus.OPEN)


class Woken:
    """How often it was rung."""

    def __init__(self) -> None:
        self.times = 0
        self._rung = threading.Semaphore(0)

    def __call__(self) -> None:
        self.times += 1
        self._rung.release()

    async def once(self, seconds: float = WAIT) -> bool:
        return await asyncio.to_thread(self._rung.acquire, timeout=seconds)


@asynccontextmanager
async def watching(bell: Bell, by: OwnerBell = owner_bell) -> AsyncIterator[Woken]:
    woken = Woken()
    async with by.watched(bell, woken):
        yield woken


@pytest.fixture
def viewer() -> Viewer:
    return a_visitor()


@pytest.fixture
def thread(viewer: Viewer) -> UUID:
    return make_thread(viewer.visitor).pk


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks: what is heard was rung for."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 2 * WAIT)
    monkeypatch.setattr(module, "LOOK_SHARED_SECONDS", 2 * WAIT)


@pytest.fixture
def process() -> Iterator[Callable[[], OwnerBell]]:
    """Makes the bells of another process."""
    made: list[tuple[Doorbell, OwnerBell]] = []

    def make() -> OwnerBell:
        doorbell = Doorbell()
        doorbell.start()
        made.append((doorbell, OwnerBell(doorbell)))
        return made[-1][1]

    yield make
    for doorbell, bell in made:
        bell.stop()
        doorbell.stop()


async def test_it_rings_after_the_commit_of_what_a_list_shows(
    seldom: None, viewer: Viewer, thread: UUID
) -> None:
    async with watching(list_of(viewer)) as woken, watching(list_of(a_visitor())) as no:
        await in_thread(tell, thread, RENAMED)
        assert await woken.once()

    assert no.times == 0


async def test_deltas_ring_nothing(seldom: None, viewer: Viewer, thread: UUID) -> None:
    async with watching(list_of(viewer)) as woken:
        await in_thread(tell, thread, DELTA, DELTA)
        assert not await woken.once(LATER)


async def test_many_changes_in_a_moment_are_one_ring_and_one_query(
    seldom: None,
    viewer: Viewer,
    thread: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    look_up = module.bells_of
    monkeypatch.setattr(
        module, "bells_of", lambda threads: asked.append(threads) or look_up(threads)
    )
    monkeypatch.setattr(module, "TOGETHER_SECONDS", 0.5)
    async with watching(list_of(viewer)) as woken:
        for _ in range(100):
            owner_bell.ring_thread(thread)
        assert await woken.once()
        assert not await woken.once(LATER)

    assert asked == [{thread: False}]


async def test_who_does_not_watch_any_more_is_left_alone_and_others_are_not(
    seldom: None, viewer: Viewer, thread: UUID
) -> None:
    async with watching(list_of(viewer)) as stays:
        async with watching(list_of(viewer)) as leaves:
            pass
        owner_bell.ring_thread(thread)
        assert await stays.once()

    assert leaves.times == 0


async def test_approvals_ring_for_the_threads_tenant_alone(
    seldom: None, viewer: Viewer
) -> None:
    other = Bell(tenant="other")
    async with watching(approvals_of(viewer)) as woken, watching(other) as elsewhere:
        await in_thread(carried, viewer, 'call refund {"amount": 70}')
        assert not await woken.once(LATER)
        await in_thread(carried, viewer, 'call staff_refund {"amount": 1}')
        assert await woken.once()

    assert elsewhere.times == 0


async def test_without_a_ring_a_look_finds_what_others_have_done(
    monkeypatch: pytest.MonkeyPatch, viewer: Viewer, thread: UUID
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "LOOK_SHARED_SECONDS", 0.05)
    async with watching(list_of(viewer)) as woken:
        assert not await woken.once(0.3)
        await in_thread(Thread.objects.update, revision=1)
        assert await woken.once()
        assert not await woken.once(0.3)


async def test_what_was_rung_for_is_not_found_again_by_a_look(
    monkeypatch: pytest.MonkeyPatch, viewer: Viewer, thread: UUID
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "LOOK_SHARED_SECONDS", 0.05)
    async with watching(list_of(viewer)) as woken:
        monkeypatch.setattr(module, "TOGETHER_SECONDS", 0.0)
        owner_bell.ring_thread(thread)
        assert await woken.once()
        assert not await woken.once(0.3)


async def test_a_list_that_could_not_be_read_is_told_of_when_it_can(
    monkeypatch: pytest.MonkeyPatch, viewer: Viewer, thread: UUID
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(module, "LOOK_SHARED_SECONDS", 0.05)
    async with watching(list_of(viewer)) as woken:
        with monkeypatch.context() as away:
            away.setattr(module, "standings", broken)
            away.setattr(module, "bells_of", broken)
            owner_bell.ring_thread(thread)
            assert not await woken.once(0.3)
        assert await woken.once()


def broken(*_: object) -> None:
    raise RuntimeError("The database is away.")


@pytest.mark.redis
async def test_another_process_hears_it(
    redis: None,  # noqa: F811
    seldom: None,
    viewer: Viewer,
    thread: UUID,
    process: Callable[[], OwnerBell],
) -> None:
    here, there = process(), process()
    async with watching(list_of(viewer), there) as woken:
        here.ring_thread(thread)
        assert await woken.once()
        here.ring([list_of(viewer)])
        assert await woken.once()
        there.ring_thread(thread)  # its own ring comes back to it, and counts once
        assert await woken.once()
        assert not await woken.once(LATER)


@pytest.mark.redis
async def test_a_stranger_in_the_group_says_what_it_likes(
    redis: None,  # noqa: F811
    seldom: None,
    viewer: Viewer,
    process: Callable[[], OwnerBell],
) -> None:
    bell, there = list_of(viewer), process()
    async with watching(bell, there) as woken:
        for said in ({"owner": 7}, {"owner": "chatkit.owner.none"}, {"owner": None}):
            message = {"type": doorbells.MESSAGE_TYPE, **said}
            layer = get_channel_layer()
            await asyncio.wrap_future(
                background.spawn(layer.group_send(bell.group, message))
            )
        assert not await woken.once(LATER)


async def test_a_layer_that_is_away_costs_the_time_until_a_look(
    settings: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    viewer: Viewer,
    thread: UUID,
    process: Callable[[], OwnerBell],
) -> None:
    use_layer(settings, DOWN)  # type: ignore[arg-type]  # pytest-django's
    monkeypatch.setattr(module, "LOOK_SHARED_SECONDS", 0.05)
    monkeypatch.setattr(doorbells, "JOIN_SECONDS", 0.05)
    try:
        async with watching(list_of(viewer), process()) as woken:
            await in_thread(tell, thread, RENAMED)
            await in_thread(Thread.objects.update, revision=F("revision") + 1)
            assert await woken.once()
    finally:
        stop_layer()


def tell(thread: UUID, *told: events.AnyEvent) -> None:
    append(thread, told, record=lambda _event, _position: None)
