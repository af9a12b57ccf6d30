"""What was said: its pages, and saying something without a socket."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from chatkit_app.models import Message, Run, Thread
from tests.api.people import THREADS, ask, ids
from tests.history_rows import NOON, Turn, add_turns, make_thread

pytestmark = pytest.mark.django_db


def messages_of(thread: Thread) -> str:
    return f"{THREADS}{thread.pk}/messages/"


def test_without_an_end_the_newest_messages_come_oldest_first(page, anna) -> None:
    thread = make_thread(anna)
    messages = add_turns(thread, 3)

    answer = page.get(messages_of(thread), {"limit": 4})

    assert ids(answer) == [str(m.pk) for m in messages[2:]]
    assert (answer.json()["earlier"], answer.json()["later"]) == (True, False)


def test_messages_before_and_after_one_of_them_meet_at_it(page, anna) -> None:
    thread = make_thread(anna)
    messages = add_turns(thread, 5)
    middle = messages[4].pk

    before = page.get(messages_of(thread), {"before": middle, "limit": 2}).json()
    after = page.get(messages_of(thread), {"after": middle, "limit": 100}).json()

    assert [m["id"] for m in before["results"]] == [str(m.pk) for m in messages[2:4]]
    assert (before["earlier"], before["later"]) == (True, True)
    assert [m["id"] for m in after["results"]] == [str(m.pk) for m in messages[5:]]
    assert (after["earlier"], after["later"]) == (True, False)


def test_the_first_page_of_a_thread_says_that_nothing_is_earlier(page, anna) -> None:
    thread = make_thread(anna)
    messages = add_turns(thread, 2)

    answer = page.get(messages_of(thread), {"before": messages[2].pk}).json()

    assert [m["id"] for m in answer["results"]] == [str(m.pk) for m in messages[:2]]
    assert (answer["earlier"], answer["later"]) == (False, True)


def test_a_hidden_answer_is_not_told_but_still_marks_its_place(page, anna) -> None:
    thread = make_thread(anna)
    question, hidden = add_turns(thread, 1)
    Message.objects.filter(pk=hidden.pk).update(is_shown=False)
    shown = Message.objects.create(
        thread=thread, parent=question, depth=1, role="assistant", status="complete"
    )

    assert ids(page.get(messages_of(thread))) == [str(question.pk), str(shown.pk)]
    assert ids(page.get(messages_of(thread), {"before": hidden.pk})) == [
        str(question.pk)
    ]


def test_a_message_comes_with_its_parts_and_its_tool_calls(page, anna) -> None:
    thread = make_thread(anna)
    turn = Turn.begin(thread, "Where is it?", depth=0)
    turn.say("Thinking", kind="reasoning")
    turn.call("order_status", arguments='{"number":"1042"}', output={"status": "sent"})
    turn.say("It was sent.")
    turn.end()

    asked, answered = page.get(messages_of(thread)).json()["results"]

    assert asked["parts"][0]["content"] == "Where is it?"
    kinds = [part["type"] for part in answered["parts"]]
    assert kinds == ["reasoning", "tool-call", "tool-result", "text"]
    assert answered["parts"][1]["output"] == {"status": "sent"}


@pytest.mark.parametrize(
    "query",
    [
        "before=x",
        "after=%00",
        "before={mine}&around={mine}",
        "limit=1&limit=2",
        "position=3",
        "limit=0",
    ],
)
def test_messages_asked_for_wrongly_are_refused_with_a_code(page, anna, query) -> None:
    thread = make_thread(anna)
    mine, _ = add_turns(thread, 1)
    other, _ = add_turns(make_thread(anna), 1)

    answer = page.get(
        f"{messages_of(thread)}?{query.format(mine=mine.pk, other=other.pk)}"
    )

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_command"


def test_the_number_of_queries_does_not_grow_with_the_messages(
    page, anna, django_assert_num_queries
) -> None:
    short, long = make_thread(anna), make_thread(anna)
    add_turns(short, 2)
    add_turns(long, 30)
    for thread in (short, long):
        turn = Turn.begin(thread, "And this?", depth=60)
        turn.call("order_status", output={})
        turn.end()
    before = Message.objects.filter(thread=long).order_by("depth").last()
    first = Message.objects.filter(thread=short).order_by("depth").last()

    for thread, message in ((short, first), (long, before)):
        with django_assert_num_queries(12):
            # session, user, thread; one moment: thread, the message's place, page, is there more,
            # siblings, feedback, parts, and the moment's beginning and end
            page.get(messages_of(thread), {"before": message.pk, "limit": 100})


def plan_of(capture, table: str) -> str:
    """How SQLite runs the last query of this table."""
    begins = f'SELECT "{table}"'
    pages = [q["sql"] for q in capture if q["sql"].startswith(begins)]
    [sql] = [sql for sql in pages if "LIMIT 51" in sql or "LIMIT 21" in sql]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(row[3] for row in cursor.fetchall())


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="reads SQLite's plans")
def test_a_page_is_read_along_an_index_and_never_sorted(
    page, anna, django_assert_max_num_queries
) -> None:
    thread = make_thread(anna)
    messages = add_turns(thread, 3)
    make_thread(anna, at=NOON + timedelta(minutes=1))
    following = page.get(THREADS, {"page_size": 1}).json()["next"]

    with django_assert_max_num_queries(20) as listed:
        page.get(following.replace("page_size=1", "page_size=20"))
    with django_assert_max_num_queries(20) as told:
        page.get(messages_of(thread), {"before": messages[4].pk})

    threads_plan = plan_of(listed, "chatkit_app_thread")
    messages_plan = plan_of(told, "chatkit_app_message")
    assert "chatkit_thread_of_owner" in threads_plan
    assert "last_activity_at<" in threads_plan
    assert "TEMP B-TREE" not in threads_plan
    assert "chatkit_message_shown" in messages_plan
    assert "TEMP B-TREE" not in messages_plan


def test_a_message_of_another_thread_is_no_place_in_this_one(page, anna) -> None:
    thread = make_thread(anna)
    add_turns(thread, 1)
    other, _ = add_turns(make_thread(anna), 1)

    for end in ("before", "after", "around"):
        answer = page.get(messages_of(thread), {end: other.pk})
        assert (answer.status_code, answer.json()["code"]) == (404, "message_not_found")


def test_the_messages_between_two_of_them(page, anna) -> None:
    thread = make_thread(anna)
    messages = add_turns(thread, 5)
    ends = {"after": messages[2].pk, "before": messages[6].pk}

    whole = page.get(messages_of(thread), ends).json()
    first = page.get(messages_of(thread), {**ends, "limit": 2}).json()

    assert [m["id"] for m in whole["results"]] == [str(m.pk) for m in messages[3:6]]
    assert (whole["earlier"], whole["later"]) == (True, True)
    assert [m["id"] for m in first["results"]] == [str(m.pk) for m in messages[3:5]]


def test_a_page_around_a_message_has_it_in_its_middle(page, anna) -> None:
    thread = make_thread(anna)
    messages = add_turns(thread, 5)

    def around(place: int, limit: int) -> tuple[list[str], bool, bool]:
        asked = {"around": messages[place].pk, "limit": limit}
        body = page.get(messages_of(thread), asked).json()
        return [m["id"] for m in body["results"]], body["earlier"], body["later"]

    def of(*places: int) -> list[str]:
        return [str(messages[place].pk) for place in places]

    assert around(5, 4) == (of(3, 4, 5, 6), True, True)
    assert around(5, 1) == (of(5), True, True)
    assert around(0, 4) == (of(0, 1), False, True)
    assert around(9, 4) == (of(7, 8, 9), True, False)
    assert around(4, 100) == (of(*range(10)), False, False)


def test_a_hidden_hit_is_shown_by_its_place(page, anna) -> None:
    thread = make_thread(anna)
    question, hidden = add_turns(thread, 1)
    Message.objects.filter(pk=hidden.pk).update(is_shown=False)
    shown = Message.objects.create(
        thread=thread, parent=question, depth=1, role="assistant", status="complete"
    )

    found = page.get(messages_of(thread), {"around": hidden.pk, "limit": 1})

    assert ids(found) == [str(shown.pk)]


def test_a_page_tells_the_position_as_of_which_it_is_true(page, anna) -> None:
    thread = make_thread(anna)
    Thread.objects.filter(pk=thread.pk).update(position=41)

    body = page.get(messages_of(thread)).json()

    assert (body["epoch"], body["position"]) == (thread.epoch, 41)


# Saying something


def test_a_message_starts_a_run_and_its_repetition_none(page, anna, recorded) -> None:
    body = {"id": "c-1", "assistant": "test", "text": "say Hello."}

    first, second = (ask(page, "post", "messages/", body) for _ in range(2))

    assert first.status_code == second.status_code == 202
    assert first.json() == second.json()
    run = Run.objects.get()
    assert first.json() == {
        "id": "c-1",
        "thread": str(run.thread_id),
        "run": str(run.pk),
        "message": str(run.prompt_id),
    }
    assert run.thread.owner_key == f"u:{anna.pk}"


def test_a_message_in_a_thread_whose_answer_is_written_waits(page, recorded) -> None:
    first = ask(
        page, "post", "messages/", {"id": "1", "assistant": "test", "text": "say Hi."}
    )

    again = ask(
        page,
        "post",
        f"threads/{first.json()['thread']}/messages/",
        {"id": "2", "text": "say And?"},
    )

    assert (again.status_code, again.json()["code"]) == (409, "run_conflict")
    assert Run.objects.count() == 1


def test_an_id_is_for_one_message_only(page, recorded) -> None:
    body = {"id": "1", "assistant": "test", "text": "say Hi."}
    ask(page, "post", "messages/", body)

    other = ask(page, "post", "messages/", {**body, "text": "say Bye."})

    assert (other.status_code, other.json()["code"]) == (409, "command_conflict")


@pytest.mark.parametrize(
    "body",
    [
        {"text": "say Hi."},
        {"id": "", "text": "say Hi."},
        {"id": "1"},
        {"id": "1", "text": "  "},
        {"id": "1", "text": "x" * 40_000},
        {"id": "1", "text": 5},
        {"id": "1", "text": "x", "thread": str(uuid4())},
        {"id": "1", "text": "x", "attachments": ["x"]},
        {"id": "1", "text": "x", "page": []},
        {"id": "x" * 65, "text": "x"},
    ],
)
def test_a_message_that_is_none_starts_nothing(page, anna, recorded, body) -> None:
    thread = make_thread(anna, assistant="test")

    answer = ask(page, "post", f"threads/{thread.pk}/messages/", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")
    assert not Run.objects.exists()
    assert not Message.objects.exists()


def test_who_is_nobody_can_say_nothing(client) -> None:
    body = {"id": "1", "assistant": "test", "text": "say Hi."}

    answer = ask(client, "post", "messages/", body)

    assert (answer.status_code, answer.json()["code"]) == (403, "no_viewer")
    assert not Thread.objects.exists()


# Branches


def test_another_answer_stands_beside_the_first(page, anna, recorded) -> None:
    thread = make_thread(anna, assistant="test")
    question, answer = add_turns(thread, 1)
    path = f"threads/{thread.pk}/messages/{answer.pk}/"

    made = ask(page, "post", f"{path}regenerate/", {"id": "1"})

    assert made.status_code == 202
    run = Run.objects.get(pk=made.json()["run"])
    assert run.prompt_id == question.pk
    siblings = page.get(f"/chatkit/api/{path}siblings/")
    assert ids(siblings) == [str(answer.pk), str(run.answer_id)]


def test_another_question_stands_beside_the_first_and_the_first_comes_back(
    page, anna, recorded
) -> None:
    thread = make_thread(anna, assistant="test")
    question, _answer = add_turns(thread, 1)
    path = f"threads/{thread.pk}/messages/{question.pk}/"

    made = ask(page, "post", f"{path}edit/", {"id": "1", "text": "say Bye."})

    assert made.status_code == 202
    new = made.json()["message"]
    assert ids(page.get(f"/chatkit/api/{path}siblings/")) == [str(question.pk), new]
    run = made.json()["run"]
    ask(page, "post", f"runs/{run}/cancel/", {"id": "2"})
    shown = ask(page, "post", f"{path}show/", {"id": "3"})
    assert shown.status_code == 202
    assert ids(page.get(messages_of(thread)))[0] == str(question.pk)


def test_a_message_without_siblings_is_told_alone(page, anna) -> None:
    thread = make_thread(anna)
    question, _ = add_turns(thread, 1)

    path = f"{messages_of(thread)}{question.pk}/siblings/"

    assert ids(page.get(path)) == [str(question.pk)]


@pytest.mark.parametrize("verb", ["regenerate", "edit", "show"])
def test_a_branch_in_a_thread_of_others_is_as_good_as_missing(
    page, berta, verb
) -> None:
    thread = make_thread(berta)
    question, _ = add_turns(thread, 1)

    answer = ask(
        page,
        "post",
        f"threads/{thread.pk}/messages/{question.pk}/{verb}/",
        {"id": "1", "text": "x"} if verb == "edit" else {"id": "1"},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "thread_not_found")
    assert Message.objects.count() == 2
