"""Folding deltas into text, and cutting what is folded off the log."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from chatkit_app.engine import events
from chatkit_app.log import fold
from chatkit_app.log.append import append
from chatkit_app.log.fold import open_parts, open_texts, prune
from chatkit_app.models import Event, Part, Run, Thread
from chatkit_app.runs.claiming import claim_run
from chatkit_app.runs.recorder import record
from tests.log.writing import delta
from tests.runs.desk import a_visitor, assert_no_holes, carried, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def age(thread: UUID, until: int | None = None, *, seconds: float = 3600) -> None:
    """Let the events up to a position be old."""
    found = Event.objects.filter(thread=thread)
    if until is not None:
        found = found.filter(position__lte=until)
    found.update(at=timezone.now() - timedelta(seconds=seconds))


def test_the_text_of_open_parts_is_their_deltas() -> None:

    run = started(a_visitor(), "say Hi.")
    claim_run(run.pk, uuid4())
    step, parts = str(uuid4()), [str(uuid4()) for _ in range(2)]
    begun = [
        events.PartStarted(
            message_id=str(run.answer_id),
            part_id=part,
            index=index,
            kind=events.PartKind.TEXT,
            step_id=step,
        )
        for index, part in enumerate(parts)
    ]
    found = [
        events.StepStarted(run_id=str(run.pk), step_id=step, index=0),
        *begun,
        delta("Hel", part=parts[0]),
        delta("Ot", part=parts[1]),
        delta("lo 🙂", part=parts[0], offset=3),
        delta("her", part=parts[1], offset=2),
    ]
    with transaction.atomic():
        append(run.thread_id, found, record=record, run=run.pk)

    assert [str(part.pk) for part in open_parts([run.answer_id])] == parts
    assert open_texts(run.pk) == {parts[0]: "Hello 🙂", parts[1]: "Other"}


def test_a_part_that_has_ended_is_not_open() -> None:
    run = carried(a_visitor(), "say Hi there.")

    assert open_parts([run.answer_id]) == []
    assert Part.objects.get(message=run.answer_id).text == "Hi there."


def test_old_events_are_cut_and_the_floor_is_raised() -> None:
    run = carried(a_visitor(), "say Hi there.")
    last = Thread.objects.get(pk=run.thread_id).position
    age(run.thread_id)

    assert prune(run.thread_id) == last
    assert prune(run.thread_id) == 0

    thread = Thread.objects.get(pk=run.thread_id)
    assert (thread.floor, thread.position) == (last, last)
    assert_no_holes(run.thread_id)


def test_only_a_prefix_is_cut() -> None:
    run = carried(a_visitor(), "say Hi there.")
    age(run.thread_id)
    Event.objects.filter(thread=run.thread_id, position=4).update(at=timezone.now())

    assert prune(run.thread_id) == 3
    assert_no_holes(run.thread_id)


def test_what_is_young_stays(settings: Settings) -> None:
    settings.CHATKIT_EVENT_RETENTION_SECONDS = 600
    run = carried(a_visitor(), "say Hi there.")
    age(run.thread_id, seconds=590)

    assert prune(run.thread_id) == 0


@pytest.mark.parametrize(
    "status", ["queued", "in_progress", "requires_action", "cancelling"]
)
def test_nothing_is_cut_while_a_run_is_active(status: str) -> None:
    run = carried(a_visitor(), "say Hi there.")
    age(run.thread_id)
    Run.objects.update(status=status)

    assert prune(run.thread_id) == 0


def test_one_pruning_takes_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "PRUNE_ROWS", 2)
    run = carried(a_visitor(), "say Hi there.")
    age(run.thread_id)

    assert prune(run.thread_id) == 2
    assert_no_holes(run.thread_id)
