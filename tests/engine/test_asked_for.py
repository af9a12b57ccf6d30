"""The events by which a call begins to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from chatkit_app.engine.approvals import Ask
from chatkit_app.engine.asked_for import MESSAGE_CHARS, approval, client_tool, question
from chatkit_app.engine.performing import Pending
from chatkit_app.engine.tools import tool_definition
from tests.engine.drive import call

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = UUID(int=99)
given = tool_definition(name="x", description="", deadline=30, patience=600)


def test_a_page_has_its_deadline_and_a_person_their_patience() -> None:
    asked = client_tool(ID, call("x"), given, {}, now=NOON)
    assert asked.deadline_at == NOON + timedelta(seconds=30)

    asked = approval(ID, call("x"), given, Ask(), now=NOON)
    assert asked.deadline_at == NOON + timedelta(seconds=600)
    assert asked.interrupt.expires_at == asked.deadline_at


def test_words_for_a_person_are_sound_and_bounded() -> None:
    asked = approval(ID, call("x"), given, Ask("\0\ud83d" + "x" * 9000), now=NOON)
    assert len(asked.interrupt.message) == MESSAGE_CHARS
    assert "\0" not in asked.interrupt.message


def test_a_question_remembers_what_its_kind_was_made_with() -> None:
    pending = Pending(
        key="k",
        message="",
        name="Size",
        arguments={"country": "DE"},
        schema={"type": "object"},
        form="<input>",
    )
    asked = question(ID, call("x"), given, pending, now=NOON)

    assert asked.request == {
        "name": "x",
        "question": "Size",
        "arguments": {"country": "DE"},
    }
    assert (asked.interrupt.form, asked.interrupt.key) == ("<input>", "k")
