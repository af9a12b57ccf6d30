"""The runs of my threads: how an answer went, what it took and cost; ending it, trying it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from chatkit_app.api.bodies import Asked, read_body
from chatkit_app.api.messages import accepted
from chatkit_app.api.pages import CURSOR, SIZE, page_answer
from chatkit_app.api.queries import as_id, query_id, query_word
from chatkit_app.api.serializers import moment_as_json
from chatkit_app.api.views import HistoryView, visible_threads
from chatkit_app.engine.states import RunStatus
from chatkit_app.exceptions import RunNotFound
from chatkit_app.models import Run, Step

COUNTS = {
    "inputTokens": "input_tokens",
    "cachedTokens": "cached_tokens",
    "outputTokens": "output_tokens",
    "reasoningTokens": "reasoning_tokens",
}
"""What is counted of a step: the word on the wire, the column."""


class RunsView(HistoryView):
    """``GET runs/?thread=&status=&cursor=&page_size=``."""

    parameters = ("thread", "status", CURSOR, SIZE)

    def get(self, request: Request) -> Response:
        """``{next, previous, results: [run …]}``, the newest first."""
        runs = visible_runs(request)
        if thread := query_id(request, "thread"):
            runs = runs.filter(thread=thread)
        else:
            runs = runs.filter(copy_of=None)
        if status := query_word(request, "status", tuple(RunStatus)):
            runs = runs.filter(status=status)
        return page_answer(request, runs, at="created_at", as_json=runs_as_json)


class RunView(HistoryView):
    """``GET runs/<id>/``."""

    parameters = ()

    def get(self, request: Request, run: str) -> Response:
        """The run, with its steps."""
        return Response(runs_as_json([visible_run(request, run)])[0])


class CancelView(HistoryView):
    """``POST runs/<id>/cancel/``: end it; what it has written stays."""

    http_method_names = ["options", "post"]
    parameters = ()

    def post(self, request: Request, run: str) -> Response:
        """202 ``{id, thread, run}``."""
        found = visible_run(request, run)
        body = read_body(Asked, request.data)
        return accepted(request, body.cancel(found.thread_id, found.pk))


class RetryView(HistoryView):
    """``POST runs/<id>/retry/``: answer again what a failed or cancelled run was to answer."""

    http_method_names = ["options", "post"]
    parameters = ()
    throttle_scope = "send"

    def post(self, request: Request, run: str) -> Response:
        """202 ``{id, thread, run, message}``; the run is a new one."""
        found = visible_run(request, run)
        body = read_body(Asked, request.data)
        return accepted(request, body.retry(found.thread_id, found.pk))


def visible_runs(request: Request) -> QuerySet[Run]:
    """The runs of the threads that the policy shows."""
    return Run.objects.filter(thread__in=visible_threads(request))


def visible_run(request: Request, text: str) -> Run:
    """One of them.

    Raises:
        InvalidCommand: The text is no id.
        RunNotFound: It is missing, or not theirs.
    """
    run = visible_runs(request).filter(pk=as_id(text)).first()
    if run is None:
        raise RunNotFound("No such run.")
    return run


def runs_as_json(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Runs with their steps, in one query more. Void steps are among them: they cost as well."""
    steps: dict[UUID, list[Step]] = defaultdict(list)
    rows = Step.objects.filter(run__in=[run.pk for run in runs])
    for step in rows.order_by("index", "attempt"):
        steps[step.run_id].append(step)
    return [_run_as_json(run, steps[run.pk]) for run in runs]


def _run_as_json(run: Run, steps: Sequence[Step]) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "thread": str(run.thread_id),
        "status": run.status,
        "prompt": str(run.prompt_id),
        "answer": str(run.answer_id),
        "model": run.model_name,
        "error": _error(run),
        "createdAt": moment_as_json(run.created_at),
        "finishedAt": moment_as_json(run.finished_at),
        "timings": _timings(run, steps),
        "usage": _usage(steps),
        "steps": [_step_as_json(step) for step in steps],
    }


def _error(run: Run) -> dict[str, str] | None:
    if not run.error_code:
        return None
    return {"code": run.error_code, "text": run.error_text}


def _timings(run: Run, steps: Sequence[Step]) -> dict[str, int | None]:
    """Milliseconds since the run was asked for; null for what has not come."""
    asked = min((step.created_at for step in steps), default=None)
    first = min((s.first_token_at for s in steps if s.first_token_at), default=None)
    return {
        "queuedMs": _since(run.created_at, asked),
        "firstTokenMs": _since(run.created_at, first),
        "totalMs": _since(run.created_at, run.finished_at),
    }


def _since(began: datetime, at: datetime | None) -> int | None:
    """Never below 0: on several machines several clocks have written them."""
    return None if at is None else max(0, round((at - began).total_seconds() * 1000))


def _usage(steps: Sequence[Step]) -> dict[str, Any]:
    """The sums; ``cost`` is null where no step has a price."""
    costs = [step.cost for step in steps if step.cost is not None]
    sums = {
        name: sum(getattr(step, column) for step in steps)
        for name, column in COUNTS.items()
    }
    return {**sums, "cost": _money(sum(costs, Decimal(0)) if costs else None)}


def _step_as_json(step: Step) -> dict[str, Any]:
    return {
        "id": str(step.pk),
        "index": step.index,
        "attempt": step.attempt,
        "status": step.status,
        "model": step.model_name,
        "finishReason": step.finish_reason or None,
        "errorCode": step.error_code or None,
        "createdAt": moment_as_json(step.created_at),
        "firstTokenMs": _since(step.created_at, step.first_token_at),
        "totalMs": _since(step.created_at, step.finished_at),
        "usage": _usage([step]),
    }


def _money(amount: Decimal | None) -> str | None:
    """As text: money is no float."""
    return None if amount is None else f"{amount:f}"
