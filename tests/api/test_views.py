"""What holds at every address of the API."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from rest_framework.permissions import IsAdminUser
from rest_framework.renderers import AdminRenderer
from rest_framework.versioning import NamespaceVersioning
from rest_framework.views import APIView

from chatkit_app.api import urls
from chatkit_app.engine.viewer import Viewer
from chatkit_app.models import Message
from chatkit_app.threads.sharing import share
from tests.api.people import THREADS, client_of, ids
from tests.history_rows import Turn, add_turns, make_thread

pytestmark = pytest.mark.django_db

JSON = "application/json"


def messages_of(thread) -> str:
    return f"{THREADS}{thread.pk}/messages/"


def test_another_users_thread_is_as_good_as_missing(page, berta) -> None:
    theirs = make_thread(berta)
    add_turns(theirs, 1)

    for tail in ("", "messages/"):
        foreign = page.get(f"{THREADS}{theirs.pk}/{tail}")
        missing = page.get(f"{THREADS}{uuid4()}/{tail}")
        assert foreign.status_code == missing.status_code == 404
        assert foreign.json() == missing.json()
        assert foreign.json()["code"] == "thread_not_found"


def test_a_visitor_sees_the_threads_of_their_session_and_no_others() -> None:
    visitor = uuid4()
    mine, theirs = make_thread(visitor), make_thread(uuid4())
    client = client_of(visitor)

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
    monkeypatch,
) -> None:
    # DRF reads its defaults into these when it is imported
    monkeypatch.setattr(APIView, "permission_classes", [IsAdminUser])
    monkeypatch.setattr(APIView, "renderer_classes", [AdminRenderer])
    monkeypatch.setattr(APIView, "versioning_class", NamespaceVersioning)
    visitor = uuid4()
    make_thread(visitor)
    client = client_of(visitor)

    assert len(ids(client.get(THREADS))) == 1


def test_private_history_is_not_kept_by_any_cache(page, anna) -> None:
    thread = make_thread(anna)

    for url in (THREADS, f"{THREADS}{thread.pk}/", messages_of(thread)):
        assert "no-store" in page.get(url)["Cache-Control"]


@pytest.mark.parametrize("text", ["1", "x%00", "%F0%9F%98%80", "0" * 33])
def test_what_is_no_id_is_refused_and_not_looked_up(page, text) -> None:
    for url in (f"{THREADS}{text}/", f"{THREADS}{text}/messages/"):
        answer = page.get(url)
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_command"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "trace"])
def test_what_an_address_does_not_take_is_refused_before_it_is_read(
    page, anna, method
) -> None:
    thread = make_thread(anna)
    add_turns(thread, 1)

    for path in ("tool-calls/", "runs/", f"threads/{thread.pk}/messages/"):
        if (method, path[-9:]) == ("post", "messages/"):
            continue
        answer = getattr(page, method)(f"/chatkit/api/{path}")
        assert (answer.status_code, answer.json()["code"]) == (
            405,
            "method_not_allowed",
        )
    assert Message.objects.count() == 2


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", "{}"),
        ("application/x-www-form-urlencoded", "title=x"),
        ("multipart/form-data; boundary=x", "--x--"),
        ("application/xml", "<a/>"),
    ],
)
def test_a_body_of_another_type_is_refused(page, anna, kind, body) -> None:
    thread = make_thread(anna, title="Mine")

    answer = page.patch(f"{THREADS}{thread.pk}/", body, content_type=kind)

    assert (answer.status_code, answer.json()["code"]) == (
        415,
        "unsupported_media_type",
    )
    thread.refresh_from_db()
    assert thread.title == "Mine"


def test_a_body_over_the_limit_is_refused(page, anna, settings) -> None:
    settings.CHATKIT_MAX_FRAME_BYTES = settings.CHATKIT_MAX_OUTPUT_BYTES = 100
    thread = make_thread(anna, title="Mine")
    body = json.dumps({"title": "x" * 1000})

    answer = page.patch(f"{THREADS}{thread.pk}/", body, content_type=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "frame_too_large")
    thread.refresh_from_db()
    assert thread.title == "Mine"


@pytest.mark.parametrize("body", ["{", "[]", "null", '"x"', '{"title": NaN}', "\xff"])
def test_a_body_that_is_no_object_of_json_is_refused(page, anna, body) -> None:
    thread = make_thread(anna, title="Mine")

    answer = page.patch(
        f"{THREADS}{thread.pk}/", body.encode("latin1"), content_type=JSON
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_command")
    thread.refresh_from_db()
    assert thread.title == "Mine"


def test_only_json_is_answered(page) -> None:
    answer = page.get(THREADS, headers={"accept": "text/csv"})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


# In a browser

HTML = {"accept": "text/html"}


@pytest.fixture
def rows(anna) -> dict[str, str]:
    thread = make_thread(anna, title="<script>alert(1)</script>")
    turn = Turn.begin(thread, "<img src=x onerror=alert(1)>", depth=0)
    call = turn.call("add", output={"text": "</pre><script>alert(1)</script>"})
    turn.end()
    return {
        "thread": str(thread.pk),
        "message": str(turn.answer.pk),
        "run": str(turn.run.pk),
        "call": str(call.pk),
        "attachment": str(uuid4()),
        "share": str(uuid4()),
        "token": share(Viewer(user=anna), thread.pk)[1],
    }


def test_every_address_opens_in_a_browser_and_nothing_runs_there(
    page, rows, settings
) -> None:
    settings.CHATKIT_BROWSABLE_API = True

    for pattern in urls.urlpatterns:
        path = re.sub(r"<str:(\w+)>", lambda m: rows[m[1]], str(pattern.pattern))
        view = getattr(pattern.callback, "view_class", None)
        if "<path" in path or view.__name__ in ("SchemaView", *FILES):
            continue
        answer = page.get(f"/chatkit/api/{path}", headers=HTML)
        body = answer.content.decode()
        assert answer["Content-Type"].startswith("text/html"), path
        assert answer.status_code in (200, 404, 405), path
        assert "<script>alert" not in body, path
        assert "<img src=x" not in body, path


FILES = ("ContentView", "ThreadExportView", "ExportView")


def test_without_the_setting_nothing_but_json_is_answered(page) -> None:
    answer = page.get(THREADS, headers={"accept": "text/html,*/*;q=0.5"})

    assert answer["Content-Type"] == "application/json"
