from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from chatkit_app.admin.asked import Asked, may_decide, outcome_of, told, waiting_in
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Interrupt, Run
from tests.approvals import INPUT, PERMISSION, ask_staff, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.mark.parametrize(
    ("fields", "whom"),
    [
        ({}, f"staff with the permission Can change user ({PERMISSION})"),
        ({"permission": "shop.gone"}, "staff with the permission shop.gone"),
        ({"permission": ""}, "the visitor"),
        ({"kind": "question", "permission": ""}, "the visitor"),
        ({"kind": "client_tool", "permission": ""}, "a page of the visitor's"),
    ],
)
def test_it_is_told_who_is_waited_for(anna, fields, whom) -> None:
    [asked] = told([ask_staff(anna, **fields)], None)

    assert asked.waits_for == whom


@pytest.mark.parametrize(
    ("status", "decision", "words"),
    [
        ("open", "", "open"),
        ("answered", "approve", "approved"),
        ("answered", "edit", "approved with other arguments"),
        ("answered", "deny", "denied"),
        ("answered", "respond", "answered in words"),
        ("answered", "skip", "skipped"),
        ("answered", "", "answered"),
        ("expired", "", "expired"),
        ("cancelled", "", "cancelled"),
        ("newer", "", "newer"),
    ],
)
def test_what_became_of_it_is_told_in_words(status, decision, words) -> None:
    assert outcome_of(Interrupt(status=status, decision=decision)) == words


def test_after_its_time_it_is_not_open_any_more() -> None:
    late = Interrupt(status="open", expires_at=timezone.now() - timedelta(seconds=1))
    early = Interrupt(status="open", expires_at=timezone.now() + timedelta(hours=1))

    assert [Asked(row=row).is_open for row in (late, early)] == [False, True]
    assert [Asked(row=row).is_expired for row in (late, early)] == [True, False]


def test_of_edited_arguments_those_are_told_that_were_changed(anna) -> None:
    edited = {**INPUT, "euros": 20, "new": 1}
    row = ask_staff(anna, status="answered", decision="edit", answer={"input": edited})

    assert [(line.label, line.text) for line in Asked(row=row).edited] == [
        ("Euros", "20"),
        ("new", "1"),
    ]


def test_an_answer_to_a_question_is_no_reason(anna) -> None:
    row = ask_staff(anna, kind="question", decision="answer", answer={"text": "x"})

    assert Asked(row=row).said == ""
    assert Asked(row=row).edited == []


def test_only_approvals_of_the_staffs_are_decided_by_the_staff(anna) -> None:
    boss = Viewer(user=get_user_model().objects.create_superuser("boss"))

    assert may_decide(boss, ask_staff(anna))
    assert not may_decide(boss, ask_staff(anna, permission=""))
    assert not may_decide(boss, ask_staff(anna, kind="client_tool"))
    assert not may_decide(Viewer(user=make_staff("eve")), ask_staff(anna))


def test_of_a_thread_only_what_its_run_still_waits_for_is_told(anna) -> None:
    row = ask_staff(anna)
    ask_staff(anna)
    thread = row.run.thread
    assert [asked.row for asked in waiting_in(thread, None)] == [row]

    Run.objects.filter(pk=row.run_id).update(status="cancelled")

    assert waiting_in(thread, None) == []
