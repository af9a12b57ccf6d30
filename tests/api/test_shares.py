from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatkit_app.models import Share, Thread
from chatkit_app.threads import shared, sharing
from tests.api.people import API, ask, client_of
from tests.history_rows import make_thread
from tests.shared_threads import SECRET, chain, full_thread, hide

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread(anna):
    found = make_thread(anna, title="A trip")
    chain(found, 1)
    return found


def shares_of(thread) -> str:
    return f"threads/{thread.pk}/shares/"


def make(page, thread, body=None):
    return ask(page, "post", shares_of(thread), {} if body is None else body).json()


def read(token: str, query: str = "", client: Client | None = None):
    return (client or Client()).get(f"{API}shared/{token}/{query}")


def test_a_link_is_made_listed_read_and_revoked(page, thread) -> None:
    made = ask(page, "post", shares_of(thread), {"days": 2})
    assert made.status_code == 201
    told = made.json()
    assert told["url"] == f"/chatkit/shared/{told['token']}/"

    [listed] = ask(page, "get", shares_of(thread)).json()["results"]
    assert listed == {name: told[name] for name in listed}
    assert listed["revokedAt"] is None
    assert set(listed) == {"id", "message", "createdAt", "expiresAt", "revokedAt"}

    assert read(told["token"]).json()["title"] == "A trip"
    for _ in range(2):
        gone = ask(page, "delete", f"{shares_of(thread)}{told['id']}/")
        assert gone.status_code == 204
    assert read(told["token"]).status_code == 404
    [listed] = ask(page, "get", shares_of(thread)).json()["results"]
    assert listed["revokedAt"].endswith("Z")


def test_the_newest_link_is_the_first_of_the_list(page, thread) -> None:
    made = [make(page, thread)["id"] for _ in range(3)]

    listed = ask(page, "get", f"{shares_of(thread)}?page_size=2").json()

    assert [row["id"] for row in listed["results"]] == made[:0:-1]
    assert [row["id"] for row in page.get(listed["next"]).json()["results"]] == made[:1]


def test_what_a_link_shows(page, anna) -> None:
    thread = full_thread(anna)
    told = make(page, thread)

    body = read(told["token"]).json()

    assert {name: body[name] for name in body if name != "messages"} == {
        "title": "A trip",
        "assistant": "shop",
        "createdAt": told["createdAt"],
        "expiresAt": told["expiresAt"],
        "next": None,
    }
    asked, answered, replied = body["messages"]
    assert set(asked) == {"role", "author", "createdAt", "parts"}
    assert asked["parts"] == [
        {"type": "text", "content": "Where to?"},
        {"type": "file", "name": "map.png", "mediaType": "image/png"},
    ]
    assert answered["parts"] == [
        {"type": "tool-call", "name": "find_route", "status": "completed"},
        {"type": "tool-call", "name": "book", "status": "failed"},
        {"type": "text", "content": "To the sea."},
    ]
    assert replied["author"] == {"name": "Sue"}


def test_nothing_of_its_owner_and_no_id_of_ours_is_told(page, anna) -> None:
    anna.first_name = SECRET
    anna.save()
    thread = full_thread(anna)

    text = read(make(page, thread)["token"]).content.decode()

    assert SECRET not in text
    for secret in ("anna", str(thread.pk), f"u:{anna.pk}", "desk.example"):
        assert secret not in text
    for message in thread.messages.all():
        assert str(message.pk) not in text


def test_pages_follow_each_other_by_next(page, anna, monkeypatch) -> None:
    monkeypatch.setattr(shared, "MESSAGES", 4)
    thread = make_thread(anna)
    messages = chain(thread, 5)
    token = make(page, thread)["token"]
    hide(*messages[2:])

    found, answer = [], read(token)
    while True:
        body = answer.json()
        assert len(body["messages"]) <= 4
        found += [each["parts"][0]["content"] for each in body["messages"]]
        if body["next"] is None:
            break
        answer = Client().get(body["next"])

    assert found == [f"{word} {n}" for n in range(5) for word in ("Question", "Answer")]


def test_a_page_costs_as_many_queries_however_much_is_in_it(page, anna) -> None:
    counts = set()
    for turns in (1, 40):
        thread = make_thread(anna)
        chain(thread, turns)
        token = make(page, thread)["token"]
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert read(token).status_code == 200
        counts.add(len(asked))

    assert counts == {4}


def test_a_list_costs_as_many_queries_however_long_it_is(page, thread) -> None:
    counts = set()
    for _ in range(2):
        make(page, thread)
        make(page, thread)
        with CaptureQueriesContext(connection) as asked:
            ask(page, "get", shares_of(thread))
        counts.add(len(asked))

    assert len(counts) == 1


def test_nothing_keeps_what_a_link_shows_nor_finds_it(page, thread) -> None:
    for token, status in ((make(page, thread)["token"], 200), ("x" * 43, 404)):
        answer = read(token)
        assert answer.status_code == status
        told = {word.strip() for word in answer["Cache-Control"].split(",")}
        assert {"private", "no-store"} <= told
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert answer["Referrer-Policy"] == "no-referrer"


def test_reading_a_link_makes_no_session_and_reads_none(page, thread) -> None:
    token = make(page, thread)["token"]
    before = Session.objects.count()
    stranger = Client()

    answer = read(token, client=stranger)

    assert answer.status_code == 200
    assert not stranger.cookies
    assert Session.objects.count() == before
    assert "Cookie" not in answer.get("Vary", "")


def test_dead_links_are_all_answered_the_same(page, thread, anna, settings) -> None:
    def dead(prepare) -> bytes:
        found = make_thread(anna)
        chain(found, 1)
        told = make(page, found)
        prepare(found, told)
        answer = read(told["token"])
        assert answer.status_code == 404
        assert answer.json()["code"] == "share_not_found"
        return answer.content

    late = timezone.now() - timedelta(seconds=1)
    reasons = {
        dead(
            lambda _, told: Share.objects.filter(pk=told["id"]).update(expires_at=late)
        ),
        dead(lambda at, told: ask(page, "delete", f"{shares_of(at)}{told['id']}/")),
        dead(lambda at, _: ask(page, "delete", f"threads/{at.pk}/")),
        dead(lambda at, _: Thread.objects.filter(pk=at.pk).delete()),
        dead(lambda _, told: Share.objects.filter(pk=told["id"]).delete()),
        read("x" * 43).content,
        read("x" * 5000).content,
        read("%00").content,
        read("%F0%9F%98%80").content,
    }
    token = make(page, thread)["token"]
    settings.CHATKIT_SHARING = False
    reasons.add(read(token).content)

    assert len(reasons) == 1


def test_a_restored_thread_is_read_by_its_links_again(page, thread) -> None:
    token = make(page, thread)["token"]
    ask(page, "delete", f"threads/{thread.pk}/")
    assert read(token).status_code == 404

    ask(page, "post", f"threads/{thread.pk}/restore/", {})

    assert read(token).status_code == 200


def test_where_sharing_is_off_none_is_made_but_old_ones_can_be_revoked(
    page, thread, settings
) -> None:
    told = make(page, thread)
    settings.CHATKIT_SHARING = False

    refused = ask(page, "post", shares_of(thread), {})

    assert (refused.status_code, refused.json()["code"]) == (403, "sharing_off")
    assert Share.objects.count() == 1
    assert ask(page, "get", shares_of(thread)).status_code == 200
    gone = ask(page, "delete", f"{shares_of(thread)}{told['id']}/")
    assert gone.status_code == 204


@pytest.mark.parametrize(
    "text",
    [
        *('{"days": 0}', '{"days": -1}', '{"days": 1e9}', '{"days": 30.01}'),
        *('{"days": NaN}', '{"days": Infinity}', '{"days": 1e999}', '{"days": "x"}'),
        *('{"days": "7"}', '{"days": true}', '{"days": [7]}', '{"days": {}}'),
        *('{"more": 1}', '{"days": 1, "more": 1}', "[]", "7", "{"),
    ],
)
def test_what_is_no_wish_for_a_link_is_refused_and_changes_nothing(
    page, thread, text
) -> None:
    refused = page.post(
        f"{API}{shares_of(thread)}", text, content_type="application/json"
    )

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_command")
    assert not Share.objects.exists()


@pytest.mark.parametrize(
    "body", [None, {}, {"days": None}, {"days": 0.5}, {"days": 30}]
)
def test_what_is_one_makes_a_link(page, thread, body) -> None:
    assert ask(page, "post", shares_of(thread), body).status_code == 201


def test_ids_that_are_none_and_shares_of_other_threads_are_refused(
    page, anna, berta, thread
) -> None:
    row = make(page, thread)
    other = make_thread(anna)
    theirs = client_of(berta)
    for client, address, status, code in (
        (page, f"{shares_of(thread)}x/", 400, "invalid_command"),
        (page, "threads/x/shares/", 404, None),
        (page, f"{shares_of(thread)}{uuid4()}/", 404, "share_not_found"),
        (page, f"{shares_of(other)}{row['id']}/", 404, "share_not_found"),
        (page, f"threads/{uuid4()}/shares/{row['id']}/", 404, "thread_not_found"),
        (theirs, f"{shares_of(thread)}{row['id']}/", 404, "thread_not_found"),
    ):
        if code is None:
            continue
        refused = ask(client, "delete", address)
        assert (refused.status_code, refused.json()["code"]) == (status, code), address
    for method in ("get", "post"):
        assert ask(theirs, method, shares_of(thread)).status_code == 404
        bad = ask(page, method, "threads/x/shares/")
        assert (bad.status_code, bad.json()["code"]) == (400, "invalid_command")
    assert Share.objects.get().revoked_at is None


@pytest.mark.parametrize(
    "query",
    [
        *("start=x", "start=-1", "start=1.5", "start=1e3", "start=%D9%A3", "start=%00"),
        *("start=1000000000", f"start={'9' * 900}", f"start={'0' * 30}{'9' * 60}"),
        *("start=1&start=2", "more=1", "start= 1"),
    ],
)
def test_a_place_that_is_none_is_refused(page, thread, query) -> None:
    refused = read(make(page, thread)["token"], f"?{query}")

    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_command")


def test_a_place_beyond_the_end_has_nothing(page, thread) -> None:
    body = read(make(page, thread)["token"], "?start=999999999").json()

    assert (body["messages"], body["next"]) == ([], None)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_whoever_has_a_link_only_reads(page, thread, method) -> None:
    token = make(page, thread)["token"]

    refused = ask(Client(), method, f"shared/{token}/")

    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed")


def test_a_thread_has_so_many_links_and_no_more(page, thread) -> None:
    for _ in range(sharing.LIVE_SHARES):
        make(page, thread)

    refused = ask(page, "post", shares_of(thread), {})

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_shares")
    assert Share.objects.count() == sharing.LIVE_SHARES


def test_an_empty_thread_has_nothing_to_share(page, anna) -> None:
    refused = ask(page, "post", shares_of(make_thread(anna)), {})

    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_share")


def test_without_csrf_no_link_is_made_or_revoked(anna, page, thread) -> None:
    row = make(page, thread)
    foreign = client_of(anna, enforce_csrf_checks=True)

    assert ask(foreign, "post", shares_of(thread), {}).status_code == 403
    gone = ask(foreign, "delete", f"{shares_of(thread)}{row['id']}/")
    assert gone.status_code == 403
    assert Share.objects.get().revoked_at is None


def test_links_are_read_so_often_and_no_more_from_one_address(
    page, thread, settings
) -> None:
    token = make(page, thread)["token"]
    settings.CHATKIT_THROTTLES = {"shared": "2/day"}

    answers = [read(token) for _ in range(3)]
    elsewhere = Client(REMOTE_ADDR="192.0.2.7")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "throttled"
    assert read(token, client=elsewhere).status_code == 200
    assert ask(page, "get", shares_of(thread)).status_code == 200


def test_what_logs_in_by_a_broken_header_reads_all_the_same(page, thread) -> None:
    token = make(page, thread)["token"]

    answer = Client().get(
        f"{API}shared/{token}/", headers={"authorization": "Basic nonsense"}
    )

    assert answer.status_code == 200


def test_the_token_is_told_once(page, thread) -> None:
    token = make(page, thread)["token"]

    listed = json.dumps(ask(page, "get", shares_of(thread)).json())

    assert token not in listed
    assert Share.objects.get().token_hash not in listed


def test_only_those_that_are_good_can_be_asked_for(page, thread) -> None:
    gone, good = make(page, thread)["id"], make(page, thread)["id"]
    old = make(page, thread)["id"]
    ask(page, "delete", f"{shares_of(thread)}{gone}/")
    Share.objects.filter(pk=old).update(expires_at=timezone.now())

    found = {
        live: {
            row["id"]
            for row in ask(page, "get", f"{shares_of(thread)}?live={live}").json()[
                "results"
            ]
        }
        for live in ("true", "false")
    }

    assert found == {"true": {good}, "false": {gone, old}}


def test_a_site_that_sets_no_end_has_a_schema_all_the_same(settings) -> None:
    settings.CHATKIT_SHARE_DAYS = float("inf")

    assert Client().get("/chatkit/api/schema/?format=json").status_code == 200
