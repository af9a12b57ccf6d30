"""What jobs tell of themselves, from whatever process, on its way into the log.

One thread writes what is due, keeps the leases and looks whether anybody still waits, also while the
process's event loop or the job itself is busy. It is there as long as a job is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from django.db import connections

from chatkit_app.conf import settings
from chatkit_app.db import drop_dead_connections, keep_connections
from chatkit_app.engine.telling import PROGRESS_SECONDS, News, Voice
from chatkit_app.models import ToolCall
from chatkit_app.runs import jobs

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often it is looked whether the jobs are still wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """A job that is at work here. ``owner``: of those of our own workers, whose lease is renewed."""

    call: ToolCall
    voice: Voice
    owner: UUID | None
    on_unwanted: Callable[[], object]
    writing: threading.Lock = field(default_factory=threading.Lock)


class JobNews:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: dict[UUID, AtWork] = {}
        self._thread: threading.Thread | None = None
        self._rung = threading.Event()
        self._is_failing = False

    def open(
        self,
        call: ToolCall,
        *,
        owner: UUID | None = None,
        on_unwanted: Callable[[], object] = lambda: None,
    ) -> Voice:
        """Where this job tells, from now until ``close``.

        ``on_unwanted`` is called, in another thread, when nobody waits for the job any more, or it is
        not this owner's: more than once, if need be.
        """
        tab = str(call.run.context.get("tab") or "")
        voice = Voice(call.pk, tab=tab, ring=self._rung.set)
        voice.resume(call.progress)
        with self._lock:
            self._at_work[call.pk] = AtWork(
                call=call, voice=voice, owner=owner, on_unwanted=on_unwanted
            )
            # After a fork the parent's thread is not there.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._work, name="chatkit-jobs", daemon=True
                )
                self._thread.start()
        return voice

    def close(self, tool_call_id: UUID) -> list[News]:
        """Its last words; nothing more is heard of it here.

        Waits for what is being written: what was told before must not come after the job's end.
        """
        with self._lock:
            found = self._at_work.pop(tool_call_id, None)
        self._rung.set()
        if found is None:
            return []
        with found.writing:
            return found.voice.end()

    def stop(self) -> None:
        """Forget them all, and end the thread."""
        with self._lock:
            self._at_work.clear()
            thread = self._thread
        self._rung.set()
        if thread is not None:
            thread.join(10)

    def _work(self) -> None:
        look_at = renew_at = time.monotonic()
        try:
            while at_work := self._current():
                self._await_news(at_work, look_at)
                keep_connections()
                for one in at_work:
                    self._guarded(partial(_tell, one))
                now = time.monotonic()
                if now >= renew_at:
                    renew_at = now + _heartbeat()
                    self._guarded(lambda: _renew(at_work))
                if now >= look_at:
                    look_at = now + LOOK_SECONDS
                    self._guarded(lambda: _look(at_work))
        finally:
            connections.close_all()

    def _current(self) -> list[AtWork]:
        """Those at work; with the last one the thread ends, and the next one starts another."""
        with self._lock:
            if not self._at_work:
                self._thread = None
            return list(self._at_work.values())

    def _await_news(self, at_work: Sequence[AtWork], look_at: float) -> None:
        """Until something may be shown, or it is time to look."""
        if _due_at(at_work) is None:
            self._rung.wait(max(0.0, look_at - time.monotonic()))
        self._rung.clear()
        due_at = _due_at(at_work)
        if due_at is not None:
            time.sleep(min(PROGRESS_SECONDS, max(0.0, due_at - time.monotonic())))

    def _guarded(self, work: Callable[[], None]) -> None:
        """What can't be written or read now costs the news, or a moment; never the job."""
        try:
            work()
        except Exception:
            if not self._is_failing:
                logger.warning("News of a job can't be written.", exc_info=True)
            self._is_failing = True
            drop_dead_connections()
        else:
            self._is_failing = False


def _due_at(at_work: Sequence[AtWork]) -> float | None:
    due = [at for one in at_work if (at := one.voice.due_at) is not None]
    return min(due, default=None)


def _tell(one: AtWork) -> None:
    with one.writing:
        news = one.voice.take()
        is_wanted = not news or jobs.tell(one.call, news, one.owner)
    if not is_wanted:
        one.on_unwanted()


def _heartbeat() -> float:
    return min(settings.HEARTBEAT_SECONDS, settings.LEASE_SECONDS / 2)


def _renew(at_work: Sequence[AtWork]) -> None:
    for one in at_work:
        if one.owner is not None:
            jobs.renew(one.call.pk, one.owner)


def _look(at_work: Sequence[AtWork]) -> None:
    owners = {one.owner for one in at_work if one.owner is not None}
    wanted = {pk for owner in owners for pk in jobs.wanted_of(owner)}
    for one in at_work:
        if one.owner is not None and one.call.pk not in wanted:
            one.on_unwanted()


job_news = JobNews()
