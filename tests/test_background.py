"""The process's background loop: started at need, ended on demand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from chatkit_app.background import BackgroundLoop

WAIT = 30.0


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    background = BackgroundLoop()
    yield background
    background.stop()


async def where() -> tuple[str, bool]:
    thread = threading.current_thread()
    return thread.name, thread.daemon


def test_a_coroutine_runs_on_a_thread_that_the_processs_end_does_not_wait_for(
    background: BackgroundLoop,
) -> None:
    assert background.spawn(where()).result(WAIT) == ("chatkit-runs", True)


def test_many_who_start_it_at_once_get_one_loop(background: BackgroundLoop) -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    threads = [
        threading.Thread(target=lambda: loops.append(background.start()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)

    assert len(set(map(id, loops))) == 1


def test_stopping_cancels_what_runs_and_lets_it_clean_up(
    background: BackgroundLoop,
) -> None:
    ended, began = threading.Event(), threading.Event()

    async def for_ever() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    future = background.spawn(for_ever())
    assert began.wait(WAIT)

    background.stop()

    assert ended.is_set()
    assert future.cancelled()


def test_it_starts_again_after_a_stop(background: BackgroundLoop) -> None:
    first = background.start()
    background.stop()
    background.stop()

    assert background.start() is not first
    assert background.spawn(where()).result(WAIT)[0] == "chatkit-runs"


def test_an_error_reaches_who_waits(background: BackgroundLoop) -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        background.spawn(fail()).result(WAIT)
