from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from chatkit_app.models import AccessLog, Message, Run, Thread
from tests.approvals import desk, make_staff
from tests.history_rows import Turn, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tools():
    with desk():
        yield


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def thread(anna) -> Thread:
    return make_thread(anna, assistant="desk", title="A secret title")


@pytest.fixture
def waiting(thread) -> Run:
    """A run that waits for a page."""
    turn = Turn.begin(thread, "A secret question", depth=0)
    call = turn.call("paint", executor="client", status="waiting")
    turn.ask_page(call)
    Run.objects.update(status="requires_action")
    Message.objects.filter(pk=turn.answer.pk).update(status="open")
    return turn.run


def staff(*names: str) -> Client:
    """Somebody who may look at threads, and do these things."""
    wanted = [f"chatkit_app.{name}" for name in ("view_thread", *names)]
    client = Client()
    client.force_login(make_staff(f"staff-{uuid4().hex[:6]}", *wanted))
    return client


def act(client: Client, thread: Thread, name: str, **fields: object):
    posted = {"submission": uuid4().hex, **fields}
    return client.post(f"/admin/chatkit_app/thread/{thread.pk}/act/{name}/", posted)


def page(thread: Thread) -> str:
    return f"/admin/chatkit_app/thread/{thread.pk}/change/"


def test_a_run_is_cancelled_and_that_is_noted_without_a_word_of_content(
    thread, waiting
) -> None:
    client = staff("cancel_run")

    answer = act(client, thread, "cancel", run=waiting.pk)

    assert answer.status_code == 302
    assert Run.objects.get().status == "cancelled"
    entry = LogEntry.objects.get()
    assert AccessLog.objects.get().action == "cancel"
    assert "cancelled a run" in entry.change_message
    assert "secret" not in f"{entry.object_repr} {entry.change_message}"


def test_a_double_click_is_one_act(thread, waiting) -> None:
    client, submission = staff("cancel_run"), uuid4().hex

    for _ in range(2):
        act(client, thread, "cancel", run=waiting.pk, submission=submission)

    assert LogEntry.objects.count() == AccessLog.objects.count() == 1


def test_a_reply_is_a_message_of_its_author(thread) -> None:
    client = staff("reply_thread")

    act(client, thread, "reply", text="A person here.\r\nTwo lines.")

    message = Message.objects.get()
    assert (message.role, message.text) == ("assistant", "A person here.\nTwo lines.")
    assert message.author is not None
    assert "person" not in LogEntry.objects.get().change_message


def test_what_was_written_is_not_lost_where_it_can_not_be_sent(thread, waiting) -> None:
    client = staff("reply_thread")

    answer = act(client, thread, "reply", text="Half a <b>novel</b>")

    body = answer.content.decode()
    assert answer.status_code == 200
    assert "An answer is being written, or waits for somebody." in body
    assert "Half a &lt;b&gt;novel&lt;/b&gt;</textarea>" in body
    assert not LogEntry.objects.exists()


def test_a_failed_answer_is_tried_again(thread) -> None:
    turn = Turn.begin(thread, "Hello?", depth=0)
    turn.end("failed", error_code="provider_unavailable")

    act(staff("retry_run"), thread, "retry", run=turn.run.pk)

    again = Run.objects.exclude(pk=turn.run.pk).get()
    assert (again.status, again.started_by) == ("queued", turn.run.started_by)


def test_a_refusal_is_told(thread, waiting) -> None:
    client = staff("cancel_run")

    answer = client.post(
        f"/admin/chatkit_app/thread/{thread.pk}/act/cancel/",
        {"submission": uuid4().hex, "run": uuid4().hex},
        follow=True,
    )

    assert "No such run." in answer.content.decode()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        ("act/cancel", "cancel_run"),
        ("act/retry", "retry_run"),
        ("act/reply", "reply_thread"),
        ("export", "export_thread"),
        ("erase", "erase_thread"),
    ],
)
def test_each_act_needs_its_own_permission(thread, waiting, name, permission) -> None:
    others = {
        "cancel_run",
        "retry_run",
        "reply_thread",
        "export_thread",
        "erase_thread",
    } - {permission}
    url = f"/admin/chatkit_app/thread/{thread.pk}/{name}/"

    answer = staff(*others, "view_content").post(
        url, {"run": waiting.pk, "text": "x", "confirm": "anna"}
    )

    assert answer.status_code == 403
    assert Thread.objects.filter(pk=thread.pk).exists()
    assert Run.objects.get().status == "requires_action"


def test_nothing_is_done_by_a_link(thread, waiting, admin_client) -> None:
    base = f"/admin/chatkit_app/thread/{thread.pk}"

    for name in ("act/cancel", "act/retry", "act/reply", "export"):
        assert admin_client.get(f"{base}/{name}/").status_code == 405
    assert admin_client.get(f"{base}/erase/").status_code == 200
    assert admin_client.post(f"{base}/act/nonsense/").status_code == 404
    assert Run.objects.get().status == "requires_action"


def test_a_form_of_another_site_does_nothing(thread, waiting, admin_user) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)

    assert act(client, thread, "cancel", run=waiting.pk).status_code == 403
    assert Run.objects.get().status == "requires_action"


@pytest.mark.parametrize("posted", [{}, {"submission": "x"}, {"run": "x"}])
def test_what_is_no_act_changes_nothing(thread, waiting, posted) -> None:
    client = staff("cancel_run")
    url = f"/admin/chatkit_app/thread/{thread.pk}/act/cancel/"

    answer = client.post(url, posted, follow=True)

    assert "nothing to be done" in answer.content.decode()
    assert Run.objects.get().status == "requires_action"


@pytest.mark.parametrize(("kind", "begins"), [("json", "{"), ("markdown", "#")])
def test_an_export_is_a_file_and_noted(thread, waiting, kind, begins) -> None:
    client = staff("export_thread", "view_content")

    answer = client.post(f"/admin/chatkit_app/thread/{thread.pk}/export/", {"as": kind})

    text = answer.getvalue().decode()
    assert text.startswith(begins)
    assert "A secret question" in text
    assert answer["Content-Disposition"].startswith("attachment")
    assert AccessLog.objects.filter(action="export_any").count() == 1


def test_who_may_not_read_may_not_export(thread) -> None:
    client = staff("export_thread")

    answer = client.post(f"/admin/chatkit_app/thread/{thread.pk}/export/")

    assert answer.status_code == 403


def test_a_thread_is_erased_when_its_owners_name_is_typed(thread, waiting) -> None:
    client = staff("erase_thread")
    url = f"/admin/chatkit_app/thread/{thread.pk}/erase/"

    assert "nothing was erased" in client.post(url, {"confirm": "bob"}).content.decode()
    assert Thread.objects.filter(pk=thread.pk).exists()
    client.post(url, {"confirm": "anna"})

    assert not Thread.objects.filter(pk=thread.pk).exists()
    assert not Message.objects.exists()
    assert "secret" not in LogEntry.objects.get().object_repr
    assert AccessLog.objects.get().action == "erase"
    assert client.post(url, {"confirm": "anna"}).status_code == 302  # a second click


def test_a_page_offers_what_its_reader_may_do(thread, waiting) -> None:
    body = staff("cancel_run").get(page(thread)).content.decode()

    assert "Cancel the run" in body
    for words in ("Erase…", "Export as JSON", "Reply as a person"):
        assert words not in body
