"""The port through which a service tells that a run is ready: whoever executes it is behind it."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from uuid import UUID

from django.utils.module_loading import import_string

from chatkit_app.conf import settings
from chatkit_app.log.doorbell import doorbell

logger = logging.getLogger(__name__)


class Runner(ABC):
    """Executes runs somewhere. It may lose a call: the sweepers find what is queued."""

    @abstractmethod
    def start(self) -> None:
        """This process serves requests now: look after what others have left."""

    @abstractmethod
    def submit(self, run_id: UUID) -> None:
        """A run is queued; called after the commit, from any thread; returns at once."""

    @abstractmethod
    def cancel(self, run_id: UUID) -> None:
        """A run is to be cancelled (its row says so, too); returns at once."""

    def submit_job(self, tool_call_id: UUID) -> None:
        """A job of our own workers may begin; as ``submit``. Not of a queue of yours: ring for them."""
        doorbell.ring_job(tool_call_id)

    @abstractmethod
    def stop(self) -> None:
        """Carry nothing more in this process."""

    def drain(self, seconds: float) -> None:
        """The process is told to end: claim nothing more, hand over what is carried here.

        Returns after so many seconds at most. Nothing to do where nothing is carried here.
        """


class _Configured(Runner):
    """The runner of ``CHATKIT_RUNNER``, made at first use."""

    def __init__(self) -> None:
        self._made: Runner | None = None
        self._is_draining = False
        self._lock = threading.Lock()

    def use(self, made: Runner) -> None:
        """Take this one in this process, whatever the setting says: a worker carries runs itself."""
        with self._lock:
            self._made = made

    def _runner(self) -> Runner:
        with self._lock:
            if self._made is None:
                self._made = import_string(settings.RUNNER)()
            return self._made

    def start(self) -> None:
        if not self._is_draining:
            self._runner().start()

    def submit(self, run_id: UUID) -> None:
        try:
            self._runner().submit(run_id)
        except Exception:
            # It is committed and accepted: a broker that is away must not look like a refusal.
            logger.exception("Run %s can't be submitted; a sweep will find it", run_id)

    def submit_job(self, tool_call_id: UUID) -> None:
        try:
            self._runner().submit_job(tool_call_id)
        except Exception:
            logger.exception(
                "Nobody can be told of job %s; a sweep finds it", tool_call_id
            )

    def cancel(self, run_id: UUID) -> None:
        try:
            self._runner().cancel(run_id)
        except Exception:
            logger.exception("Nobody can be told to cancel run %s; its row is", run_id)

    def drain(self, seconds: float) -> None:
        with self._lock:
            made, self._is_draining = self._made, True
        if made is not None:
            made.drain(seconds)

    def stop(self) -> None:
        with self._lock:
            made, self._made = self._made, None
            self._is_draining = False
        if made is not None:
            made.stop()


runner = _Configured()
