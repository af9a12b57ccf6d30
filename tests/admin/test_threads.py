from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import reverse

from chatkit_app.models import Event, Message, Run, Thread
from tests.history_rows import NOON, Turn, add_turn, add_turns, make_thread

pytestmark = pytest.mark.django_db

LIST = "/admin/chatkit_app/thread/"
HOSTILE = '"><script>alert(1)</script><img src=x>{{ 7|add:7 }}'


def page_of(thread: Thread) -> str:
    return reverse("admin:chatkit_app_thread_change", args=[thread.pk])


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def thread(anna) -> Thread:
    return make_thread(anna, title="Order 1042")


@pytest.fixture
def told(thread) -> Thread:
    """A thread with something of everything."""
    turn = Turn.begin(thread, "Where is order 1042?", depth=0)
    turn.say("They ask for an order.", kind="reasoning")
    turn.call(
        "order_status",
        arguments='{"number":"1042"}',
        output={"status": "sent"},
        started_at=NOON,
        finished_at=NOON + timedelta(seconds=1.7),
    )
    page_call = turn.call("highlight", executor="client", output={"found": True})
    turn.ask_page(page_call, status="answered", claimed_by="tab-7", answered_at=NOON)
    broken = turn.call(
        "stock_report",
        arguments='{"broken',
        status="failed",
        error_code="tool_error",
        error_text="The arguments are no JSON.",
    )
    assert broken.status == "failed"
    turn.begin_step(1)
    turn.say("It was sent.")
    turn.end()
    return thread


@pytest.fixture
def staff(client):
    """Someone of the staff who has these permissions of the app."""

    def make(*names: str):
        user = get_user_model().objects.create_user("staff", is_staff=True)
        found = Permission.objects.filter(
            content_type__app_label="chatkit_app", codename__in=names
        )
        assert len(found) == len(names)
        user.user_permissions.set(found)
        client.force_login(user)
        return client

    return make


def text_of(answer) -> str:
    """What people read of a page, on one line."""
    body = answer.content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def test_a_timeline_tells_the_turns_in_their_order(admin_client, told) -> None:
    text = text_of(admin_client.get(page_of(told)))

    said = [
        "Where is order 1042?",
        "They ask for an order.",
        "order_status",
        "highlight",
        "stock_report",
        "It was sent.",
    ]
    # the first of a tool's names is in the drawing of the run's times
    places = [text.rindex(words) for words in said]
    assert places == sorted(places)


def test_a_timeline_tells_calls_runs_and_steps(admin_client, told) -> None:
    text = text_of(admin_client.get(page_of(told)))

    for words in (
        "&quot;number&quot;: &quot;1042&quot;",
        "&quot;status&quot;: &quot;sent&quot;",
        "on the server",
        "in the page",
        "input-complete",
        "1.7 s",
        "claimed by page tab-7",
        "tool_error The arguments are no JSON.",
        "{&quot;broken",
        "first token after 0.8 s",
        "done after 2.4 s",
        "tokens: 1,204 in (1,024 cached), 210 out (64 reasoning)",
        "3.2 s",
    ):
        assert words in text


def test_a_failed_run_tells_its_error(admin_client, thread) -> None:
    turn = Turn.begin(thread, "Hello?", depth=0)
    turn.say("Hel", state="interrupted")
    turn.end(
        "failed", error_code="provider_unavailable", error_text="The stream broke."
    )

    text = text_of(admin_client.get(page_of(thread)))

    assert "provider_unavailable The stream broke." in text
    assert "interrupted" in text


def test_a_call_that_waits_tells_who_holds_it(admin_client, thread) -> None:
    turn = Turn.begin(thread, "Highlight it", depth=0)
    call = turn.call("highlight", executor="client", status="waiting")
    turn.ask_page(call, claimed_by="tab-9", claim_until=NOON, strikes=2)
    Run.objects.update(status="requires_action")

    text = text_of(admin_client.get(page_of(thread)))

    assert "claimed by page tab-9" in text
    assert "2 answers did not fit" in text
    assert "requires action" in text


def test_what_a_run_has_written_so_far_is_told_from_the_log(
    admin_client, thread
) -> None:
    turn = Turn.begin(thread, "Tell me", depth=0)
    part = turn.say("", state="streaming")
    Run.objects.update(status="in_progress", finished_at=None)
    Event.objects.create(
        thread=thread,
        position=1,
        type="part.delta",
        run_id=turn.run.pk,
        data=json.dumps(
            {
                "type": "part.delta",
                "partId": str(part.pk),
                "offset": 0,
                "delta": "Once upon",
            }
        ),
        at=NOON,
    )

    assert "Once upon" in text_of(admin_client.get(page_of(thread)))


def test_an_answer_that_another_replaced_is_told_as_such(admin_client, thread) -> None:
    _, hidden = add_turn(thread, "Hello?", "The first answer", depth=0)
    Message.objects.filter(pk=hidden.pk).update(is_shown=False)
    Message.objects.create(
        thread=thread, parent=hidden.parent, depth=1, role="assistant", status="open"
    )

    text = text_of(admin_client.get(page_of(thread)))

    assert "not shown" in text
    assert "The first answer" in text


def test_a_long_thread_comes_page_by_page(admin_client, thread) -> None:
    add_turns(thread, 60)

    newest = admin_client.get(page_of(thread))
    earlier = admin_client.get(
        page_of(thread), {"before": newest.context["timeline"].earlier}
    )
    first = admin_client.get(
        page_of(thread), {"before": earlier.context["timeline"].earlier}
    )

    pages = [first, earlier, newest]
    depths = [
        entry.message.depth
        for page in pages
        for entry in page.context["timeline"].entries
    ]
    assert depths == list(range(120))
    assert "Earlier messages" in text_of(newest)
    assert "Newest messages" not in text_of(newest)
    assert "Newest messages" in text_of(first)
    assert "Earlier messages" not in text_of(first)


@pytest.mark.parametrize("before", ["x", "-1", "²", "9" * 40, "%00", "'"])
def test_a_place_that_is_none_is_the_newest_page(admin_client, told, before) -> None:
    answer = admin_client.get(page_of(told), {"before": before})

    assert answer.context["timeline"].is_newest


def test_a_thread_without_messages_says_so(admin_client, thread) -> None:
    assert "Nothing has been said yet." in text_of(admin_client.get(page_of(thread)))


def test_whatever_people_models_and_pages_write_is_shown_as_text(
    admin_client, anna
) -> None:
    thread = make_thread(anna, title=HOSTILE)
    turn = Turn.begin(thread, HOSTILE, depth=0)
    turn.say(HOSTILE, kind="reasoning")
    turn.say(HOSTILE)
    turn.call(HOSTILE, arguments=HOSTILE, output={HOSTILE: HOSTILE})
    failed = turn.call(
        HOSTILE,
        status="failed",
        error_code="tool_error",
        error_text=HOSTILE,
        edited_input={HOSTILE: [HOSTILE]},
    )
    turn.ask_page(failed, claimed_by=HOSTILE[:64])
    turn.end("failed", error_code=HOSTILE[:64], error_text=HOSTILE, model_name=HOSTILE)

    pages = [
        admin_client.get(url).content.decode()
        for url in (
            f"{LIST}?when=all",
            page_of(thread),
            "/admin/chatkit_app/run/",
            f"/admin/chatkit_app/run/{turn.run.pk}/change/",
            "/admin/chatkit_app/toolcall/",
            f"/admin/chatkit_app/toolcall/{failed.pk}/change/",
            f"/admin/chatkit_app/message/{turn.prompt.pk}/change/",
        )
    ]

    for body in pages:
        assert "&lt;script&gt;" in body
        assert "<script>alert" not in body
        assert "<img src=x" not in body
        assert "{{ 7|add:7 }}" in body


def test_a_huge_result_is_cut_and_the_rest_counted(admin_client, thread) -> None:
    turn = Turn.begin(thread, "All of it", depth=0)
    call = turn.call("stock_report", output="x" * 60_000)
    turn.end()

    body = admin_client.get(page_of(thread)).content.decode()
    whole = admin_client.get(f"/admin/chatkit_app/toolcall/{call.pk}/change/")

    assert "x" * 19_000 in body
    assert "x" * 30_000 not in body
    assert "… (+40,002)" in body
    assert "x" * 60_000 in whole.content.decode()


def test_nothing_can_be_added_changed_or_deleted(admin_client, told) -> None:
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.post(page_of(told), {"title": "Mine"}).status_code == 403
    assert (
        admin_client.post(f"{LIST}{told.pk}/delete/", {"post": "yes"}).status_code
        == 403
    )
    admin_client.post(
        LIST, {"action": "delete_selected", "_selected_action": [told.pk]}
    )
    assert Thread.objects.get().title == "Order 1042"


def test_a_page_links_to_no_other_that_its_reader_may_not_open(staff, told) -> None:
    client = staff("view_thread", "view_content")

    body = client.get(page_of(told)).content.decode()

    assert "It was sent." in body
    for model in ("run", "toolcall", "event"):
        assert f"/admin/chatkit_app/{model}/" not in body


def test_without_permission_there_is_nothing_to_see(staff, told) -> None:
    client = staff("view_run")

    assert client.get(LIST).status_code == 403
    assert client.get(page_of(told)).status_code == 403


def test_the_queries_of_a_timeline_do_not_grow_with_it(
    admin_client, anna, django_assert_num_queries
) -> None:
    def tell(turns: int) -> Thread:
        thread = make_thread(anna)
        for number in range(turns):
            turn = Turn.begin(thread, "Again", depth=2 * number)
            for _ in range(3):
                call = turn.call("highlight", executor="client", output={})
                turn.ask_page(call, status="answered", answered_by=anna)
            turn.end()
        return thread

    short, long = tell(1), tell(25)
    for thread in (short, long):  # content types are remembered, and that it was opened
        admin_client.get(page_of(thread))

    for thread in (short, long):
        # session, user, thread; what is read is noted (may they, twice, and was it just now); depths,
        # messages, runs, steps, parts, interrupts, feedback; what waits; the newest run; what was
        # spent, twice; what may be done, thrice; links that are good
        with django_assert_num_queries(21):
            admin_client.get(page_of(thread))
