from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import AdminRenderer
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView

from chatkit_app.access import VISITOR_KEY
from chatkit_app.models import Message, Thread
from tests.history_rows import NOON, Turn, add_turns, make_thread

pytestmark = pytest.mark.django_db

THREADS = "/chatkit/api/threads/"


def messages_of(thread: Thread) -> str:
    return f"{THREADS}{thread.pk}/messages/"


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna", password="a")


@pytest.fixture
def berta():
    return get_user_model().objects.create_user("berta", password="b")


@pytest.fixture
def page(client: Client, anna) -> Client:
    client.force_login(anna)
    return client


def visit(client: Client, visitor: object) -> None:
    session = client.session
    session[VISITOR_KEY] = str(visitor)
    session.save()
    client.cookies["sessionid"] = session.session_key


def ids(answer) -> list[str]:
    return [row["id"] for row in answer.json()["results"]]


def walk(client: Client, url: str | None, direction: str) -> list[str]:
    found: list[str] = []
    while url:
        body = client.get(url).json()
        rows = [row["id"] for row in body["results"]]
        found = found + rows if direction == "next" else rows + found
        url = body[direction]
    return found


def test_a_thread_is_told_in_camel_case_and_utc(page, anna) -> None:
    thread = make_thread(anna, title="Order 1042")

    answer = page.get(f"{THREADS}{thread.pk}/")

    body = answer.json()
    assert body["createdAt"].endswith("Z")
    assert {k: v for k, v in body.items() if k != "createdAt"} == {
        "id": str(thread.pk),
        "assistant": "shop",
        "title": "Order 1042",
        "status": "open",
        "lastActivityAt": "2026-03-01T12:00:00Z",
    }


def test_the_times_of_a_thread_do_not_follow_the_sites_time_zone(page, anna) -> None:
    make_thread(anna)

    with timezone.override("Asia/Tokyo"):
        row = page.get(THREADS).json()["results"][0]

    assert row["lastActivityAt"] == "2026-03-01T12:00:00Z"


def test_my_threads_come_with_the_newest_activity_first(page, anna, berta) -> None:
    older = make_thread(anna)
    newest = make_thread(anna, at=NOON + timedelta(hours=2))
    middle = make_thread(anna, at=NOON + timedelta(hours=1))
    make_thread(berta, at=NOON + timedelta(hours=3))

    answer = page.get(THREADS)

    assert ids(answer) == [str(t.pk) for t in (newest, middle, older)]
    assert answer.json()["next"] is None
    assert answer.json()["previous"] is None


def test_the_list_can_be_of_one_assistant(page, anna) -> None:
    make_thread(anna, assistant="shop")
    other = make_thread(anna, assistant="office")

    assert ids(page.get(THREADS, {"assistant": "office"})) == [str(other.pk)]


def test_pages_of_threads_hold_each_thread_once_in_both_directions(page, anna) -> None:
    # three of each moment: the id breaks the tie
    for number in range(12):
        make_thread(anna, at=NOON + timedelta(minutes=number // 3))
    whole = ids(page.get(THREADS, {"page_size": 100}))

    assert len(whole) == 12
    assert walk(page, f"{THREADS}?page_size=5", "next") == whole
    last = page.get(THREADS, {"page_size": 5}).json()
    while last["next"]:
        last = page.get(last["next"]).json()
    before_the_last = walk(page, last["previous"], "previous")
    assert before_the_last + [row["id"] for row in last["results"]] == whole


def test_a_page_of_threads_has_a_hundred_at_most(page, anna) -> None:
    Thread.objects.bulk_create(
        Thread(
            assistant="shop", user=anna, owner_key=f"u:{anna.pk}", last_activity_at=NOON
        )
        for _ in range(101)
    )

    assert len(ids(page.get(THREADS))) == 20
    assert len(ids(page.get(THREADS, {"page_size": 5000}))) == 100


def test_the_next_page_keeps_the_other_parameters(page, anna) -> None:
    for number in range(3):
        make_thread(anna, at=NOON + timedelta(minutes=number))
        make_thread(anna, at=NOON + timedelta(minutes=number), assistant="office")

    found = walk(page, f"{THREADS}?assistant=office&page_size=1", "next")

    assert len(found) == 3


def test_another_users_thread_is_as_good_as_missing(page, berta) -> None:
    theirs = make_thread(berta)
    add_turns(theirs, 1)

    for tail in ("", "messages/"):
        foreign = page.get(f"{THREADS}{theirs.pk}/{tail}")
        missing = page.get(f"{THREADS}{uuid4()}/{tail}")
        assert foreign.status_code == missing.status_code == 404
        assert foreign.json() == missing.json()
        assert foreign.json()["code"] == "thread_not_found"


def test_a_deleted_thread_is_missing(page, anna) -> None:
    thread = make_thread(anna)
    Thread.objects.update(deleted_at=NOON)

    assert ids(page.get(THREADS)) == []
    assert page.get(f"{THREADS}{thread.pk}/").status_code == 404


def test_a_visitor_sees_the_threads_of_their_session_and_no_others(client) -> None:
    visitor = uuid4()
    mine, theirs = make_thread(visitor), make_thread(uuid4())
    visit(client, visitor)

    assert ids(client.get(THREADS)) == [str(mine.pk)]
    assert client.get(messages_of(mine)).status_code == 200
    assert client.get(messages_of(theirs)).status_code == 404


def test_who_is_nobody_has_no_threads_and_gets_no_session(client, anna) -> None:
    thread = make_thread(anna)

    listed = client.get(THREADS)

    assert (listed.status_code, ids(listed)) == (200, [])
    assert client.get(messages_of(thread)).status_code == 404
    assert not client.cookies


def test_a_rule_of_the_site_for_its_own_api_does_not_lock_visitors_out(
    client, monkeypatch
) -> None:
    # DRF reads its defaults into these when it is imported
    monkeypatch.setattr(APIView, "permission_classes", [IsAdminUser])
    monkeypatch.setattr(APIView, "renderer_classes", [AdminRenderer])
    monkeypatch.setattr(APIView, "versioning_class", NamespaceVersioning)
    visitor = uuid4()
    make_thread(visitor)
    visit(client, visitor)

    assert len(ids(client.get(THREADS))) == 1


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


def test_private_history_is_not_kept_by_any_cache(page, anna) -> None:
    thread = make_thread(anna)

    for url in (THREADS, f"{THREADS}{thread.pk}/", messages_of(thread)):
        assert "no-store" in page.get(url)["Cache-Control"]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=x",
        "cursor=%00",
        "cursor=%F0%9F%98%80",
        "cursor=bmV3ZXIuMS4y",  # newer.1.2
        "cursor=b2xkZXIuOTk5OTk5OTk5OTk5OTk5OTk5OTkuMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAw",
        "cursor=c2lkZXdheXMuMS4wMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDA",
        "cursor=" + "A" * 5000,
        "assistant=%00",
        "page_size=0",
        "page_size=-1",
        "page_size=many",
        "page_size=%C2%B2",  # a superscript two: a digit, and no number
        "page_size=" + "9" * 5000,
    ],
)
def test_a_list_asked_for_wrongly_is_refused_with_a_code(page, query) -> None:
    answer = page.get(f"{THREADS}?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_command"
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "query",
    [
        "before=x",
        "after=%00",
        "before={mine}&after={mine}",
        "before={other}",
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


@pytest.mark.parametrize("text", ["1", "x%00", "%F0%9F%98%80", "0" * 33])
def test_what_is_no_id_is_refused_and_not_looked_up(page, text) -> None:
    for url in (f"{THREADS}{text}/", f"{THREADS}{text}/messages/"):
        answer = page.get(url)
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_command"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_history_can_only_be_read(page, anna, method) -> None:
    thread = make_thread(anna)

    for url in (THREADS, f"{THREADS}{thread.pk}/", messages_of(thread)):
        answer = getattr(page, method)(url)
        assert answer.status_code == 405
        assert answer.json()["code"] == "method_not_allowed"
    assert Thread.objects.count() == 1


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
        with django_assert_num_queries(7):
            # session, user, thread, the message's place, page, is there more, parts
            page.get(messages_of(thread), {"before": message.pk, "limit": 100})


def test_the_number_of_queries_does_not_grow_with_the_threads(
    page, anna, django_assert_num_queries
) -> None:
    for number in range(60):
        make_thread(anna, at=NOON + timedelta(minutes=number))

    for size in (3, 60):
        with django_assert_num_queries(3):  # session, user, threads
            page.get(THREADS, {"page_size": size})


def plan_of(capture, table: str) -> str:
    """How SQLite runs the last query of this table."""
    sql = [q["sql"] for q in capture if f'FROM "{table}"' in q["sql"]][-1]
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
        page.get(following)
    with django_assert_max_num_queries(20) as told:
        page.get(messages_of(thread), {"before": messages[4].pk})

    threads_plan = plan_of(listed, "chatkit_app_thread")
    messages_plan = plan_of(told, "chatkit_app_message")
    assert "chatkit_thread_of_owner" in threads_plan
    assert "last_activity_at<" in threads_plan
    assert "TEMP B-TREE" not in threads_plan
    assert "chatkit_message_shown" in messages_plan
    assert "TEMP B-TREE" not in messages_plan
