"""My threads: listing, searching and filtering them, and what one does with a thread."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from chatkit_app.models import Event, Message, Run, Thread
from tests.api.people import THREADS, ask, client_of, ids, walk
from tests.history_rows import NOON, Turn, add_turn, add_turns, make_thread

pytestmark = pytest.mark.django_db


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
        "unread": False,
        "pinned": False,
        "metadata": {},
        "run": None,
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
    assert len(ids(page.get(THREADS, {"page_size": 100}))) == 100
    assert page.get(THREADS, {"page_size": 101}).status_code == 400


def test_the_next_page_keeps_the_other_parameters(page, anna) -> None:
    for number in range(3):
        make_thread(anna, at=NOON + timedelta(minutes=number))
        make_thread(anna, at=NOON + timedelta(minutes=number), assistant="office")

    found = walk(page, f"{THREADS}?assistant=office&page_size=1", "next")

    assert len(found) == 3


def test_a_deleted_thread_is_missing(page, anna) -> None:
    thread = make_thread(anna)
    Thread.objects.update(deleted_at=NOON)

    assert ids(page.get(THREADS)) == []
    assert page.get(f"{THREADS}{thread.pk}/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "assistant=%00",
        "page_size=0",
        "page_size=-1",
        "page_size=many",
        "page_size=%C2%B2",  # a superscript two: a digit, and no number
        "page_size=" + "9" * 5000,
        "page_size=1&page_size=2",
        "page_size=1000000",
        "page_size=",
        "cursor=",
        "run=",
        "colour=green",
        "status=deleted",
        "status=open,deleted",
        "status=open,",
        "status=open%20,locked",
        "status=open,open,open,open",
        "run=sleeping",
        "unread=yes",
        "pinned=yes",
        "created_after=yesterday",
        "created_before=2026-02-31",
        "active_after=0001-01-01T00:00:00%2B14:00",
        "search=" + "a" * 5000,
    ],
)
def test_a_list_asked_for_wrongly_is_refused_with_a_code(page, query) -> None:
    answer = page.get(f"{THREADS}?{query}")

    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_command"
    assert answer.json()["message"]


def test_the_number_of_queries_does_not_grow_with_the_threads(
    page, anna, django_assert_num_queries
) -> None:
    for number in range(60):
        make_thread(anna, at=NOON + timedelta(minutes=number))

    for size in (1, 10, 60):
        with django_assert_num_queries(4):  # session, user, threads, newest runs
            page.get(THREADS, {"page_size": size})


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "%F0%9F%98%80",
        "b2xkZXIuMS4w",
        "older.1772366400000000.00000000000000000000000000000000",
        "older.1.0:AAAA",
        "A" * 900,
    ],
)
def test_a_forged_cursor_is_as_good_as_missing(page, cursor) -> None:
    answer = page.get(f"{THREADS}?cursor={cursor}")

    assert answer.status_code in (400, 404)
    assert answer.json()["code"] in ("cursor_not_found", "invalid_command")


def test_a_cursor_belongs_to_its_list_its_filters_and_its_owner(
    page, anna, berta
) -> None:
    for number in range(3):
        make_thread(anna, at=NOON + timedelta(minutes=number))
        make_thread(berta, at=NOON + timedelta(minutes=number))
    following = page.get(THREADS, {"page_size": 1}).json()["next"]
    cursor = following.split("cursor=")[1].split("&")[0]

    assert page.get(following).status_code == 200
    for client, address in (
        (page, f"{THREADS}?assistant=shop&cursor={cursor}"),
        (page, f"/chatkit/api/runs/?cursor={cursor}"),
        (client_of(berta), following),
    ):
        answer = client.get(address)
        assert answer.status_code == 404
        assert answer.json()["code"] == "cursor_not_found"


# Searching and filtering


def test_a_search_finds_titles_and_what_was_said_shown_or_not(page, anna) -> None:
    titled = make_thread(anna, title="The lost parcel")
    said = make_thread(anna, at=NOON + timedelta(hours=1))
    add_turn(said, "Where is my parcel now?", "On its way.", depth=0)
    hidden = make_thread(anna, at=NOON + timedelta(hours=2))
    _, answer = add_turn(hidden, "Hello", "A parcel came.", depth=0)
    Message.objects.filter(pk=answer.pk).update(is_shown=False, text="A parcel came.")
    make_thread(anna, title="Something else")

    found = page.get(THREADS, {"search": "Parcel"}).json()["results"]

    assert [row["id"] for row in found] == [
        str(hidden.pk),
        str(said.pk),
        str(titled.pk),
    ]
    assert found[0]["hit"] == {
        "message": str(answer.pk),
        "shown": False,
        "excerpt": "A parcel came.",
    }
    assert found[1]["hit"]["excerpt"] == "Where is my parcel now?"
    assert found[2]["hit"] is None


def test_a_search_never_finds_what_others_have_said(page, berta) -> None:
    add_turn(make_thread(berta, title="parcel"), "parcel", "parcel", depth=0)

    assert ids(page.get(THREADS, {"search": "parcel"})) == []


def test_the_signs_of_a_search_are_only_signs(page, anna) -> None:
    add_turn(make_thread(anna), "100 % sure", "Yes", depth=0)

    for words in ("%", "_", "'", "\\", "' | 'x", "!!!", "a & b", ":*", "(", '"'):
        answer = page.get(THREADS, {"search": words})
        assert answer.status_code == 200
    assert ids(page.get(THREADS, {"search": "1_0"})) == []


def test_a_search_takes_a_constant_number_of_queries(
    page, anna, django_assert_num_queries
) -> None:
    for number in range(12):
        thread = make_thread(anna, at=NOON + timedelta(minutes=number))
        add_turns(thread, 1 + number % 3)

    for size in (1, 10):
        # session, user, threads, newest runs, hits
        with django_assert_num_queries(5):
            page.get(THREADS, {"search": "question", "page_size": size})


def test_the_list_can_be_narrowed_by_what_threads_are(page, anna) -> None:
    archived = make_thread(anna, title="archived")
    Thread.objects.filter(pk=archived.pk).update(status="archived")
    locked = make_thread(anna, title="locked")
    Thread.objects.filter(pk=locked.pk).update(status="locked")
    failed = make_thread(anna, title="failed")
    Turn.begin(failed, "Hi", depth=0).end("failed", error_code="provider_error")
    unread = make_thread(anna, title="unread", at=NOON + timedelta(days=1))
    Thread.objects.filter(pk=unread.pk).update(answered_at=NOON)

    def titles(**query: str) -> set[str]:
        found = page.get(THREADS, query).json()["results"]
        return {row["title"] for row in found}

    assert titles(status="archived") == {"archived"}
    assert titles(status="open") == {"failed", "unread"}
    assert titles(status="locked") == {"locked"}
    assert titles(status="open,locked") == {"failed", "unread", "locked"}
    assert titles(status="archived,open,locked") == titles()
    assert titles(run="failed") == {"failed"}
    assert titles(unread="true") == {"unread"}
    assert titles(unread="false") == {"archived", "failed", "locked"}
    assert titles(active_after="2026-03-02T12:00:00Z") == {"unread"}
    assert titles(active_before="2026-03-02T12:00:00") == {
        "archived",
        "failed",
        "locked",
    }
    assert titles(created_after="2026-03-01T00:00:00+02:00") == {
        "archived",
        "locked",
        "failed",
        "unread",
    }
    assert titles(created_before="2026-03-01T00:00:00Z") == set()


def test_a_thread_tells_its_newest_run(page, anna) -> None:
    thread = make_thread(anna)
    add_turn(thread, "Hi", "Hello", depth=0)
    turn = Turn.begin(thread, "And?", depth=2)
    turn.end("failed", error_code="provider_error")

    told = page.get(f"{THREADS}{thread.pk}/").json()["run"]

    assert told == {
        "id": str(turn.run.pk),
        "status": "failed",
        "errorCode": "provider_error",
    }


# Making, changing, deleting


def test_a_thread_is_made_empty_and_is_the_viewers(page, anna) -> None:
    made = ask(
        page,
        "post",
        "threads/",
        {"assistant": "test", "title": "Mine", "metadata": {"page": 3}},
    )

    assert made.status_code == 201
    thread = Thread.objects.get()
    assert made.json()["id"] == str(thread.pk)
    assert (thread.owner_key, thread.title_source) == (f"u:{anna.pk}", "person")
    assert made.json()["metadata"] == {"page": 3}


def test_an_external_id_makes_a_thread_once(page) -> None:
    body = {"assistant": "test", "externalId": "order-1042"}

    first, second = (ask(page, "post", "threads/", body) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]


def test_a_thread_of_no_assistant_is_not_made(page) -> None:
    answer = ask(page, "post", "threads/", {"assistant": "nobody"})

    assert (answer.status_code, answer.json()["code"]) == (404, "assistant_not_found")
    assert not Thread.objects.exists()


def test_a_new_title_is_a_persons_and_is_told_to_whoever_watches(page, anna) -> None:
    thread = make_thread(anna)

    answer = ask(page, "patch", f"threads/{thread.pk}/", {"title": "<b>Order</b>"})

    assert answer.json()["title"] == "<b>Order</b>"
    thread.refresh_from_db()
    assert thread.title_source == "person"
    event = Event.objects.get(thread=thread)
    assert (event.type, '"title":"<b>Order</b>"' in event.data) == (
        "thread.changed",
        True,
    )


def test_a_thread_goes_into_the_archive_and_comes_back(page, anna) -> None:
    thread = make_thread(anna)

    for state in ("archived", "open"):
        answer = ask(page, "patch", f"threads/{thread.pk}/", {"status": state})
        assert answer.json()["status"] == state


def test_a_thread_is_pinned_until_it_is_unpinned_and_its_activity_stays(
    page, anna
) -> None:
    thread = make_thread(anna)

    for pinned in (True, False):
        answer = ask(page, "patch", f"threads/{thread.pk}/", {"pinned": pinned})
        told = answer.json()
        assert told["pinned"] is pinned
        assert told["lastActivityAt"] == "2026-03-01T12:00:00Z"
    assert not Event.objects.exists()


def test_a_pin_outlasts_the_archive_and_a_deletion(page, anna) -> None:
    thread = make_thread(anna)
    path = f"threads/{thread.pk}/"
    ask(page, "patch", path, {"pinned": True})

    ask(page, "patch", path, {"status": "archived", "title": "Put away"})
    ask(page, "delete", path)

    restored = ask(page, "post", f"{path}restore/").json()
    assert (restored["pinned"], restored["status"]) == (True, "archived")


def test_the_list_can_be_of_the_pinned_or_of_the_others(page, anna) -> None:
    pinned, other = make_thread(anna), make_thread(anna)
    Thread.objects.filter(pk=pinned.pk).update(pinned_at=NOON)

    assert ids(page.get(THREADS, {"pinned": "true"})) == [str(pinned.pk)]
    assert ids(page.get(THREADS, {"pinned": "false"})) == [str(other.pk)]


@pytest.mark.parametrize("pinned", ["yes", 1, [], {}])
def test_what_is_no_pin_pins_nothing(page, anna, pinned) -> None:
    thread = make_thread(anna)

    answer = ask(page, "patch", f"threads/{thread.pk}/", {"pinned": pinned})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")
    assert Thread.objects.get().pinned_at is None


def test_the_pinned_are_found_by_an_index(anna) -> None:
    for _ in range(3):
        make_thread(anna)
    mine = Thread.objects.filter(
        tenant="", owner_key=f"u:{anna.pk}", deleted_at=None, pinned_at__isnull=False
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # there are too few rows
            cursor.execute("SET LOCAL enable_sort = off")

    plan = mine.order_by("-last_activity_at", "-id")[:21].explain()

    assert "chatkit_thread_pinned" in plan
    assert "SORT" not in plan.upper().replace("CHATKIT", "")


def test_a_deleted_thread_is_missing_everywhere_until_it_is_restored(
    page, anna, settings
) -> None:
    thread = make_thread(anna)
    message, _ = add_turns(thread, 1)
    path = f"threads/{thread.pk}/"

    gone = ask(page, "delete", path)

    assert gone.status_code == 200
    assert gone.json()["id"] == str(thread.pk)
    assert gone.json()["undoUntil"].endswith("Z")
    for method, tail, body in (
        ("get", "", None),
        ("patch", "", {"title": "x"}),
        ("delete", "", None),
        ("post", "read/", {}),
        ("get", "messages/", None),
        ("post", "messages/", {"id": "1", "text": "Hi"}),
        ("get", f"messages/{message.pk}/siblings/", None),
        ("post", f"messages/{message.pk}/show/", {"id": "2"}),
    ):
        answer = ask(page, method, path + tail, body)
        assert answer.status_code == 404, tail
        assert answer.json()["code"] == "thread_not_found"
    assert ids(page.get(THREADS)) == []
    assert ids(page.get("/chatkit/api/runs/")) == []
    assert ask(page, "post", f"{path}restore/", {}).json()["id"] == str(thread.pk)
    assert ids(page.get(THREADS)) == [str(thread.pk)]


def test_a_deletion_can_be_taken_back_for_a_while_only(page, anna) -> None:
    thread = make_thread(anna)
    Thread.objects.update(deleted_at=timezone.now() - timedelta(minutes=5))

    answer = ask(page, "post", f"threads/{thread.pk}/restore/")

    assert (answer.status_code, answer.json()["code"]) == (404, "thread_not_found")


def test_a_thread_is_unread_until_its_owner_has_seen_the_answer(page, anna) -> None:
    thread = make_thread(anna)
    Thread.objects.update(answered_at=timezone.now() + timedelta(seconds=3))
    assert page.get(f"{THREADS}{thread.pk}/").json()["unread"] is True

    answer = ask(page, "post", f"threads/{thread.pk}/read/")

    assert answer.json()["unread"] is False


@pytest.mark.parametrize(
    ("method", "tail"),
    [("patch", ""), ("delete", ""), ("post", "restore/"), ("post", "read/")],
)
def test_what_others_do_to_a_thread_of_mine_does_nothing(
    anna, berta, method, tail
) -> None:
    thread = make_thread(anna, title="Mine")
    before = Thread.objects.values().get()

    for other in (client_of(berta), client_of(uuid4())):
        answer = ask(other, method, f"threads/{thread.pk}/{tail}", {})
        assert (answer.status_code, answer.json()["code"]) == (404, "thread_not_found")
    assert {**Thread.objects.values().get(), "position": 0} == {**before, "position": 0}


@pytest.mark.parametrize("owner", ["user", "visitor"])
def test_a_change_without_the_csrf_token_is_refused(anna, owner) -> None:
    mine = anna if owner == "user" else uuid4()
    thread = make_thread(mine, title="Mine")
    browser = client_of(mine, enforce_csrf_checks=True)

    for method, path, body in (
        ("post", "threads/", {"assistant": "test"}),
        ("patch", f"threads/{thread.pk}/", {"title": "Theirs"}),
        ("delete", f"threads/{thread.pk}/", None),
        ("post", f"threads/{thread.pk}/read/", {}),
        ("post", f"threads/{thread.pk}/messages/", {"id": "1", "text": "say Hi."}),
        ("post", "messages/", {"id": "2", "assistant": "test", "text": "say Hi."}),
    ):
        answer = ask(browser, method, path, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert [t.title for t in Thread.objects.filter(deleted_at=None)] == ["Mine"]
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"title": "x" * 201},
        {"title": 5},
        {"title": "a\u0000b"},
        {"status": "locked"},
        {"status": "deleted"},
        {"metadata": []},
        {"metadata": {"a": {"b": 1}}},
        {"metadata": {"a": 2**60}},
        {"metadata": {str(n): n for n in range(51)}},
        {"owner": "u:1"},
        [],
        "text",
    ],
)
def test_a_change_that_is_none_changes_nothing(page, anna, body) -> None:
    thread = make_thread(anna, title="Mine")

    answer = ask(page, "patch", f"threads/{thread.pk}/", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")
    thread.refresh_from_db()
    assert (thread.title, thread.status, thread.metadata) == ("Mine", "open", {})


def test_the_sites_lock_is_not_the_owners_to_open(page, anna) -> None:
    thread = make_thread(anna)
    Thread.objects.update(status="locked")

    answer = ask(page, "patch", f"threads/{thread.pk}/", {"status": "open"})

    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    thread.refresh_from_db()
    assert thread.status == "locked"
