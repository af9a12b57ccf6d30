"""What owners do with a thread, and what becomes of whatever runs in it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from django.db.models import QuerySet

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.engine.states import RunStatus, ThreadStatus
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import (
    CommandConflict,
    NotAllowed,
    RunConflict,
    ThreadNotFound,
)
from chatkit_app.models import Event, Interrupt, Run, Thread
from chatkit_app.protocols.native import decode_event
from chatkit_app.runs.claiming import claim_run
from chatkit_app.threads import editing
from chatkit_app.threads.editing import Changes
from tests.history_rows import make_thread
from tests.runs.desk import (
    a_visitor,
    assert_no_holes,
    fresh,
    say,
    started,
    together,
    waiting_run,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]

ROUNDS = 10


class Hiding(AccessPolicy):
    """A site that shows its owners some threads no more."""

    def get_queryset(self, viewer: Viewer) -> QuerySet[Thread]:
        return super().get_queryset(viewer).exclude(title="hidden")


class Readers(AccessPolicy):
    """A site whose people may read and do nothing else."""

    def can(self, viewer: Viewer, action: Action, thread: Thread | None = None) -> bool:
        return action is Action.READ


def test_a_change_of_the_title_alone_leaves_the_rest() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, title="Old")

    editing.change(viewer, thread.pk, Changes(metadata={"a": 1}))
    editing.change(viewer, thread.pk, Changes(title="New"))

    thread.refresh_from_db()
    assert (thread.title, thread.metadata, thread.status) == ("New", {"a": 1}, "open")


def test_notes_are_told_to_nobody_and_a_title_once() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, title="Old")

    editing.change(viewer, thread.pk, Changes(metadata={"a": 1}))
    editing.change(viewer, thread.pk, Changes(title="New"))
    editing.change(viewer, thread.pk, Changes(title="New"))

    [told] = [decode_event(e.data) for e in Event.objects.filter(thread=thread)]
    assert (told.type, told.title, told.status) == ("thread.changed", "New", "open")


def test_a_pin_is_told_to_the_owners_list_alone_and_stays_where_it_was_put(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, title="Old")
    rung: list[UUID] = []
    monkeypatch.setattr(
        editing.owner_bell, "ring_thread", lambda pk, **_how: rung.append(pk)
    )

    first = editing.change(viewer, thread.pk, Changes(is_pinned=True))
    again = editing.change(viewer, thread.pk, Changes(is_pinned=True))
    editing.change(viewer, thread.pk, Changes(title="New"))

    assert again.pinned_at == first.pinned_at is not None
    assert rung[:2] == [thread.pk] * 2
    assert Event.objects.filter(thread=thread).count() == 1  # the title's
    thread.refresh_from_db()
    assert thread.pinned_at == first.pinned_at
    assert thread.revision >= 2


def test_a_deletion_ends_a_run_that_waits_and_what_it_asks() -> None:
    viewer = a_visitor()
    run, [call] = waiting_run(viewer)

    editing.delete(viewer, run.thread_id)

    assert fresh(run).status == RunStatus.CANCELLED
    call.refresh_from_db()
    assert call.status == "cancelled"
    assert not Interrupt.objects.filter(status="open").exists()
    assert_no_holes(run.thread_id)


def test_a_deletion_ends_a_run_in_the_queue() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")

    editing.delete(viewer, run.thread_id)

    assert fresh(run).status == RunStatus.CANCELLED


def test_a_deletion_asks_whoever_writes_the_answer_to_stop(recorded) -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    claim_run(run.pk, uuid4())

    editing.delete(viewer, run.thread_id)

    assert fresh(run).status == RunStatus.CANCELLING
    assert recorded.cancelled == [run.pk]


def test_what_ran_stays_ended_when_the_thread_comes_back() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")

    editing.delete(viewer, run.thread_id)
    thread = editing.restore(viewer, run.thread_id)

    assert (thread.deleted_at, fresh(run).status) == (None, "cancelled")
    assert say(viewer, "say Hi.", run.thread_id)["thread"] == str(run.thread_id)


def test_a_deletion_gives_the_thread_another_epoch() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor)

    editing.delete(viewer, thread.pk)

    assert Thread.objects.get().epoch != thread.epoch


def test_a_thread_is_deleted_once() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor)
    editing.delete(viewer, thread.pk)

    with pytest.raises(ThreadNotFound):
        editing.delete(viewer, thread.pk)


def test_an_external_id_of_a_thread_that_is_not_shown_is_refused(settings) -> None:
    viewer = a_visitor()
    editing.create(viewer, "test", title="hidden", external_id="order")
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{Hiding.__name__}"

    with pytest.raises(CommandConflict):
        editing.create(viewer, "test", external_id="order")

    assert Thread.objects.count() == 1


def test_a_restored_thread_loses_an_external_id_that_is_taken() -> None:
    viewer = a_visitor()
    first, _ = editing.create(viewer, "test", external_id="order")
    editing.delete(viewer, first.pk)
    second, is_new = editing.create(viewer, "test", external_id="order")

    restored = editing.restore(viewer, first.pk)

    assert is_new
    assert (restored.external_id, second.external_id) == (None, "order")


def test_a_message_and_a_deletion_at_once_leave_nothing_that_runs() -> None:
    for _ in range(ROUNDS):
        viewer = a_visitor()
        thread = make_thread(viewer.visitor, assistant="test")

        found = together(
            [
                lambda t=thread, v=viewer: editing.delete(v, t.pk),
                lambda t=thread, v=viewer: say(v, "say Hi.", t.pk),
            ]
        )

        assert isinstance(found[0], Thread), found
        refused = ThreadNotFound | NotAllowed | RunConflict
        assert isinstance(found[1], dict | refused), found
        active = Run.objects.filter(thread=thread).exclude(status="cancelled")
        assert not active.exists()


def test_a_policy_may_let_people_read_and_do_nothing_else(settings) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.Readers"
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, title="Old")

    editing.mark_read(viewer, thread.pk)
    with pytest.raises(NotAllowed):
        editing.change(viewer, thread.pk, Changes(title="New"))
    with pytest.raises(NotAllowed):
        editing.delete(viewer, thread.pk)
    thread.refresh_from_db()
    assert (thread.title, thread.deleted_at) == ("Old", None)


def test_only_the_site_locks() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor)

    with pytest.raises(NotAllowed):
        editing.change(viewer, thread.pk, Changes(status=ThreadStatus.LOCKED))


def test_the_thread_of_others_is_as_good_as_missing() -> None:
    thread = make_thread(UUID(int=1))

    for act in (editing.delete, editing.restore, editing.mark_read):
        with pytest.raises(ThreadNotFound):
            act(a_visitor(), thread.pk)
