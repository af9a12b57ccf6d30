"""Background tools at work in this process, bounded in number: claimed by their rows, as runs are."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID, uuid4

from django.utils import timezone, translation

from chatkit_app.conf import settings
from chatkit_app.db import AWAY, in_thread, patiently
from chatkit_app.engine.calls import UNKNOWN_OUTCOME, Call, Result, failed
from chatkit_app.engine.context import ToolContext
from chatkit_app.engine.jobs import JobTool
from chatkit_app.engine.performing import Performing
from chatkit_app.engine.settling import NOT_PERMITTED
from chatkit_app.engine.states import Effect
from chatkit_app.engine.telling import News, Voice
from chatkit_app.engine.tools import AnyJob
from chatkit_app.exceptions import AnswerRefused
from chatkit_app.log.doorbell import doorbell
from chatkit_app.models import ToolCall
from chatkit_app.registry import UnknownAssistant, assistants
from chatkit_app.runs import jobs
from chatkit_app.runs.briefing import (
    dependencies_for,
    in_language,
    offer_of,
    page_of_run,
    viewer_of_run,
)
from chatkit_app.runs.job_news import job_news
from chatkit_app.runs.redacting import redaction
from chatkit_app.runs.tool_threads import ToolThreads

logger = logging.getLogger(__name__)

T = TypeVar("T")

End = Callable[[Sequence[News]], None]
"""Writes what has come of a job, with the last that it has told."""

LAST_SECONDS = 0.5
"""What a job gets to end when its process does."""
PAUSE_SECONDS = 5.0
"""Until a job that could not begin is tried again, here or elsewhere."""
GONE = "The tool is not there any more."
LEFT = "The server was restarted while this ran; whether it took effect is unknown."


class WorkingJobs:
    """Works on the background loop; all but ``stop`` is called there."""

    def __init__(self) -> None:
        self.owner = uuid4()
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._claimed: dict[UUID, ToolCall] = {}
        self._threads = ToolThreads()
        self._is_leaving = False

    @property
    def free(self) -> int:
        """How many more jobs it may take now."""
        if self._is_leaving:
            return 0
        return max(0, settings.TOOL_THREADS - len(self._tasks))

    async def claim(self) -> list[UUID]:
        """Take as many jobs as there are places for; those that it took."""
        found = await in_thread(jobs.to_claim, free) if (free := self.free) else []
        new = [call_id for call_id in found if call_id not in self._tasks]
        for call_id in new:
            self.take(call_id)
        return new

    async def end_lost(self) -> None:
        """End the jobs whose process is gone and that are not begun again."""
        lost = await in_thread(jobs.lost, settings.TOOL_THREADS)
        ending = [in_thread(jobs.end_lost, call_id) for call_id in lost]
        for error in await asyncio.gather(*ending, return_exceptions=True):
            if isinstance(error, BaseException):
                raise error  # one that can't be ended keeps no other from its end

    def take(self, call_id: UUID) -> None:
        """Begin this job, if there is a place for it; else whoever looks next has it."""
        if self.free and call_id not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._work(call_id))
            self._tasks[call_id] = task
            task.add_done_callback(lambda _task: self._tasks.pop(call_id, None))

    async def wait(self, seconds: float | None = None) -> None:
        """Until nothing is at work any more, or so many seconds have passed."""
        if self._tasks:
            await asyncio.wait(set(self._tasks.values()), timeout=seconds)

    async def leave(self, grace: float = 0.0) -> None:
        """Take nothing more. What has not ended after ``grace`` seconds is handed back.

        Another process may begin it again at once; the outcome of one that must run once is unknown.
        """
        self._is_leaving = True
        await self.wait(max(grace, LAST_SECONDS))
        left, self._claimed = self._claimed, {}
        for call_id in left:
            self._tasks[call_id].cancel()
        # The others have ended, or could not begin: what came of it is being written.
        ending = [task for pk, task in self._tasks.items() if pk not in left]
        leaving = [in_thread(_leave, call, self.owner) for call in left.values()]
        for error in await asyncio.gather(*leaving, return_exceptions=True):
            if isinstance(error, BaseException):
                logger.error(
                    "A job can't be handed back: its lease runs out: %s", error
                )
        if ending:
            await asyncio.wait(ending, timeout=settings.EXIT_SECONDS)

    def stop(self) -> None:
        """Forget it; the background loop's end has ended the tasks."""
        for call_id in list(self._claimed):  # the loop may be taking one out
            job_news.close(call_id)
        self._threads.stop()

    async def _work(self, call_id: UUID) -> None:
        call = None
        try:
            call = await in_thread(jobs.claim, call_id, self.owner)
            if call is not None and self._is_leaving:
                await in_thread(jobs.hand_back, call_id, self.owner)
            elif call is not None:
                self._claimed[call_id] = call
                await self._carry(call)
        except Exception:
            logger.exception("Job %s can't be carried", call_id)
        finally:
            if self._claimed.pop(call_id, None):
                job_news.close(call_id)

    async def _carry(self, call: ToolCall) -> None:
        """Do the work, and give the call its result, unless it could not begin."""
        loop, me = asyncio.get_running_loop(), asyncio.current_task()
        unwanted = threading.Event()  # asked of by the function, perhaps from a thread

        def leave() -> None:
            unwanted.set()
            if me is not None and not loop.is_closed():
                loop.call_soon_threadsafe(me.cancel)

        voice = job_news.open(call, owner=self.owner, on_unwanted=leave)
        end = await self._end_of(call, voice, unwanted.is_set)
        if self._claimed.pop(call.pk, None) is None:
            return  # handed back meanwhile
        news = await in_thread(job_news.close, call.pk)
        await _insist(call, lambda: end(news))

    async def _end_of(
        self, call: ToolCall, voice: Voice, is_unwanted: Callable[[], bool]
    ) -> End:
        """How the row learns what has come of the work: a result, or that it could not begin."""
        owner = self.owner
        try:
            result = await self._result(call, voice, is_unwanted)
        except UnknownAssistant as error:
            logger.error("Job %s is left to others: %s", call.pk, error)
            after = settings.LEASE_SECONDS
            return lambda _news: jobs.hand_back(call.pk, owner, after=after)
        except Exception:
            # The site's hooks have raised: what the tool's function raises is the call's result.
            logger.exception("Job %s can't begin", call.pk)
            return lambda _news: jobs.put_off(call.pk, owner, after=PAUSE_SECONDS)
        return lambda news: jobs.settle(call, result, news=news, owner=owner)

    async def _result(
        self, call: ToolCall, voice: Voice, is_unwanted: Callable[[], bool]
    ) -> Result:
        run = call.run
        viewer = await in_thread(viewer_of_run, run, run.thread)
        with in_language(viewer):
            assistant = assistants.get(run.thread.assistant)
            page, offer = await self._in_thread(
                lambda: (
                    page := page_of_run(run, assistant),
                    offer_of(run, assistant, viewer, page),
                )
            )
            tool = offer.tools.get(call.name)
            if call.name in offer.withheld:
                return failed("not_permitted", NOT_PERMITTED)
            if not isinstance(tool, JobTool) or not tool.is_ours:
                return failed("unknown_tool", GONE)
            context: ToolContext[Any] = ToolContext(
                viewer=viewer,
                assistant=assistant.name,
                thread_id=run.thread_id,
                run_id=run.pk,
                tool_call_id=call.pk,
                page=page,
                dependencies=await dependencies_for(
                    run, viewer, page, in_thread=self._in_thread
                ),
                teller=voice,
                cancelled=is_unwanted,
                is_approved=await in_thread(jobs.is_approved, call),
            )
            return await self._perform(tool, call, context)

    async def _perform(
        self, tool: AnyJob, row: ToolCall, context: ToolContext[Any]
    ) -> Result:
        performing = Performing(
            in_thread=self._in_thread,
            max_output_bytes=settings.MAX_OUTPUT_BYTES,
            tasks=set(),
        )
        call = Call(
            tool_call_id=row.pk,
            provider_call_id=row.provider_call_id,
            name=row.name,
            arguments=redaction().arguments(row.arguments),
            result_index=0,
            edited_input=row.edited_input,
        )
        try:
            read = await performing.read(tool, call)
            if isinstance(read, Result):
                return read
            return await performing.work(tool, call, context, read.value)
        finally:
            await performing.leave()

    async def _in_thread(self, function: Callable[[], T]) -> T:
        """Run the site's sync code beside the tools of runs: a job may take its thread for an hour."""
        language = (
            translation.get_language()
        )  # Django's is the thread's, not the context's
        context = contextvars.copy_context()

        def speaking() -> T:
            with translation.override(language):
                return function()

        return await asyncio.wrap_future(
            self._threads.submit(lambda: context.run(speaking))
        )


async def _insist(call: ToolCall, end: Callable[[], None]) -> None:
    """Write the end as soon as the database is there, for as long as the call may wait."""
    while True:
        try:
            await patiently(end)
        except AWAY as error:
            logger.error("The end of job %s can't be written: %s", call.pk, error)
            if call.deadline_at is None or timezone.now() < call.deadline_at:
                continue
        except AnswerRefused as error:
            logger.info("The result of job %s comes to nothing: %s", call.pk, error)
        return


def _leave(call: ToolCall, owner: UUID) -> None:
    news = job_news.close(call.pk)
    if call.effect != Effect.ONCE:
        jobs.hand_back(call.pk, owner)
        doorbell.ring_job(call.pk)
        return
    try:
        jobs.settle(call, failed(UNKNOWN_OUTCOME, LEFT), news=news, owner=owner)
    except AnswerRefused:
        logger.info("Job %s had ended already.", call.pk)
