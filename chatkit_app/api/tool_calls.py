"""The tool calls of my threads: what was called with what, what came of it, what is still open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.pages import CURSOR, SIZE, page_answer
from chatkit_app.api.queries import as_id, query_flag, query_id, query_text
from chatkit_app.api.serializers import moment_as_json
from chatkit_app.api.views import HistoryView, visible_threads
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    StepStatus,
    ToolCallStatus,
)
from chatkit_app.exceptions import CallNotFound
from chatkit_app.models import ToolCall


class ToolCallsView(HistoryView):
    """``GET tool-calls/?open=&failed=&tool=&thread=&run=&cursor=&page_size=``."""

    parameters = ("open", "failed", "tool", "thread", "run", CURSOR, SIZE)

    def get(self, request: Request) -> Response:
        """``{next, previous, results: [call …]}``, the newest first."""
        calls = _filtered(visible_calls(request), request)
        rows = calls.select_related("run")
        return page_answer(request, rows, at="created_at", as_json=_calls_as_json)


class ToolCallView(HistoryView):
    """``GET tool-calls/<id>/``."""

    parameters = ()

    def get(self, request: Request, call: str) -> Response:
        """The call.

        Raises:
            CallNotFound: It is missing, or not theirs.
        """
        calls = visible_calls(request).select_related("run")
        found = calls.filter(pk=as_id(call)).first()
        if found is None:
            raise CallNotFound("No such call.")
        return Response(call_as_json(found))


def visible_calls(request: Request) -> QuerySet[ToolCall]:
    """Those in the threads that the policy shows; not those that were taken back with their step."""
    threads = visible_threads(request)
    calls = ToolCall.objects.filter(run__thread__in=threads)
    return calls.exclude(step__status=StepStatus.VOID)


def _filtered(calls: QuerySet[ToolCall], request: Request) -> QuerySet[ToolCall]:
    if tool := query_text(request, "tool"):
        calls = calls.filter(name=tool)
    if thread := query_id(request, "thread"):
        calls = calls.filter(run__thread=thread)
    if run := query_id(request, "run"):
        calls = calls.filter(run=run)
    if not thread and not run:
        calls = calls.filter(run__copy_of=None)
    is_open, has_failed = query_flag(request, "open"), query_flag(request, "failed")
    if is_open is not None:
        found = {"status__in": OPEN_TOOL_CALL_STATUSES}
        calls = calls.filter(**found) if is_open else calls.exclude(**found)
    if has_failed is not None:
        wanted = {"status": ToolCallStatus.FAILED}
        calls = calls.filter(**wanted) if has_failed else calls.exclude(**wanted)
    return calls


def _calls_as_json(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [call_as_json(call) for call in calls]


def call_as_json(call: ToolCall) -> dict[str, Any]:
    """A call as its thread's owner may see it; ``call.run`` is best read with it."""
    is_open = call.status in OPEN_TOOL_CALL_STATUSES
    error = {"code": call.error_code, "text": call.error_text}
    return {
        "id": str(call.pk),
        "thread": str(call.run.thread_id),
        "run": str(call.run_id),
        "name": call.name,
        "status": call.status,
        "executor": call.executor or None,
        "arguments": call.arguments,
        "input": call.input,
        "editedInput": call.edited_input,
        "output": call.output,
        "error": error if call.error_code else None,
        "progress": call.progress if is_open else None,
        "createdAt": moment_as_json(call.created_at),
        "startedAt": moment_as_json(call.started_at),
        "finishedAt": moment_as_json(call.finished_at),
        "deadlineAt": moment_as_json(call.deadline_at),
    }
