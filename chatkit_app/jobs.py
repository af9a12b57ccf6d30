"""A call at work in a queue of the site's: what it was called with, ways to speak, and its result.

    @app.task(acks_late=True)
    def export_orders(tool_call_id):
        with job(tool_call_id) as work:
            if not work.begin():
                return
            ...
            work.progress(0.5, "Half of it")
            work.complete({"rows": 1200})

In any process that has the site's settings; sync, and each method is one transaction at most. The
tool is ``definition.job(enqueue)`` (``docs/jobs.md``).
"""

from __future__ import annotations

import time
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from pydantic import JsonValue

from chatkit_app.conf import settings
from chatkit_app.engine.assistant import Page
from chatkit_app.engine.calls import Result, completed, failed
from chatkit_app.engine.performing import FAILED_TEXT
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.telling import Voice
from chatkit_app.engine.tools import Tool
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import AnswerLate, ToolCancelled, ToolError
from chatkit_app.registry import assistants
from chatkit_app.runs import jobs
from chatkit_app.runs.briefing import page_of_run, tools_of_run, viewer_of_run
from chatkit_app.runs.job_news import job_news

LOOK_SECONDS = 0.5
"""How long what the row said of a cancellation is believed: a long loop may ask all the time."""


def job(tool_call_id: UUID | str) -> Job:
    """The call that a job works on.

    Raises:
        CallNotFound: There is none, or it is no job's.
    """
    return Job(UUID(str(tool_call_id)))


class Job:
    """One call, as its job sees it. Not safe to use from several threads, but for the news.

    ``close`` it, or use ``with``: it may have told something that is not shown yet. With ``with``, an
    exception that leaves the block is the call's result as well: a ``ToolError`` with its words, any
    other as "the tool failed"; it goes on to the queue. Where the queue repeats what has raised, do
    without ``with``, and ``close`` at the end.
    """

    def __init__(self, tool_call_id: UUID) -> None:
        self._call = jobs.find(tool_call_id)
        self._looked_at = 0.0
        self._is_cancelled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Close; nobody waits for a call that is closed, so that it is closed is no error."""
        if isinstance(error, AnswerLate | ToolCancelled):
            self.close()
            return True
        try:
            if isinstance(error, ToolError):
                self.fail(str(error))
            elif isinstance(error, Exception):
                self._settle(failed("tool_failed", FAILED_TEXT))
        except AnswerLate:
            pass
        finally:
            self.close()
        return False

    @property
    def tool_call_id(self) -> UUID:
        """The same however often the job is begun: the key of idempotency."""
        return self._call.pk

    @property
    def run_id(self) -> UUID:
        """The run that waits."""
        return self._call.run_id

    @property
    def thread_id(self) -> UUID:
        """The thread in which the news are shown."""
        return self._call.run.thread_id

    @cached_property
    def viewer(self) -> Viewer:
        """Whoever started the run."""
        return viewer_of_run(self._call.run, self._call.run.thread)

    @property
    def user(self) -> Any:
        """The site's user, None for an anonymous visitor (Any: only the site knows its type)."""
        return self.viewer.user

    @cached_property
    def page(self) -> Page:
        """What the page told of itself, an instance of the assistant's page model."""
        run = self._call.run
        return page_of_run(run, assistants.get(run.thread.assistant))

    @cached_property
    def is_approved(self) -> bool:
        """Whether a person lets this call run."""
        return jobs.is_approved(self._call)

    @cached_property
    def input(self) -> Any:
        """What the tool is called with, as its own type, read once more.

        Raises:
            ToolError: It does not fit any more, or the tool is gone: there was a deploy.
        """
        edited, given = self._call.edited_input, self._call.input
        definition = self._tool.definition
        return definition.read_input(dump_json(given if edited is None else edited))

    @cached_property
    def _voice(self) -> Voice:
        return job_news.open(self._call)

    @cached_property
    def _tool(self) -> Tool:
        tool = tools_of_run(self._call.run).known.get(self._call.name)
        if tool is None:
            raise ToolError("The tool is not there any more.")
        return tool

    def begin(self) -> bool:
        """Say that the work begins; False if it must not.

        That is where nobody wants it any more, and where it was begun before and must run once: a
        queue may deliver twice.
        """
        return jobs.begin(self._call)

    def progress(self, fraction: float | None = None, text: str = "") -> None:
        """Tell how far it is; ``fraction`` is 0..1. Returns at once, from any thread."""
        self._voice.progress(text, fraction)

    def notice(self, text: str, level: str = "info", title: str = "") -> None:
        """Tell the visitor something; ``level`` is ``info``, ``warning`` or ``danger``."""
        self._voice.notice(level, title, text)

    def effect(self, name: str, data: JsonValue = None) -> None:
        """Let the page do something, if it knows how to; nobody answers."""
        self._voice.effect(name, data)

    def preliminary(self, output: JsonValue) -> None:
        """Show the output as far as it has come; plain JSON."""
        self._voice.preliminary(output)

    @property
    def is_cancelled(self) -> bool:
        """Does nobody want the result any more? Long loops ask now and then."""
        now = time.monotonic()
        if not self._is_cancelled and now > self._looked_at + LOOK_SECONDS:
            self._looked_at = now
            self._is_cancelled = not jobs.is_wanted(self._call.pk)
        return self._is_cancelled

    def check_cancelled(self) -> None:
        """Leave the job if nobody wants its result any more.

        Raises:
            ToolCancelled: So it is.
        """
        if self.is_cancelled:
            raise ToolCancelled("Nobody waits for this call any more.")

    def complete(self, output: object = None) -> None:
        """Give the call its output, of the tool's own type; the run goes on. The same again is fine.

        Raises:
            AnswerLate: The call is closed: cancelled, or past its deadline.
            AnswerDuplicate: It has another output.
            ValueError: The output does not fit the tool's type; the call stays open.
        """
        dumped = self._tool.definition.dump_output(output)
        self._settle(completed(dumped, max_bytes=settings.MAX_OUTPUT_BYTES))

    def fail(self, text: str) -> None:
        """End the call as failed, with these words for the model. The same again is fine.

        Raises:
            AnswerLate: The call is closed.
            AnswerDuplicate: It is completed.
        """
        self._settle(failed("tool_error", text))

    def close(self) -> None:
        """Show what was told last; the call stays open, where it is."""
        news = job_news.close(self._call.pk)
        if news:
            jobs.tell(self._call, news)

    def _settle(self, result: Result) -> None:
        jobs.settle(self._call, result, news=job_news.close(self._call.pk))
