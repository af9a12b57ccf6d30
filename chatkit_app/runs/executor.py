"""One run on its way in this process: claim it, load it, drive the loop, record what happens."""

from __future__ import annotations

import asyncio
import logging
from asyncio import FIRST_COMPLETED
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from uuid import UUID

from chatkit_app.conf import settings
from chatkit_app.db import AWAY, in_thread, patiently
from chatkit_app.engine import events
from chatkit_app.engine.loop import Outcome
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    Executor,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.exceptions import ChatKitError, LeaseLost, RunError
from chatkit_app.log.batches import RunLog
from chatkit_app.log.writer import writer
from chatkit_app.models import Run, ToolCall
from chatkit_app.registry import UnknownAssistant
from chatkit_app.runs.briefing import in_language
from chatkit_app.runs.claiming import claim_run, load
from chatkit_app.runs.closing import close_run, move_run
from chatkit_app.runs.counting import Counting
from chatkit_app.runs.driving import make_loop
from chatkit_app.runs.recorder import record
from chatkit_app.runs.redacting import redacted_or
from chatkit_app.runs.releasing import releasing
from chatkit_app.runs.runner import runner

logger = logging.getLogger(__name__)

FAILED_TEXT = "Something went wrong on our side."

NOT_WAITED_FOR = (
    events.PartStarted,
    events.PartEnded,
    events.ToolCallProgressed,
    events.EffectTold,
)
"""Events after which the run goes on at once: nothing is done for them."""

OfCall = events.ToolCallChanged | events.ToolCallEnded

LAST_TOOL_SECONDS = 0.5
"""What a tool gets to end when its process does: its outcome would be unknown otherwise."""
LAST_SECONDS = 0.2
"""What a model's stream gets to be closed when the process ends."""


class Execution:
    """A run in progress here. ``cancel`` and the writer's calls may come from any thread."""

    def __init__(self, run_id: UUID, owner: UUID) -> None:
        self.run_id = run_id
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._drive: asyncio.Task[None] | None = None
        self._is_cancelled = False
        self._unwritten: Exception | None = None
        self._log: RunLog | None = None
        self._tools: set[str] = set()
        self._jobs: set[str] = set()
        self._is_overtaken = False
        self._counting = Counting(run_id)
        self._no_tool = asyncio.Event()
        self._no_tool.set()
        self._leaving = asyncio.Event()
        self._left = asyncio.Event()

    async def run(self) -> None:
        """From the claim to the next pause or the end; never raises but on cancellation."""
        held = await in_thread(claim_run, self.run_id, self._owner)
        if held is None:
            return
        self._log = RunLog(
            run=held.run,
            thread=held.thread,
            owner=held.owner,
            attempt=held.attempt,
            batch=held.batch,
            record=record,
            on_cancel=lambda: self._soon(self._cancel_drive),
            on_lost=lambda error: self._soon(lambda: self._lose(error)),
        )
        writer.open(self._log)
        heart = asyncio.create_task(self._beat(self._log))
        try:
            await self._supervise(self._log)
        finally:
            heart.cancel()
            writer.close(self._log)
        if (
            not self._leaving.is_set()
        ):  # on its way out a process has no time: a sweep counts
            await self._counting.end()

    def cancel(self) -> None:
        """Stop: somebody has asked for it."""
        self._soon(self._cancel_drive)

    def look(self) -> None:
        """Write soon: the row's answer says whether somebody wants the run cancelled."""
        if self._log is not None:
            writer.renew(self._log)

    async def hand_over(self) -> None:
        """Stop soon and let go of the run, so that another process may go on with it at once.

        ``run`` returns when that is written.
        """
        self._leaving.set()
        if self._drive is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_TOOL_SECONDS):
                    await self._no_tool.wait()
            self._drive.cancel()
            await asyncio.wait({self._drive}, timeout=LAST_SECONDS)
        self._left.set()

    def _soon(self, function: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function)

    def _cancel_drive(self) -> None:
        self._is_cancelled = True
        self._abandon()

    def _lose(self, error: Exception) -> None:
        """Stop: another process has the run, or what was said of it can't be written."""
        if not isinstance(error, LeaseLost):
            self._unwritten = error
        self._abandon()

    def _abandon(self) -> None:
        if self._drive is not None:
            self._drive.cancel()

    async def _beat(self, log: RunLog) -> None:
        while True:
            await asyncio.sleep(
                min(settings.HEARTBEAT_SECONDS, settings.LEASE_SECONDS / 2)
            )
            writer.renew(log)

    async def _supervise(self, log: RunLog) -> None:
        """Drive, and bring the run to an end whatever happens."""
        if self._leaving.is_set():
            await self._release(log)
            return
        self._drive = asyncio.create_task(self._drive_on(log))
        left = asyncio.create_task(self._left.wait())
        try:
            await asyncio.wait({self._drive, left}, return_when=FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._drive.cancel()  # the process ends: the lease will, too, and another goes on
            raise
        finally:
            left.cancel()
        if not self._drive.done():  # it does not end in time
            await self._release(log)
            return
        if self._drive.cancelled():
            if self._is_cancelled:
                await self._end(log, RunStatus.CANCELLED)
            elif self._unwritten is not None:
                await self._fail(log, self._unwritten)
            elif self._leaving.is_set():
                await self._release(log)
            return
        error = self._drive.exception()
        if error is None or isinstance(error, LeaseLost):
            return
        await self._fail(log, error)

    async def _release(self, log: RunLog) -> None:
        try:
            await self._commit(log, prepare=releasing(log.run))
        except LeaseLost:
            pass  # it has ended, pauses, or is another process's already
        except Exception:
            logger.exception("Run %s can't be handed over", log.run)

    async def _fail(self, log: RunLog, error: BaseException) -> None:
        if isinstance(error, (UnknownAssistant, *AWAY)):
            # Nothing is wrong with the run: whoever reaches the database again, or has the newer
            # code, takes it over when the lease is over; and if nobody does, it is given up.
            logger.error("Run %s is left to others: %s", log.run, error)
            return
        if isinstance(error, RunError):
            logger.warning("Run %s failed: %s", log.run, error.code)
            text = redacted_or(str(error), FAILED_TEXT)
            self._counting.lost(error)
            await self._end(log, RunStatus.FAILED, code=error.code, text=text)
            return
        logger.error("Run %s failed", log.run, exc_info=error)
        code = error.code if isinstance(error, ChatKitError) else "internal"
        await self._end(log, RunStatus.FAILED, code=code, text=FAILED_TEXT)

    async def _end(
        self, log: RunLog, status: RunStatus, *, code: str = "", text: str = ""
    ) -> None:
        for is_last in (False, True):
            try:
                await self._close(log, status, code=code, text=text)
            except LeaseLost:
                logger.info("Run %s is another process's now.", log.run)
            except Exception:
                logger.exception("The end of run %s can't be written", log.run)
                if not is_last:
                    continue  # once more, without what the writer has dropped for it
            return

    async def _close(
        self, log: RunLog, status: RunStatus, *, code: str = "", text: str = ""
    ) -> None:
        def prepare() -> Sequence[events.AnyEvent]:
            run = Run.objects.get(pk=log.run)
            self._counting.keep_lost()
            return close_run(run, status, code=code, text=text)

        await self._commit(log, prepare=prepare)

    async def _drive_on(self, log: RunLog) -> None:
        """Load, loop, and again where pages or jobs were quicker than what is done here."""
        while True:
            loaded = await patiently(load, log.run)
            self._is_overtaken = False
            self._jobs = {
                str(call.tool_call_id)
                for call in loaded.work.calls
                if call.is_handed_over
            }
            # All code of the site speaks the viewer's language: the tasks that begin here inherit
            # it, the threads are told.
            with in_language(loaded.viewer):
                loop = await make_loop(loaded, self._counting.checking(loaded))
                async with aclosing(loop.run()) as happening:
                    async for event in happening:
                        if self._is_overtaken and _begins_something(event):
                            break  # not on what the rows say by now
                        await self._record(log, event)
            if loop.outcome is Outcome.FINISHED:
                await self._close(log, RunStatus.COMPLETED)
                self._counting.finished(loaded)
                return
            if await self._pause(log):
                return

    async def _record(self, log: RunLog, event: events.AnyEvent) -> None:
        """Deltas on the way, all else before anything goes on."""
        if isinstance(event, events.ToolCallChanged):
            self._note_tool(event)
            if event.executor is Executor.JOB:
                self._jobs.add(event.tool_call_id)
        if isinstance(event, events.PartDelta):
            writer.add(log, event, urgent=event.offset == 0)
        elif isinstance(event, NOT_WAITED_FOR):
            writer.add(log, event)
        elif isinstance(event, OfCall) and event.tool_call_id in self._jobs:
            await self._record_of_job(log, event)
        else:
            await self._commit(log, [event])
        if isinstance(event, events.ToolCallEnded):
            self._note_tool(event)
        elif isinstance(event, events.StepFinished):
            await self._counting.count()

    async def _record_of_job(self, log: RunLog, event: OfCall) -> None:
        """What has come of handing a call over, unless its job has ended it before that was known.

        Then the row says what came of the call, and the run goes on from the rows.
        """
        row = ToolCall.objects.filter(
            pk=event.tool_call_id, status__in=OPEN_TOOL_CALL_STATUSES
        )
        is_open = False

        def prepare() -> Sequence[events.AnyEvent]:
            nonlocal is_open
            is_open = row.exists()
            return [event] if is_open else []

        await self._commit(log, prepare=prepare)
        if not is_open:
            self._is_overtaken = True
        elif isinstance(event, events.ToolCallChanged) and event.is_our_job:
            runner.submit_job(UUID(event.tool_call_id))

    def _note_tool(self, event: events.ToolCallChanged | events.ToolCallEnded) -> None:
        """Know whether a tool of ours runs: one that is about to end is waited for."""
        if event.status is ToolCallStatus.RUNNING:
            self._tools.add(event.tool_call_id)
        else:
            self._tools.discard(event.tool_call_id)
        if self._tools:
            self._no_tool.clear()
        else:
            self._no_tool.set()

    async def _commit(
        self,
        log: RunLog,
        found: Sequence[events.AnyEvent] = (),
        *,
        prepare: Callable[[], Sequence[events.AnyEvent]] | None = None,
    ) -> None:
        await asyncio.wrap_future(writer.commit(log, found, prepare=prepare))

    async def _pause(self, log: RunLog) -> bool:
        """Suspend the run, unless it can go on: the outside has answered meanwhile."""
        is_paused = False

        def prepare() -> Sequence[events.AnyEvent]:
            nonlocal is_paused
            run = Run.objects.get(pk=log.run)
            found = ToolCall.objects.filter(run=run).values_list("status", flat=True)
            statuses = set(found.distinct())
            # A call in the queue was approved, or its question answered, while others ran.
            is_paused = (
                ToolCallStatus.WAITING in statuses
                and ToolCallStatus.QUEUED not in statuses
                and run.status == RunStatus.IN_PROGRESS
            )
            return [move_run(run, RunStatus.REQUIRES_ACTION)] if is_paused else []

        await self._commit(log, prepare=prepare)
        return is_paused


def _begins_something(event: events.AnyEvent) -> bool:
    """Is the model asked next, or a tool's function called? All of a step begin together."""
    if isinstance(event, events.ToolCallChanged):
        return event.status is ToolCallStatus.RUNNING
    return isinstance(event, events.StepStarted)
