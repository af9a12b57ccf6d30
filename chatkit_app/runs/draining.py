"""How a process of the web server's ends when it is told to, by SIGTERM or SIGINT.

Nothing is claimed and nothing accepted any more, the sockets are closed with "restarting", the runs
are handed over, and then the server's own handler has its turn. Daphne and Channels have no hook
for that (and Daphne, told to end within a second of a WebSocket's opening, stumbles and cancels
nothing), so our handler is put before the server's when the first socket comes.

Every wait has a limit, and where the server does not come to its end by itself (Uvicorn waits for
pages that do not read), the process is ended at ``CHATKIT_EXIT_SECONDS``.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from types import FrameType
from typing import Any, Protocol

from chatkit_app.conf import settings
from chatkit_app.runs.runner import runner

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
TOGETHER_SECONDS = 0.2
"""Signals so close together are one: a terminal's Ctrl-C, or a group's SIGTERM, and its echo by a
parent that hands it on."""
DRAIN_SHARE = 0.55
"""What our part of the end may take of ``CHATKIT_EXIT_SECONDS``; the rest is the server's."""
HARD_SHARE = 0.8
"""When the process is ended hard: a busy machine takes its time even for that."""
KNOCKS = 5
KNOCK_SECONDS = 0.2
"""How often the main thread is knocked at until it has given the signal to the server."""
FRAME_SECONDS = 0.05
"""What the server's loop gets to put the last frames on the wire."""

Before = Callable[[int, FrameType | None], Any]


class Socket(Protocol):
    """What is closed when the process ends."""

    async def restart(self) -> None:
        """Close: the page should come back at once, to another process."""


class Draining:
    """The handler does next to nothing; a thread that waits for it does the work.

    So it can't deadlock with what it has interrupted, and works while the server's loop is busy.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakKeyDictionary[Socket, asyncio.AbstractEventLoop] = (
            weakref.WeakKeyDictionary()
        )
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._before: dict[int, Before] = {}
        self._first: int | None = None
        self._since = 0.0
        self._is_done = False

    @property
    def is_on(self) -> bool:
        """Has the process been told to end? Then nothing new begins here."""
        return self._first is not None

    def watch(self) -> None:
        """Put our handlers before those of the server, once.

        Does nothing where they can't be (another thread than the main one) or needn't: a process
        without a handler for SIGTERM is no server, but a test, a script or a shell.
        """
        is_main = threading.current_thread() is threading.main_thread()
        if self._before or not is_main or not hasattr(signal, "pthread_kill"):
            return
        if not callable(signal.getsignal(signal.SIGTERM)):
            return
        threading.Thread(target=self._work, name="chatkit-drain", daemon=True).start()
        for signum in SIGNALS:
            before = signal.getsignal(signum)
            if callable(before):
                self._before[signum] = before
                signal.signal(signum, self._hear)

    def join(self, socket: Socket) -> None:
        """Close this socket, too, when the process ends; called on its loop."""
        with self._lock:
            self._sockets[socket] = asyncio.get_running_loop()

    def part(self, socket: Socket) -> None:
        """It is closed."""
        with self._lock:
            self._sockets.pop(socket, None)

    def _hear(self, signum: int, _frame: FrameType | None) -> None:
        """In the main thread, between any two steps of its: take no lock, do no work."""
        if self._is_done:
            self._restore()
            signal.raise_signal(signum)
        elif self._first is None:
            self._first, self._since = signum, time.monotonic()
            self._signals.put(signum)
        elif time.monotonic() > self._since + TOGETHER_SECONDS:
            # Somebody is in a hurry.
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)

    def _restore(self) -> None:
        before, self._before = self._before, {}
        for signum, handler in before.items():
            if signal.getsignal(signum) == self._hear:
                signal.signal(signum, handler)

    def _work(self) -> None:
        signum = self._signals.get()
        end_hard()
        try:
            self._drain(signum)
        except Exception:
            logger.exception("The process could not be drained")
        # Python collects garbage once more on its way out, half a second of it, when no thread of
        # ours could end the process any more.
        gc.freeze()
        self._is_done = True
        self._hand_on(signum)

    def _hand_on(self, signum: int) -> None:
        """Give the server the signal, in the main thread.

        It may sleep in a system call, which this breaks off; and if it was just about to fall asleep,
        the next knock does.
        """
        for _ in range(KNOCKS):
            if not self._before:
                return
            signal.pthread_kill(threading.main_thread().ident or 0, signum)
            time.sleep(KNOCK_SECONDS)

    def _drain(self, signum: int) -> None:
        with self._lock:
            sockets = list(self._sockets.items())
        logger.info("Signal %d: %d sockets are closed.", signum, len(sockets))
        until = time.monotonic() + settings.EXIT_SECONDS * DRAIN_SHARE
        closing = [close for found in sockets if (close := _restart(*found))]
        runner.drain(settings.EXIT_SECONDS * DRAIN_SHARE)
        wait(closing, timeout=max(0.0, until - time.monotonic()))
        time.sleep(FRAME_SECONDS)


def _restart(socket: Socket, loop: asyncio.AbstractEventLoop) -> Future[None] | None:
    restarting = socket.restart()
    try:
        return asyncio.run_coroutine_threadsafe(restarting, loop)
    except RuntimeError:  # its loop is closed
        restarting.close()
        return None


def end_hard(*, after: float = 0.0) -> None:
    """End the process within ``CHATKIT_EXIT_SECONDS`` if it is still there, ``after`` its grace.

    The exit is a clean one: the rows tell others to go on, and nothing here is worth waiting for.
    """
    seconds = after + settings.EXIT_SECONDS * HARD_SHARE
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()


draining = Draining()
