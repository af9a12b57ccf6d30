from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import chatkit_app
from chatkit_app.access import VISITOR_KEY
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Message, Share, Thread
from chatkit_app.threads import shared, sharing
from tests.history_rows import make_thread
from tests.shared_threads import SECRET, chain, full_thread, hide

pytestmark = pytest.mark.django_db

VISITOR = "/chatkit/visitor/"


def test_whoever_opens_the_chat_becomes_a_visitor_and_stays_the_same(client) -> None:
    first = client.post(VISITOR)
    again = client.post(VISITOR)
    visitor = client.session[VISITOR_KEY]

    assert first.status_code == 200
    assert first.json() == {"viewer": f"v:{UUID(visitor)}"}
    assert again.json() == first.json()


def test_a_page_that_is_only_looked_at_makes_no_visitor(client) -> None:
    client.get("/")

    assert VISITOR_KEY not in client.session


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_no_other_method_makes_a_visitor(client, method) -> None:
    answer = getattr(client, method)(VISITOR)

    assert answer.status_code == 405
    assert "sessionid" not in client.cookies


def test_a_user_is_told_who_they_are_and_gets_no_visitor(client) -> None:
    ann = get_user_model().objects.create_user("ann")
    client.force_login(ann)

    assert client.post(VISITOR).json() == {"viewer": f"u:{ann.pk}"}
    assert VISITOR_KEY not in client.session


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_answer_is_kept_by_a_cache(client, method) -> None:
    told = getattr(client, method)(VISITOR)["Cache-Control"]

    assert {"no-store", "private"} <= {word.strip() for word in told.split(",")}


def test_the_cookie_comes_with_the_visitor_and_needs_no_csrf_token() -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(VISITOR)

    assert answer.status_code == 200
    assert answer.cookies["sessionid"]["httponly"]


def test_two_browsers_are_two_visitors() -> None:
    answers = {Client().post(VISITOR).json()["viewer"] for _ in range(2)}

    assert len(answers) == 2


@pytest.mark.parametrize("broken", ["", "no uuid", 7, ["a"]])
def test_a_session_with_a_broken_visitor_gets_a_new_one(client, broken) -> None:
    session = client.session
    session[VISITOR_KEY] = broken
    session.save()
    client.cookies["sessionid"] = session.session_key
    viewer = client.post(VISITOR).json()["viewer"]

    assert UUID(viewer.removeprefix("v:"))
    assert client.post(VISITOR).json()["viewer"] == viewer


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_foreign_page_makes_no_visitor(client, headers) -> None:
    answer = client.post(VISITOR, headers=headers)

    assert answer.status_code == 403
    assert "sessionid" not in client.cookies


def test_a_page_of_our_own_makes_one(client) -> None:
    assert (
        client.post(VISITOR, headers={"origin": "http://testserver"}).status_code == 200
    )


# The page of a shared thread


@pytest.fixture
def ann():
    return get_user_model().objects.create_user("ann", first_name=SECRET)


def address(thread: Thread) -> str:
    _row, token = sharing.share(Viewer(user=thread.user), thread.pk)
    return f"/chatkit/shared/{token}/"


def opened(url: str, **headers: str) -> str:
    answer = Client().get(url, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


class Words(HTMLParser):
    """The texts that a page says, piece by piece."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.said.append(data)


def test_a_shared_thread_is_read_without_javascript(ann) -> None:
    html = opened(address(full_thread(ann)))

    said = Words(html).said
    for text in ("A trip", "Where to?", "map.png", "find_route", "To the sea.", "Sue"):
        assert text in said
    assert "A shared, read-only copy of a chat." in " ".join(said)
    assert SECRET not in html


def test_the_page_tells_of_when_it_is_and_until_when_it_can_be_read(ann) -> None:
    html = opened(address(full_thread(ann)))

    share = Share.objects.get()
    for moment in (share.created_at, share.expires_at):
        told = timezone.localtime(moment).isoformat()
        assert f'datetime="{told}"' in html


def test_line_breaks_stay_and_nothing_that_was_said_is_html(ann) -> None:
    thread = make_thread(ann, title="<b>Title</b>")
    messages = chain(thread, 1)
    text = "one\n\n  two <script>alert(1)</script> & {{ 7|add:7 }}"
    messages[0].parts.update(text=text)

    html = opened(address(thread))

    assert text in Words(html).said
    assert "<script>alert" not in html
    assert "<b>Title" not in html


def test_the_page_needs_no_exception_from_a_strict_policy(ann) -> None:
    html = opened(address(full_thread(ann)))

    assert re.findall(r"<[^>]* style=", html) == []
    assert re.findall(r"<[^>]* on[a-z]+=", html) == []
    assert "<style" not in html
    scripts = re.findall(r"<script([^>]*)>", html)
    assert all("src=" in each or "application/json" in each for each in scripts)


def test_no_page_of_a_link_is_kept_or_found_and_none_tells_its_address(ann) -> None:
    alive = address(full_thread(ann))

    for url, status in ((alive, 200), (f"/chatkit/shared/{'x' * 43}/", 404)):
        answer = Client().get(url)
        assert answer.status_code == status
        told = {word.strip() for word in answer["Cache-Control"].split(",")}
        assert {"private", "no-store"} <= told
        assert answer["X-Robots-Tag"] == "noindex, nofollow"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Content-Type"].startswith("text/html")
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")


def test_opening_a_link_makes_no_session(ann) -> None:
    url = address(full_thread(ann))
    before = Session.objects.count()

    opened(url)

    assert Session.objects.count() == before


def test_pages_follow_each_other_by_a_plain_link(ann, monkeypatch) -> None:
    monkeypatch.setattr(shared, "MESSAGES", 4)
    thread = make_thread(ann)
    messages = chain(thread, 3)
    url = address(thread)
    hide(*messages[1:])

    first = opened(url)
    [following] = re.findall(r'<a rel="next" href="([^"]+)"', first)
    second = opened(url + following)

    assert "Question 1" in first
    assert "Question 2" not in first
    assert "Question 2" in second
    assert 'rel="next"' not in second


def test_a_page_of_a_shared_thread_costs_as_many_queries_whatever_is_in_it(ann) -> None:
    counts = set()
    for turns in (1, 30):
        thread = make_thread(ann)
        chain(thread, turns)
        url = address(thread)
        with CaptureQueriesContext(connection) as asked:
            opened(url)
        counts.add(len(asked))

    assert counts == {4}


def test_dead_links_lead_to_the_same_page(ann, settings) -> None:
    pages = set()

    def look(url: str) -> None:
        answer = Client().get(url)
        assert answer.status_code == 404
        pages.add(answer.content)

    thread = make_thread(ann)
    chain(thread, 1)
    url = address(thread)
    for reason in (
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {
            "expires_at": timezone.now() + timedelta(days=1),
            "revoked_at": timezone.now(),
        },
    ):
        Share.objects.update(**reason)
        look(url)
    Share.objects.update(revoked_at=None)
    assert Client().get(url).status_code == 200
    Thread.objects.update(deleted_at=timezone.now())
    look(url)
    Thread.objects.update(deleted_at=None)
    settings.CHATKIT_SHARING = False
    look(url)
    settings.CHATKIT_SHARING = True
    for token in ("x" * 43, "x" * 5000, "%00", "%F0%9F%98%80", "%ff"):
        look(f"/chatkit/shared/{token}/")
    look(f"{url}?start=-1")
    look(f"{url}?start={'9' * 900}")
    look(f"{url}?start={'1' * 4400}")  # more digits than Python reads

    assert len(pages) == 1


def test_the_page_speaks_the_language_of_who_looks(ann) -> None:
    url = address(full_thread(ann))

    german = opened(url, **{"accept-language": "de"})
    gone = Client().get("/chatkit/shared/x/", headers={"accept-language": "de"})

    assert '<html lang="de">' in german
    assert "Eine geteilte Kopie eines Chats, nur zum Lesen." in german
    assert "Dieser Link führt ins Leere" in gone.content.decode()


def test_who_looks_too_often_is_told_to_wait(ann, settings) -> None:
    settings.CHATKIT_THROTTLES = {"shared": "1/day"}
    url = address(full_thread(ann))
    opened(url)

    answer = Client().get(url)

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert "To the sea." not in answer.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_link_takes_nothing(ann, method) -> None:
    url = address(full_thread(ann))

    assert getattr(Client(), method)(url).status_code == 405


def test_an_assistant_that_is_no_more_is_read_all_the_same(ann) -> None:
    thread = full_thread(ann)
    Thread.objects.update(assistant="gone")

    assert "To the sea." in opened(address(thread))


def test_a_message_without_words_leaves_no_empty_place(ann) -> None:
    thread = full_thread(ann)
    url = address(thread)
    Message.objects.get(thread=thread, depth=1).parts.all().delete()

    assert opened(url).count("<article") == 2


def test_the_page_has_the_colours_of_the_element() -> None:
    static = Path(chatkit_app.__file__).parent / "static" / "chatkit_app"
    value = re.compile(r"^  (--_[\w-]+): ([^;]+);", re.MULTILINE)
    element = dict(value.findall((static / "element-base.css").read_text()))
    page = dict(value.findall((static / "shared.css").read_text()))

    assert page
    assert page.items() <= element.items()
