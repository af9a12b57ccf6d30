from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db.models import Field

from chatkit_app.admin.content import CONTENT, veiled
from chatkit_app.models import AccessLog, Feedback, Interrupt, Part, Thread
from tests.admin.lists import make_staff, text_of
from tests.history_rows import NOON, Turn, make_thread

pytestmark = pytest.mark.django_db

SECRET = "a-secret-word"


@pytest.fixture
def thread() -> Thread:
    """Every column that people or models fill has the word in it."""
    anna = get_user_model().objects.create_user("anna")
    found = make_thread(anna, title=SECRET)
    turn = Turn.begin(found, SECRET, depth=0)
    turn.say(SECRET, kind="reasoning")
    turn.say(SECRET)
    turn.call(
        "add",
        arguments=f'{{"x": "{SECRET}"}}',
        input={"x": SECRET},
        edited_input={"x": SECRET},
        output={"y": SECRET},
        output_size=20,
        started_at=NOON,
        finished_at=NOON,
    )
    turn.call(SECRET, executor="", status="failed", error_code="unknown_tool")
    failed = turn.call(
        "highlight",
        executor="client",
        status="failed",
        error_code="client_error",
        error_text=SECRET,
    )
    turn.ask_page(
        failed,
        status="answered",
        decision="deny",
        request={"message": SECRET},
        answer={"text": SECRET},
    )
    turn.ask_page(failed, key="2", request={"message": SECRET})
    Part.objects.create(
        message=turn.prompt,
        index=1,
        kind="file",
        state="complete",
        position=1,
        data={"name": SECRET, "mediaType": "image/png", "size": 2048},
    )
    Feedback.objects.create(
        message=turn.answer,
        owner_key=found.owner_key,
        kind="down",
        reasons=[SECRET],
        comment=SECRET,
    )
    turn.end("failed", error_code="provider_unavailable", error_text=SECRET)
    Thread.objects.filter(pk=found.pk).update(
        metadata={"x": SECRET}, external_id=SECRET
    )
    return Thread.objects.get(pk=found.pk)


def page(thread: Thread, name: str = "change") -> str:
    return f"/admin/chatkit_app/thread/{thread.pk}/{name}/"


@pytest.mark.parametrize("name", ["change", "timeline", "history"])
def test_who_may_not_read_content_sees_no_word_of_it(client, thread, name) -> None:
    make_staff(client, "view_thread", "view_message", "view_interrupt", "view_event")

    answer = client.get(page(thread, name))

    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()
    assert not AccessLog.objects.exists()


def test_they_see_its_shape_states_sizes_times_and_codes(client, thread) -> None:
    make_staff(client, "view_thread")

    text = text_of(client.get(page(thread)))

    for words in (
        "add completed",
        "unknown tool failed",
        "client_error",
        "provider_unavailable",
        f"Text: {len(SECRET)} characters",
        "result: 20 bytes",
        "image/png 2.0 KB",
        "first token after 0.8 s",
        "disliked",
    ):
        assert words in text, words


def test_the_log_of_events_is_for_those_who_may_read_content(client, thread) -> None:
    make_staff(client, "view_thread", "view_event")

    assert client.get(page(thread, "events")).status_code == 403


def test_opening_content_is_noted_once_for_a_while(client, thread) -> None:
    make_staff(client, "view_thread", "view_content")

    for name in ("change", "timeline", "change"):
        assert SECRET in client.get(page(thread, name)).content.decode()

    row = AccessLog.objects.get()
    assert (row.thread_id, row.action) == (thread.pk, "read_content")
    assert row.user.username == "staff"


def test_a_question_to_the_owner_is_hidden_too(client, thread) -> None:
    make_staff(client, "view_thread", "view_interrupt", "answer_interrupt")
    row = Interrupt.objects.get(status="open")

    change = client.get(f"/admin/chatkit_app/interrupt/{row.pk}/change/")
    answer = client.get(f"/admin/chatkit_app/interrupt/{row.pk}/answer/")

    assert SECRET not in change.content.decode()
    assert answer.status_code == 403


def test_every_column_named_exists_and_can_be_emptied() -> None:
    for model, names in CONTENT.items():
        row = model(**{name: SECRET for name in names if name != "file"})
        veiled([row])
        for name in names:
            assert isinstance(model._meta.get_field(name), Field)
            assert not getattr(row, name)
