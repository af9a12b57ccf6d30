"""Commands as rows: done once, remembered with their outcome, forgotten when they failed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import IntegrityError

from chatkit_app.engine.commands import Cancel, Send
from chatkit_app.engine.page_tools import PageTool
from chatkit_app.exceptions import CommandConflict
from chatkit_app.models import Command
from chatkit_app.runs.remembering import Outcome, once
from tests.runs.desk import a_visitor

pytestmark = pytest.mark.django_db


def a_send(text: str = "Hello", **fields: object) -> Send:
    values = {"id": "one", "thread_id": None, "assistant": "test", "text": text}
    return Send(**{**values, **fields})  # type: ignore[arg-type]


def do_nothing(_row: Command) -> Outcome:
    return {"done": True}


def do_not(_row: Command) -> Outcome:
    pytest.fail("it was done before")


def test_what_was_done_is_not_done_again() -> None:
    viewer = a_visitor()
    once(viewer, a_send(), do_nothing, protocol="native")

    assert once(viewer, a_send(), do_not, protocol="native") == {"done": True}
    row = Command.objects.get()
    assert (row.kind, row.owner_key, row.outcome) == (
        "send",
        viewer.key,
        {"done": True},
    )


@pytest.mark.parametrize(
    "again",
    [
        {"tab": "another"},
        {"page": {"path": "/other/"}},
        {"tools": (PageTool(name="zoom", description="", parameters={}),)},
    ],
)
def test_a_reloaded_page_asks_for_the_same(again: dict[str, object]) -> None:
    viewer = a_visitor()
    once(viewer, a_send(), do_nothing, protocol="native")

    assert once(viewer, a_send(**again), do_not, protocol="native") == {"done": True}


@pytest.mark.parametrize("change", [{"text": "Bye"}, {"thread_id": uuid4()}])
def test_another_wish_under_the_same_id_is_a_conflict(
    change: dict[str, object],
) -> None:
    viewer = a_visitor()
    once(viewer, a_send(), do_nothing, protocol="native")

    with pytest.raises(CommandConflict):
        once(viewer, a_send(**change), do_not, protocol="native")


def test_another_kind_of_command_under_the_same_id_is_a_conflict() -> None:
    viewer = a_visitor()
    once(viewer, a_send(), do_nothing, protocol="native")
    cancel = Cancel(id="one", thread_id=uuid4(), run_id=uuid4())

    with pytest.raises(CommandConflict):
        once(viewer, cancel, do_not, protocol="native")


def test_another_protocol_has_ids_of_its_own() -> None:
    viewer = a_visitor()
    once(viewer, a_send(), do_nothing, protocol="native")

    assert once(viewer, a_send("Bye"), do_nothing, protocol="agui") == {"done": True}


@pytest.mark.parametrize("error", [RuntimeError, IntegrityError, CommandConflict])
def test_what_failed_is_forgotten(error: type[Exception]) -> None:
    def fail(_row: Command) -> Outcome:
        raise error("no")

    viewer = a_visitor()
    with pytest.raises(error):
        once(viewer, a_send(), fail, protocol="native")

    assert not Command.objects.exists()
    assert once(viewer, a_send(), do_nothing, protocol="native") == {"done": True}
