"""The bounded pool of threads in which the site's own sync code runs: tools, instructions, types.

A tool that never returns keeps its thread; its timeout is its result all the same, and the end of the
process does not wait for it: the threads are daemons, which those of ThreadPoolExecutor are not.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import close_old_connections, connections

from chatkit_app.conf import settings

T = TypeVar("T")

IDLE_SECONDS = 30.0
"""A thread without work for so long ends, and closes its connections."""

Job = Callable[[], None]


class ToolThreads:
    """Threads are made as they are needed, up to ``CHATKIT_TOOL_THREADS``.

    What waits, who is idle and who is there changes under one lock: a job is never left to a thread
    that has just taken another one, or that is about to end.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._threads: set[threading.Thread] = set()
        self._idle: set[threading.Thread] = set()

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """Run it as soon as a thread is free."""
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 (the future carries it to whoever waits)
                future.set_exception(error)

        with self._condition:
            self._jobs.append(job)
            if (
                len(self._jobs) > len(self._idle)
                and len(self._threads) < settings.TOOL_THREADS
            ):
                thread = threading.Thread(
                    target=self._work, name="chatkit-tool", daemon=True
                )
                self._threads.add(thread)
                thread.start()
            self._condition.notify()
        return future

    def stop(self) -> None:
        """End the threads that have nothing to do; the others end after their tool."""
        with self._condition:
            threads, self._threads = self._threads, set()
            self._idle.clear()
            self._condition.notify_all()
        for thread in threads:
            thread.join(1)

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                close_old_connections()
                job()
                close_old_connections()
        finally:
            connections.close_all()
            with self._condition:
                self._threads.discard(threading.current_thread())

    def _next(self) -> Job | None:
        """The next job; None when there was none for long, or the pool was stopped."""
        me = threading.current_thread()
        with self._condition:
            if me in self._threads:
                self._idle.add(me)
            self._condition.wait_for(
                lambda: self._jobs or me not in self._threads, IDLE_SECONDS
            )
            self._idle.discard(me)
            if me not in self._threads:
                return None
            if not self._jobs:
                self._threads.discard(me)  # at once: the next job makes a new thread
                return None
            return self._jobs.popleft()


tool_threads = ToolThreads()

reply_threads = ToolThreads()
"""For reading what people and pages answer: it must not wait behind tools, nor hold up the ORM's threads."""


async def call_in_thread(
    context: contextvars.Context,
    function: Callable[..., T],
    *args: object,
    threads: ToolThreads = tool_threads,
) -> T:
    """Run the site's function in a pool, with the caller's context variables."""
    future = threads.submit(lambda: context.run(function, *args))
    return await asyncio.wrap_future(future)
