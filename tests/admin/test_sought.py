from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from chatkit_app.admin.sought import Sought, sought, threads_of_id, users_named
from chatkit_app.models import Interrupt, Run, Thread, ToolCall
from tests.admin.lists import make_user, thread_of
from tests.history_rows import Turn

ID = "0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Sought()),
        (f" {ID} ", Sought(id=UUID(ID))),
        (UUID(ID).hex, Sought(id=UUID(ID))),
        ("u:1", Sought(owner="u:1")),
        (f"v:{ID}", Sought(owner=f"v:{ID}")),
        ("u: 1", Sought(words="u: 1")),
        ("menu:1", Sought(words="menu:1")),
        (" where is it ", Sought(words="where is it")),
    ],
)
def test_a_text_is_an_id_an_owner_or_words(text, expected) -> None:
    assert sought(text) == expected


@pytest.mark.django_db
def test_an_id_of_anything_in_a_thread_finds_it() -> None:
    visitor = uuid4()
    thread = thread_of(visitor)
    thread_of(uuid4())
    turn = Turn.begin(thread, "Again", depth=2)
    turn.ask_page(turn.call("highlight", status="waiting"))
    ids = [
        thread.pk,
        visitor,
        Run.objects.get(pk=turn.run.pk).pk,
        turn.prompt.pk,
        ToolCall.objects.get().pk,
        Interrupt.objects.get().pk,
    ]

    for wanted in ids:
        assert list(threads_of_id(Thread.objects.all(), wanted)) == [thread]
    assert not threads_of_id(Thread.objects.all(), uuid4())


@pytest.mark.django_db
def test_users_are_named_by_how_their_name_begins_or_by_their_address() -> None:
    anna = make_user("anna.b", email="anna@example.org")
    make_user("joanna")

    assert users_named("anna") == [anna.pk]
    assert users_named("anna@example.org") == [anna.pk]
    assert users_named("nobody") == []
