from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.engine.viewer import Viewer
from chatkit_app.exceptions import AnswerLate, InterruptNotFound
from chatkit_app.models import Interrupt, Run, ToolCall
from chatkit_app.runs.expiring import expire_now
from tests.approvals import ask_staff, desk, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tools():
    with desk():
        yield


@pytest.fixture
def row() -> Interrupt:
    return ask_staff(get_user_model().objects.create_user("anna"))


@pytest.fixture
def eve() -> Viewer:
    return Viewer(user=make_staff("eve", "chatkit_app.expire_interrupt"), visitor=None)


def test_what_is_let_go_ends_as_if_its_time_were_over(row, eve) -> None:
    expire_now(eve, row.pk)

    row.refresh_from_db()
    call, run = ToolCall.objects.get(), Run.objects.get()
    assert (row.status, call.error_code) == ("expired", "approval_expired")
    assert run.status == "queued"


def test_a_second_time_it_is_too_late(row, eve) -> None:
    expire_now(eve, row.pk)

    with pytest.raises(AnswerLate):
        expire_now(eve, row.pk)


def test_without_the_permission_nothing_of_the_kind_is_asked(row) -> None:
    nobody = Viewer(user=make_staff("joe"), visitor=None)

    for viewer, pk in ((nobody, row.pk), (nobody, uuid4())):
        with pytest.raises(InterruptNotFound):
            expire_now(viewer, pk)
    row.refresh_from_db()
    assert row.status == "open"
