"""Whose a thread is, and how a list stands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from chatkit_app.engine import states
from chatkit_app.engine.viewer import Viewer
from chatkit_app.log.lists import (
    Bell,
    Standing,
    approvals_of,
    bells_of,
    list_of,
    standings,
)
from chatkit_app.models import Interrupt, Thread
from chatkit_app.threads import editing
from tests.history_rows import make_thread
from tests.runs.desk import a_visitor, carried, carry, say, started

pytestmark = pytest.mark.django_db(transaction=True)


def stands(bell: Bell) -> Standing:
    return standings([bell])[bell]


def test_a_groups_name_is_one_that_every_layer_takes() -> None:
    strange = Bell(tenant="Zürich, ".ljust(64, "ü"), owner="u:" + "ä" * 78)

    assert strange.group.isascii()
    assert len(strange.group) < 100
    assert set(strange.group) <= set("abcdefghijklmnopqrstuvwxyz0123456789.")


def test_tenants_and_owners_have_bells_of_their_own() -> None:
    pairs = [("a", "u:1"), ("b", "u:1"), ("a", "u:2"), ("a", ""), ("b", ""), ("", "")]

    assert len({Bell(tenant=t, owner=o).group for t, o in pairs}) == len(pairs)


def test_a_thread_rings_for_its_owner_and_an_approval_for_its_tenant() -> None:
    one, other = Viewer(visitor=uuid4(), tenant="a"), Viewer(visitor=uuid4())
    mine, theirs = make_thread(one.visitor), make_thread(other.visitor)
    Thread.objects.filter(pk=mine.pk).update(tenant="a")

    found = bells_of({mine.pk: True, theirs.pk: False, uuid4(): True})

    assert found == {list_of(one), approvals_of(one), list_of(other)}


def change(viewer: Viewer, thread: Thread, **changes: Any) -> None:
    editing.change(viewer, thread.pk, editing.Changes(**changes))


CHANGES: dict[str, Callable[[Viewer, Thread], object]] = {
    "title": partial(change, title="Other"),
    "status": partial(change, status=states.ThreadStatus.ARCHIVED),
    "metadata": partial(change, metadata={"a": 1}),
    "deleted": lambda viewer, thread: editing.delete(viewer, thread.pk),
    "read": lambda viewer, thread: editing.mark_read(viewer, thread.pk),
    "message": lambda viewer, thread: say(viewer, "say Hi.", thread.pk),
    "erased": lambda _viewer, thread: thread.delete(),
}


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("kind", CHANGES)
def test_a_list_stands_otherwise_when_a_thread_in_it_is_changed(kind: str) -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor, title="Mine.", assistant="test")
    Thread.objects.update(answered_at=timezone.now())
    make_thread(viewer.visitor)
    before = stands(list_of(viewer))

    CHANGES[kind](viewer, thread)

    assert stands(list_of(viewer)) != before


@pytest.mark.usefixtures("recorded")
def test_a_list_stands_otherwise_after_each_moment_of_a_run_that_it_shows() -> None:
    viewer = a_visitor()
    run = started(viewer, "say Hi.")
    queued = stands(list_of(viewer))

    carry(run)

    assert stands(list_of(viewer)) != queued


@pytest.mark.usefixtures("recorded")
def test_a_thread_that_is_taken_back_is_in_it_again() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor)
    editing.delete(viewer, thread.pk)
    without = stands(list_of(viewer))

    editing.restore(viewer, thread.pk)

    assert stands(list_of(viewer)) != without


def test_a_new_thread_makes_it_another_list_and_a_strangers_does_not() -> None:
    viewer = a_visitor()
    empty = stands(list_of(viewer))
    make_thread(a_visitor().visitor)
    still = stands(list_of(viewer))
    make_thread(viewer.visitor)

    assert still == empty != stands(list_of(viewer))


def test_a_position_that_moves_leaves_it_as_it_is() -> None:
    viewer = a_visitor()
    thread = make_thread(viewer.visitor)
    before = stands(list_of(viewer))

    Thread.objects.filter(pk=thread.pk).update(position=100)

    assert stands(list_of(viewer)) == before


@pytest.mark.usefixtures("recorded")
def test_what_waits_for_the_staff_counts_and_what_the_owner_is_asked_does_not() -> None:
    viewer = a_visitor()
    none = stands(approvals_of(viewer))
    carried(viewer, 'call refund {"amount": 70}')
    of_owner = stands(approvals_of(viewer))
    carried(viewer, 'call staff_refund {"amount": 1}')
    of_staff = stands(approvals_of(viewer))
    Interrupt.objects.update(status=states.InterruptStatus.ANSWERED)

    assert none == of_owner == stands(approvals_of(viewer)) == ()
    assert of_staff != ()


def test_many_lists_are_one_query(django_assert_num_queries: Any) -> None:
    bells = [list_of(a_visitor()) for _ in range(50)]

    with django_assert_num_queries(1):
        standings(bells)
