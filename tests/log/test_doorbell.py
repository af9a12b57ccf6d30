"""The doorbell: heard in another process, and missed without harm."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.layers import channel_layers, get_channel_layer
from pytest_django import Settings

from chatkit_app.background import background
from chatkit_app.log import doorbell as module
from chatkit_app.log.doorbell import Doorbell
from chatkit_app.log.ring import ring
from chatkit_app.models import Thread
from tests.history_rows import make_thread
from tests.runs.desk import WAIT, a_visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

REDIS = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379")
DOWN = "redis://127.0.0.1:1"


def use_layer(settings: Settings, url: str) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [url], "prefix": uuid4().hex},
        }
    }
    channel_layers.backends.clear()


@pytest.fixture
def redis(settings: Settings) -> Iterator[None]:
    use_layer(settings, REDIS)
    yield
    stop_layer()


def stop_layer() -> None:
    layer = channel_layers.backends.get("default")
    if layer is not None and hasattr(layer, "flush"):
        background.spawn(layer.flush()).result(WAIT)
    channel_layers.backends.clear()


@pytest.fixture
def bell() -> Iterator[Doorbell]:
    bell = Doorbell()
    yield bell
    bell.stop()


@pytest.fixture
def thread() -> UUID:
    return make_thread(a_visitor().visitor).pk


@pytest.fixture
def woken(thread: UUID) -> Iterator[threading.Event]:
    woken = threading.Event()
    ring.watch(thread, woken.set)
    yield woken
    ring.unwatch(thread, woken.set)


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""

    async def wait() -> None:
        async with asyncio.timeout(10):
            while not is_so():  # noqa: ASYNC110 (it changes in another thread)
                await asyncio.sleep(0.002)

    asyncio.run(wait())


def members(thread: UUID) -> set[str]:
    """Who is in the thread's group; the layer keeps that for each event loop."""

    async def look() -> set[str]:
        groups = get_channel_layer().groups
        found = [groups[name] for name in groups if thread.hex in name]
        return {channel for channels in found for channel in channels}

    return background.spawn(look()).result(WAIT)


def ring_elsewhere(thread: UUID) -> None:
    """What another process sends."""

    async def send() -> None:
        message = {"type": module.MESSAGE_TYPE, "thread": str(thread)}
        await get_channel_layer().group_send(module._group(thread), message)

    background.spawn(send()).result(WAIT)


@pytest.mark.redis
def test_two_doorbells_hear_each_other(
    redis: None, bell: Doorbell, thread: UUID, woken: threading.Event
) -> None:
    bell.start()
    until(lambda: bool(members(thread)))
    other = Doorbell()

    other.ring(thread, 1)

    assert woken.wait(WAIT)


@pytest.mark.redis
def test_a_thread_is_heard_that_is_watched_after_the_start(
    redis: None, bell: Doorbell, thread: UUID
) -> None:
    bell.start()
    until(lambda: bool(bell._channel))
    woken = threading.Event()
    ring.watch(thread, woken.set)
    bell.watch(thread)
    until(lambda: bool(members(thread)))

    ring_elsewhere(thread)

    assert woken.wait(WAIT)
    ring.unwatch(thread, woken.set)
    bell.unwatch(thread)
    until(lambda: not members(thread))


@pytest.mark.redis
def test_one_of_two_who_watch_may_leave_without_making_the_other_deaf(
    redis: None, bell: Doorbell, thread: UUID, woken: threading.Event
) -> None:
    bell.start()
    until(lambda: bool(members(thread)))
    leaving = threading.Event()
    ring.watch(thread, leaving.set)
    bell.watch(thread)

    ring.unwatch(thread, leaving.set)
    bell.unwatch(thread)
    background.spawn(bell._join(uuid4())).result(WAIT)  # all joins before are done

    assert members(thread)


@pytest.mark.redis
def test_ones_own_bell_leaves_ones_own_frames_and_anothers_does_not(
    redis: None, bell: Doorbell, thread: UUID, woken: threading.Event
) -> None:
    bell.start()
    until(lambda: bool(members(thread)))
    ring.add(thread, 1, ["one", "two"])
    woken.clear()

    bell.ring(thread, 2)
    background.spawn(bell._send(uuid4(), 1)).result(WAIT)
    bell.ring(thread, 2)
    assert not woken.wait(0.2)
    assert ring.after(thread, 0) == ["one", "two"]

    bell.ring(thread, 3)
    assert woken.wait(WAIT)
    assert ring.after(thread, 0) is None


@pytest.mark.redis
@pytest.mark.parametrize(
    "noise",
    [
        {"type": "of.another.version"},
        {"type": module.MESSAGE_TYPE},
        {"type": module.MESSAGE_TYPE, "news": [1, 2]},
        {"type": module.MESSAGE_TYPE, "thread": 7, "run": {"id": None}},
        {"type": module.MESSAGE_TYPE, "thread": "no id", "run": "none either"},
    ],
)
def test_a_message_of_another_kind_is_passed_over(
    redis: None,
    bell: Doorbell,
    thread: UUID,
    woken: threading.Event,
    noise: dict[str, Any],
) -> None:
    bell.start()
    until(lambda: bool(members(thread)))
    background.spawn(
        get_channel_layer().group_send(module._group(thread), noise)
    ).result(WAIT)

    ring_elsewhere(thread)

    assert woken.wait(WAIT)


def test_a_ring_that_was_lost_costs_the_time_of_a_poll(
    bell: Doorbell,
    thread: UUID,
    woken: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    bell.start()
    Thread.objects.filter(pk=thread).update(position=1)

    assert woken.wait(WAIT)


def test_who_is_up_to_date_is_not_woken_by_the_poll(
    bell: Doorbell,
    thread: UUID,
    woken: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    Thread.objects.filter(pk=thread).update(position=4)
    ring.note(thread, 4, rings=0)
    polls: list[int] = []
    original = module._positions
    monkeypatch.setattr(
        module, "_positions", lambda found: polls.append(1) or original(found)
    )
    bell.start()
    until(lambda: len(polls) > 3)

    assert not woken.is_set()


def test_a_layer_that_is_down_raises_nowhere_and_the_poll_goes_on(
    settings: Settings,
    bell: Doorbell,
    thread: UUID,
    woken: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    use_layer(settings, DOWN)
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    try:
        bell.start()
        bell.ring(thread, 1)
        background.spawn(bell._send(thread, 1)).result(WAIT)
        until(lambda: "The channel layer failed" in caplog.text)
        Thread.objects.filter(pk=thread).update(position=1)
        assert woken.wait(WAIT)
        bell.watch(thread)
        background.spawn(bell._join(thread)).result(WAIT)
    finally:
        background.stop()
        channel_layers.backends.clear()


def test_within_one_process_no_layer_is_needed(bell: Doorbell, thread: UUID) -> None:
    bell.start()
    bell.start()
    bell.watch(thread)
    bell.ring(thread, 1)
    bell.unwatch(thread)

    assert bell._channel == ""


@pytest.mark.redis
@pytest.mark.parametrize("is_late", [False, True])
def test_a_ring_for_a_run_is_heard_by_who_carries_runs(
    redis: None, bell: Doorbell, is_late: bool
) -> None:
    heard: list[UUID] = []
    jobs: list[UUID] = []
    if is_late:
        bell.start()
        until(lambda: bool(bell._channel))
    bell.hear_runs(heard.append, hear_job=jobs.append)
    bell.start()
    until(lambda: bool(runs_members()))
    run, job = uuid4(), uuid4()

    Doorbell().ring_run(run)
    Doorbell().ring_job(job)

    until(lambda: (heard, jobs) == ([run], [job]))


def runs_members() -> set[str]:
    async def look() -> set[str]:
        return set(
            get_channel_layer().groups.get(f"{_prefix()}__group__{module.RUNS}", ())
        )

    return background.spawn(look()).result(WAIT)


def _prefix() -> str:
    return str(get_channel_layer().prefix)


def test_a_ring_for_a_run_where_no_layer_is_shared_is_nothing(bell: Doorbell) -> None:
    bell.hear_runs(lambda _run: None)
    bell.ring_run(uuid4())
