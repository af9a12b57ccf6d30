"""Calls that wait for a job, as rows: who works on them, what they tell, and what comes of them.

A job may be in any process, and the run in none. Whoever writes here locks the run's row first, as
pages and people do with their answers: of two ends one is the call's.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from chatkit_app import clock
from chatkit_app.conf import settings
from chatkit_app.engine.calls import UNKNOWN_OUTCOME, Result, failed
from chatkit_app.engine.states import (
    Effect,
    Executor,
    InterruptKind,
    InterruptStatus,
    RunStatus,
    ToolCallStatus,
)
from chatkit_app.engine.telling import News
from chatkit_app.exceptions import AnswerDuplicate, AnswerLate, CallNotFound
from chatkit_app.log.append import append
from chatkit_app.log.interrupts import APPROVED
from chatkit_app.models import Run, ToolCall
from chatkit_app.runs.recorder import record
from chatkit_app.runs.redacting import redacted_news, redacted_result
from chatkit_app.runs.settling import ended, go_on, lock_run

WITH_A_JOB = (ToolCallStatus.RUNNING, ToolCallStatus.WAITING)
"""Running: it is just being handed over, and the job may be quicker than that."""

OUTCOME_UNKNOWN = (
    "The process that worked on this is gone; whether it took effect is unknown."
)
GIVEN_UP = "The work was broken off again and again, and is given up."
CLOSED = "Nobody waits for this call any more."


def find(tool_call_id: UUID) -> ToolCall:
    """The job's call, with its run and thread.

    Raises:
        CallNotFound: There is none, or it is no job.
    """
    found = ToolCall.objects.select_related("run__thread").filter(pk=tool_call_id)
    call = found.filter(executor=Executor.JOB).first()
    if call is None:
        raise CallNotFound("No such call waits for a job.")
    return call


def is_wanted(tool_call_id: UUID) -> bool:
    """Does anybody still want what comes of it?"""
    found = ToolCall.objects.filter(pk=tool_call_id, status__in=WITH_A_JOB)
    return found.exclude(run__status=RunStatus.CANCELLING).exists()


def is_approved(call: ToolCall) -> bool:
    """Does a person let it run?"""
    asked = call.interrupts.filter(kind=InterruptKind.APPROVAL)
    return asked.filter(decision__in=APPROVED).exists()


def begin(call: ToolCall) -> bool:
    """Let a job of the site's queue begin, and count it.

    False where nobody wants it any more, and where it has begun before and must run once.
    """
    with transaction.atomic():
        run, row = _locked(call)
        if not _is_open(run, row):
            return False
        has_begun = row.job_owner is not None
        if has_begun and row.effect == Effect.ONCE:
            return False
        ToolCall.objects.filter(pk=row.pk).update(
            job_owner=uuid4(),
            starts=F("starts")
            + int(has_begun),  # the first is counted as it is handed over
            started_at=timezone.now(),
        )
        return True


def tell(call: ToolCall, news: Sequence[News], owner: UUID | None = None) -> bool:
    """Show what a job tells of itself; False if nobody waits for it any more."""
    with transaction.atomic():
        run, row = _locked(call)
        if not _is_open(run, row, owner):
            return False
        if told := redacted_news(news):
            append(run.thread_id, told, record=record, run=run.pk)
        return True


def settle(
    call: ToolCall,
    result: Result,
    *,
    news: Sequence[News] = (),
    owner: UUID | None = None,
) -> None:
    """Give the call its one result, after the last news; the run goes on if it can.

    The same result again is accepted again. With an ``owner``, only while the job is theirs.

    Raises:
        AnswerDuplicate: It has another result.
        AnswerLate: It is closed.
    """
    result, news = redacted_result(result), redacted_news(news)
    with transaction.atomic():
        run, row = _locked(call)
        if _is_open(run, row, owner):
            go_on(run, [*news, ended(run, row, result)])
        elif not _is_same(row, result):
            if row.status == ToolCallStatus.COMPLETED:
                raise AnswerDuplicate("This call has another result.")
            raise AnswerLate(CLOSED)


def _locked(call: ToolCall) -> tuple[Run, ToolCall]:
    run = lock_run(call.run_id)
    return run, ToolCall.objects.select_for_update(of=("self",)).get(pk=call.pk)


def _is_open(run: Run, call: ToolCall, owner: UUID | None = None) -> bool:
    if call.status not in WITH_A_JOB or call.executor != Executor.JOB:
        return False
    if run.status == RunStatus.CANCELLING or owner not in (None, call.job_owner):
        return False
    if call.deadline_at is not None and call.deadline_at < clock.read():
        return False
    # It may wait for somebody's approval yet.
    return not call.interrupts.filter(status=InterruptStatus.OPEN).exists()


def _is_same(call: ToolCall, result: Result) -> bool:
    found = (call.status, call.output, call.error_code, call.error_text)
    code, text = result.error_code or "", result.error_text or ""
    return found == (result.status, result.output, code, text)


# Jobs of our own workers


def to_claim(limit: int) -> list[UUID]:
    """Jobs that a process of ours may take, those that wait for the longest first."""
    free = _left().filter(_may_begin(), deadline_at__gt=clock.now())
    return list(free.order_by("job_until").values_list("pk", flat=True)[:limit])


def claim(tool_call_id: UUID, owner: UUID) -> ToolCall | None:
    """Take a job for as long as a lease; None if somebody else has it, or nobody wants it."""
    taken = _left().filter(_may_begin(), pk=tool_call_id, deadline_at__gt=clock.now())
    is_mine = taken.update(
        job_owner=owner,
        job_until=clock.later(settings.LEASE_SECONDS),
        starts=F("starts") + 1,
        started_at=timezone.now(),
    )
    return find(tool_call_id) if is_mine else None


def renew(tool_call_id: UUID, owner: UUID) -> None:
    """Keep a job that is at work.

    Each by itself: whoever ends a run locks several of its calls, in an order of their own.
    """
    mine = ToolCall.objects.filter(pk=tool_call_id, job_owner=owner)
    mine.filter(status=ToolCallStatus.WAITING).update(
        job_until=clock.later(settings.LEASE_SECONDS)
    )


def wanted_of(owner: UUID) -> set[UUID]:
    """This owner's jobs, as far as somebody still wants what comes of them."""
    mine = ToolCall.objects.filter(job_owner=owner, status=ToolCallStatus.WAITING)
    mine = mine.exclude(run__status=RunStatus.CANCELLING)
    return set(mine.values_list("pk", flat=True))


def hand_back(tool_call_id: UUID, owner: UUID, *, after: float = 0.0) -> None:
    """Let go of a job that may be begun again, in so many seconds; it has not crashed."""
    mine = ToolCall.objects.filter(pk=tool_call_id, job_owner=owner)
    mine.filter(status=ToolCallStatus.WAITING).update(
        job_owner=None, job_until=clock.later(after), starts=F("starts") - 1
    )


def put_off(tool_call_id: UUID, owner: UUID, *, after: float) -> None:
    """Let go of a job whose function could not begin, whatever its effect; this try counts."""
    mine = ToolCall.objects.filter(pk=tool_call_id, job_owner=owner)
    mine.filter(status=ToolCallStatus.WAITING).update(
        job_owner=None, job_until=clock.later(after), started_at=None
    )


def lost(limit: int) -> list[UUID]:
    """Jobs whose process is gone and that are not begun again."""
    return list(_lost().values_list("pk", flat=True)[:limit])


def end_lost(tool_call_id: UUID) -> None:
    """End such a job: what it has done is unknown, or it is given up."""
    call = find(tool_call_id)
    with transaction.atomic():
        run, row = _locked(call)
        if _lost().filter(pk=row.pk).exists():  # else its process lives after all
            may_be_done = row.effect == Effect.ONCE and row.started_at is not None
            unknown = failed(UNKNOWN_OUTCOME, OUTCOME_UNKNOWN)
            result = unknown if may_be_done else failed("tool_failed", GIVEN_UP)
            go_on(run, [ended(run, row, result)])


def _left() -> QuerySet[ToolCall]:
    """Jobs of ours that nobody holds: new, handed back, or past their lease."""
    return ToolCall.objects.filter(
        status=ToolCallStatus.WAITING,
        executor=Executor.JOB,
        job_until__lte=clock.now(),
    )


def _may_begin() -> Q:
    """One that must run once is begun once; one that kills its process is not begun for ever.

    Without the time of a start it was claimed, and its function could not begin.
    """
    is_harmless = ~Q(effect=Effect.ONCE) | Q(started_at=None)
    return Q(starts=0) | (Q(starts__lte=settings.MAX_TAKEOVERS) & is_harmless)


def _lost() -> QuerySet[ToolCall]:
    return _left().exclude(_may_begin())
