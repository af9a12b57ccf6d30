"""The bounded pool of sync tools: what hangs costs its own thread and nothing else."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from chatkit_app.runs import tool_threads as module
from chatkit_app.runs.tool_threads import ToolThreads, call_in_thread
from tests.live import ROOT
from tests.runs.desk import WAIT


@pytest.fixture
def pool(settings: Settings) -> Iterator[ToolThreads]:
    settings.CHATKIT_TOOL_THREADS = 3
    pool = ToolThreads()
    yield pool
    pool.stop()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What a tool that never returns waits for; set at the test's end."""
    release = threading.Event()
    yield release
    release.set()


def threads_of(pool: ToolThreads) -> int:
    return len(pool._threads)


def test_a_job_gives_its_value_or_its_error(pool: ToolThreads) -> None:
    assert pool.submit(lambda: 42).result(WAIT) == 42
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(WAIT)


def test_a_tool_that_leaves_the_process_only_ends_itself(pool: ToolThreads) -> None:
    with pytest.raises(SystemExit):
        pool.submit(sys.exit).result(WAIT)
    assert pool.submit(lambda: "still there").result(WAIT) == "still there"


def test_a_free_thread_is_used_again(pool: ToolThreads) -> None:
    for _ in range(20):
        pool.submit(lambda: None).result(WAIT)
        until = time.monotonic() + WAIT
        while not pool._idle and time.monotonic() < until:
            time.sleep(0.001)

    assert threads_of(pool) == 1


def test_tools_that_never_return_keep_the_pool_bounded(
    pool: ToolThreads, release: threading.Event
) -> None:
    stuck = [pool.submit(lambda: release.wait(WAIT)) for _ in range(9)]
    last = pool.submit(lambda: "late")

    assert threads_of(pool) == 3
    assert not last.done()
    release.set()
    assert last.result(WAIT) == "late"
    assert all(future.result(WAIT) for future in stuck)


def test_a_free_slot_is_used_though_other_tools_never_return(
    pool: ToolThreads, release: threading.Event
) -> None:
    # A thread that has just taken a job must not be counted as one that is free for the next.
    for _ in range(200):
        pool.submit(lambda: None)
        hanging = pool.submit(lambda: release.wait(WAIT))
        assert pool.submit(lambda: "free").result(WAIT) == "free"
        release.set()
        hanging.result(WAIT)
        release.clear()


def test_what_was_cancelled_in_the_queue_is_never_run(
    pool: ToolThreads, release: threading.Event
) -> None:
    for _ in range(3):
        pool.submit(lambda: release.wait(WAIT))
    ran: list[str] = []
    queued = pool.submit(lambda: ran.append("it ran"))

    assert queued.cancel()
    release.set()
    pool.submit(lambda: None).result(WAIT)
    assert ran == []


def test_a_thread_without_work_ends_and_the_next_job_gets_another(
    pool: ToolThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.001)
    first = pool.submit(threading.current_thread).result(WAIT)
    first.join(WAIT)

    assert threads_of(pool) == 0
    assert pool.submit(threading.current_thread).result(WAIT) is not first


def test_jobs_that_come_as_threads_end_are_all_run(
    pool: ToolThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0002)

    for number in range(500):
        assert pool.submit(lambda number=number: number).result(WAIT) == number


def test_a_stopped_pool_starts_afresh_beside_a_tool_that_never_returns(
    pool: ToolThreads, release: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = threading.Event()
    pool.submit(lambda: stuck.set() or release.wait(WAIT))
    assert stuck.wait(WAIT)
    monkeypatch.setattr(threading.Thread, "join", lambda *_: None)  # a second for each

    pool.stop()

    assert pool.submit(lambda: "afresh").result(WAIT) == "afresh"


async def test_the_context_of_the_caller_reaches_the_tool(
    stopped_background: None,
) -> None:
    language = contextvars.ContextVar("language", default="en")
    language.set("de")

    assert await call_in_thread(contextvars.copy_context(), language.get) == "de"


def test_the_end_of_a_process_does_not_wait_for_a_tool_that_never_returns() -> None:
    code = """
import os, threading
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django; django.setup()
from chatkit_app.runs.tool_threads import tool_threads
began = threading.Event()
tool_threads.submit(lambda: began.set() or threading.Event().wait())
assert began.wait(10)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=WAIT)

    assert done.returncode == 0
