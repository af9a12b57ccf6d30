from __future__ import annotations

import pytest

from chatkit_app.access import PERMISSIONS, AccessPolicy, Action
from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import NotAllowed, ThreadNotFound
from chatkit_app.models import Run, Thread
from chatkit_app.runs.permitted import owned, reachable, writable
from tests.approvals import make_staff
from tests.runs.desk import (
    a_visitor,
    cancel,
    carried,
    carry,
    fresh,
    retry,
    say,
    started,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("recorded"),
]


def staff(*actions: Action) -> Viewer:
    return Viewer(user=make_staff("kim", *(PERMISSIONS[each] for each in actions)))


def test_the_staff_cancel_other_people_s_runs_with_the_permission_alone() -> None:
    run = started(a_visitor(), "say Hello.")

    with pytest.raises(ThreadNotFound):
        cancel(staff(Action.INSPECT, Action.RETRY), run)
    viewer = Viewer(user=make_staff("eve", PERMISSIONS[Action.CANCEL]))
    cancel(viewer, run)

    assert fresh(run).status == "cancelled"


def test_what_the_staff_have_tried_again_runs_for_whom_it_ran_before() -> None:
    visitor = a_visitor()
    failed = carried(visitor, "fail rejected")

    again = Run.objects.get(pk=retry(staff(Action.RETRY), failed)["run"])

    assert again.started_by is None
    assert again.context["visitor"] == str(visitor.visitor)
    assert carry(again).status == "failed"


def test_a_permission_reaches_no_further_than_the_tenant() -> None:
    run = started(a_visitor(), "say Hello.")
    Thread.objects.update(tenant="elsewhere")

    with pytest.raises(ThreadNotFound):
        reachable(staff(Action.CANCEL), run.thread_id, Action.CANCEL)


def test_a_permission_of_somebody_who_is_not_staff_is_none() -> None:
    run = started(a_visitor(), "say Hello.")
    viewer = staff(Action.CANCEL)
    viewer.user.is_staff = False

    with pytest.raises(ThreadNotFound):
        reachable(viewer, run.thread_id, Action.CANCEL)


def test_a_deleted_thread_is_missing_for_all() -> None:
    visitor = a_visitor()
    run = started(visitor, "say Hello.")
    Thread.objects.update(deleted_at=run.created_at)

    for viewer in (visitor, staff(Action.CANCEL)):
        with pytest.raises(ThreadNotFound):
            reachable(viewer, run.thread_id, Action.CANCEL)


class Shared(AccessPolicy):
    """Everybody sees everything of their tenant."""

    def threads(self, viewer):
        return self.get_queryset(viewer)


def test_what_a_site_s_policy_shares_is_written_to_by_all(settings) -> None:
    run = carried(a_visitor(), "say Hello.")
    stranger = a_visitor()
    with pytest.raises(ThreadNotFound):
        owned(stranger, run.thread_id)

    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{Shared.__name__}"

    assert writable(stranger, run.thread_id).pk == run.thread_id


class SharedForReading(Shared):
    """Everybody reads everything of their tenant, and writes in what is theirs."""

    def can(self, viewer, action, thread=None):
        is_anothers = thread is not None and thread.owner_key != viewer.key
        if is_anothers and action is Action.WRITE:
            return False
        return super().can(viewer, action, thread)


def test_what_a_site_s_policy_shares_for_reading_is_read_alone(settings) -> None:
    visitor = a_visitor()
    run = carried(visitor, "say Hello.")
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{SharedForReading.__name__}"

    with pytest.raises(NotAllowed):
        say(a_visitor(), "say Bye.", run.thread_id)

    assert say(visitor, "say Bye.", run.thread_id)
