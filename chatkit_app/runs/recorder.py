"""What happened becomes rows: each event, in the transaction that numbers it."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from pydantic import JsonValue

from chatkit_app import clock
from chatkit_app.engine import events
from chatkit_app.engine.calls import UNKNOWN_OUTCOME
from chatkit_app.engine.moves import STEP_MOVES, TOOL_CALL_MOVES, before
from chatkit_app.engine.schema import dump_json
from chatkit_app.engine.states import (
    OPEN_TOOL_CALL_STATUSES,
    InterruptStatus,
    PartKind,
    PartState,
    StepStatus,
    ToolCallStatus,
)
from chatkit_app.exceptions import IllegalMove
from chatkit_app.log.fold import open_texts
from chatkit_app.models import Interrupt, Message, Part, Run, Step, ToolCall


def record(event: events.AnyEvent, position: int) -> None:
    """Write the rows that the event stands for.

    Events about runs, threads, claims and new messages are recorded by whoever decided them: their
    rows were changed under a condition, before the event was made. Deltas are in the log alone until
    their part has ended.
    """
    match event:
        case events.StepStarted():
            _start_step(event)
        case events.StepFinished():
            _finish_step(event)
        case events.StepVoided():
            _void_step(event)
        case events.PartStarted():
            _start_part(event, position)
        case events.PartEnded():
            _end_part(event, position)
        case events.ToolCallChanged():
            _change_call(event)
        case events.ToolCallProgressed():
            ToolCall.objects.filter(pk=event.tool_call_id).update(
                progress=_told_progress(event)
            )
        case events.ToolCallEnded():
            _end_call(event, position)
        case events.MessageEnded():
            _end_message(event)
        case _:
            pass


def _told_progress(event: events.ToolCallProgressed) -> dict[str, JsonValue]:
    """The newest that a call has told of itself, as the row keeps it and snapshots show it."""
    told: dict[str, JsonValue] = {"text": event.text, "fraction": event.fraction}
    if event.preliminary is not None:
        told["preliminary"] = event.preliminary
    if event.notice is not None:
        told["notice"] = asdict(event.notice)
    return told


def _start_step(event: events.StepStarted) -> None:
    Step.objects.create(
        pk=event.step_id,
        run_id=event.run_id,
        index=event.index,
        attempt=event.attempt,
        provider=event.provider,
        model_name=event.model_name,
    )


def _finish_step(event: events.StepFinished) -> None:
    changes: dict[str, object] = {
        "finish_reason": event.finish_reason,
        **_told_counts(event),
        "response_id": event.response_id,
        "finished_at": timezone.now(),
    }
    if event.model_name:
        changes["model_name"] = event.model_name
    _move_step(UUID(event.step_id), StepStatus.COMPLETE, **changes)
    _got_further(UUID(event.run_id))


def _told_counts(event: events.StepFinished | events.StepVoided) -> dict[str, int]:
    """The tokens of a step, as its provider has counted them."""
    return {
        "input_tokens": event.input_tokens,
        "cached_tokens": event.cached_tokens,
        "output_tokens": event.output_tokens,
        "reasoning_tokens": event.reasoning_tokens,
    }


def _move_step(step: UUID, status: StepStatus, **changes: object) -> None:
    _check_moved(
        Step.objects.filter(pk=step, status__in=before(STEP_MOVES, status)).update(
            status=status, **changes
        ),
        step,
        status,
    )


def _move_call(call: UUID, status: ToolCallStatus, **changes: object) -> None:
    """Compare and set: of two results, in whatever process, one is the call's."""
    _check_moved(
        ToolCall.objects.filter(
            pk=call, status__in=before(TOOL_CALL_MOVES, status)
        ).update(status=status, **changes),
        call,
        status,
    )


def _check_moved(moved: int, row: UUID, status: StepStatus | ToolCallStatus) -> None:
    if not moved:
        raise IllegalMove(f"{type(status).__name__} of {row} can't become {status}.")


def _got_further(run: UUID) -> None:
    """Those who took the run over before have not done so in vain."""
    Run.objects.filter(pk=run, takeovers__gt=0).update(takeovers=0)


def _void_step(event: events.StepVoided) -> None:
    """Keep what the step has said, for the admin's eyes; nobody else is told of it any more."""
    now, step = timezone.now(), UUID(event.step_id)
    _move_step(
        step,
        StepStatus.VOID,
        error_code=event.error_code,
        retry_at=event.retry_at,
        finished_at=now,
        **_told_counts(event),
    )
    open_parts = Part.objects.filter(step=step, state=PartState.STREAMING)
    texts = open_texts(UUID(event.run_id)) if open_parts.exists() else {}
    for part in open_parts:
        part.text, part.state = texts.get(str(part.pk), ""), PartState.INTERRUPTED
        part.save(update_fields=["text", "state"])
        ToolCall.objects.filter(parts=part).update(arguments=part.text)
    ToolCall.objects.filter(step=step, status__in=OPEN_TOOL_CALL_STATUSES).update(
        status=ToolCallStatus.CANCELLED,
        error_code="step_voided",
        error_text="The answer broke off before this call was whole; it was never made.",
        finished_at=now,
    )


def _start_part(event: events.PartStarted, position: int) -> None:
    if event.tool_call_id is not None:
        ToolCall.objects.create(
            pk=event.tool_call_id,
            run_id=Step.objects.values_list("run_id", flat=True).get(pk=event.step_id),
            step_id=event.step_id,
            index=event.tool_call_index,
            provider_call_id=event.provider_call_id,
            name=event.tool_call_name or "",
            status=ToolCallStatus.STREAMING,
        )
    Part.objects.create(
        pk=event.part_id,
        message_id=event.message_id,
        step_id=event.step_id,
        index=event.index,
        kind=event.kind,
        state=PartState.STREAMING,
        tool_call_id=event.tool_call_id,
        position=position,
    )
    Step.objects.filter(pk=event.step_id, first_token_at__isnull=True).update(
        first_token_at=timezone.now()
    )


def _end_part(event: events.PartEnded, position: int) -> None:
    data = event.provider_data
    Part.objects.filter(pk=event.part_id).update(
        text=event.text,
        state=event.state,
        provider_data=asdict(data) if data else None,
        position=position,
    )
    ToolCall.objects.filter(parts=UUID(event.part_id)).update(arguments=event.text)


def _change_call(event: events.ToolCallChanged) -> None:
    call_id = UUID(event.tool_call_id)
    if event.status is ToolCallStatus.RUNNING:
        now = timezone.now()
        _move_call(call_id, event.status, starts=F("starts") + 1, started_at=now)
        return
    # What the event does not tell stays: only the first one says how the call is to be run.
    told: dict[str, object] = {
        "executor": event.executor,
        "effect": event.effect,
        "input": event.input,
        "edited_input": event.edited_input,
        "schema_digest": event.schema_digest,
    }
    changes = {name: value for name, value in told.items() if value not in (None, "")}
    if event.is_our_job:
        changes["job_until"] = clock.now()  # whoever comes first may begin
    _move_call(call_id, event.status, deadline_at=event.deadline_at, **changes)
    if event.interrupt is not None:
        _ask(event, event.interrupt)


def _ask(event: events.ToolCallChanged, told: events.InterruptTold) -> None:
    call = ToolCall.objects.only("run_id", "step_id").get(pk=event.tool_call_id)
    words = {"message": told.message, "form": told.form}
    Interrupt.objects.create(
        pk=told.id,
        run_id=call.run_id,
        step_id=call.step_id,
        tool_call=call,
        kind=told.kind,
        key=told.key,
        created_at=clock.now(),
        request={
            **(event.request or {}),
            **{name: said for name, said in words.items() if said},
        },
        response_schema=told.schema,
        permission=event.permission,
        expires_at=told.expires_at,
    )


def _end_call(event: events.ToolCallEnded, position: int) -> None:
    completed = event.status is ToolCallStatus.COMPLETED
    _move_call(
        UUID(event.tool_call_id),
        event.status,
        output=event.output,
        output_size=len(dump_json(event.output)) if completed else 0,
        error_code=event.error_code or "",
        error_text=event.error_text or "",
        finished_at=timezone.now(),
    )
    Part.objects.create(
        pk=event.part_id,
        message_id=event.message_id,
        step_id=event.step_id,
        index=event.index,
        kind=PartKind.TOOL_RESULT,
        state=PartState.COMPLETE if completed else PartState.ERROR,
        tool_call_id=event.tool_call_id,
        position=position,
    )
    Interrupt.objects.filter(
        tool_call=UUID(event.tool_call_id), status=InterruptStatus.OPEN
    ).update(status=InterruptStatus.CANCELLED)
    if (
        event.error_code != UNKNOWN_OUTCOME
    ):  # which is what a takeover itself has to say
        Run.objects.filter(tool_calls=UUID(event.tool_call_id), takeovers__gt=0).update(
            takeovers=0
        )


def _end_message(event: events.MessageEnded) -> None:
    texts = (
        Part.objects.filter(message=UUID(event.message_id), kind=PartKind.TEXT)
        .exclude(step__status=StepStatus.VOID)
        .order_by("index")
        .values_list("text", flat=True)
    )
    Message.objects.filter(pk=event.message_id).update(
        status=event.status, text="\n\n".join(texts)
    )
