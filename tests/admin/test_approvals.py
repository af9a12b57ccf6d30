from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from chatkit_app.models import Interrupt, ToolCall
from tests.approvals import INPUT, PERMISSION, ask_staff, desk, make_staff

pytestmark = pytest.mark.django_db

LIST = "/admin/chatkit_app/interrupt/"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7|add:7 }}'


@pytest.fixture(autouse=True)
def tools():
    with desk():
        yield


@pytest.fixture
def anna():
    return get_user_model().objects.create_user("anna")


@pytest.fixture
def eve():
    """She may decide, and see nothing else."""
    return make_staff("eve", PERMISSION)


def browser(user: Any, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def page_of(row: Interrupt) -> str:
    return f"{LIST}{row.pk}/decide/"


def thread_of(row: Interrupt) -> str:
    return f"/admin/chatkit_app/thread/{row.run.thread_id}/change/"


def decide(client: Client, row: Interrupt, decision: str, **fields: Any) -> Any:
    posted = {"decision": decision, "submission": uuid4().hex, **fields}
    return client.post(page_of(row), posted, follow=True)


def text_of(answer: Any) -> str:
    """What people read of a page, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def arguments(**changes: Any) -> dict[str, Any]:
    shown = {"order": "1042", "euros": "30", "reason": '"broken"', "to": "", **changes}
    return {f"input-{name}": value for name, value in shown.items()}


# The list


def test_the_list_tells_what_waits_for_whom(anna, eve, admin_client) -> None:
    ask_staff(anna)
    ask_staff(uuid4(), permission="")
    ask_staff(anna, kind="client_tool", permission="")
    ask_staff(anna, status="answered", decision="deny", answered_by=eve)

    text = text_of(admin_client.get(LIST))

    assert "Waiting for approval" in text
    for words in (
        PERMISSION,
        "the visitor",
        "a page of the visitor",
        "me (1)",
        "staff (1)",
        "visitors (1)",
        "pages (1)",
    ):
        assert words in text
    assert "denied by eve" not in text
    assert "denied by eve" in text_of(admin_client.get(LIST, {"waits": "nobody"}))


@pytest.mark.parametrize(
    ("waits", "count"),
    [("me", 1), ("staff", 2), ("visitor", 1), ("page", 1), ("nobody", 1), ("x", 4)],
)
def test_the_list_is_filtered_by_who_is_waited_for(
    anna, waits: str, count: int
) -> None:
    ask_staff(anna)
    ask_staff(anna, permission="auth.delete_user")
    ask_staff(anna, kind="question", permission="")
    ask_staff(anna, kind="client_tool", permission="")
    ask_staff(anna, status="expired")
    eve = make_staff("eve", PERMISSION, "chatkit_app.view_interrupt")

    found = browser(eve).get(LIST, {"waits": waits}).context["cl"]

    assert len(found.result_list) == count


def test_who_may_decide_is_shown_what_they_may_decide_and_have_decided(
    anna, eve
) -> None:
    row, done = ask_staff(anna), ask_staff(anna, status="answered", answered_by=eve)
    ask_staff(anna, permission="auth.delete_user")
    ask_staff(anna, permission="")
    client = browser(eve)

    waiting = client.get(LIST)
    closed = client.get(LIST, {"waits": "nobody"})

    assert list(waiting.context["cl"].result_list) == [row]
    assert list(closed.context["cl"].result_list) == [done]
    assert "Order 1042" not in text_of(waiting)


def test_the_index_names_the_list_to_whoever_has_something_to_decide(anna, eve) -> None:
    client, other = browser(eve), browser(make_staff("mallory"))
    assert LIST not in client.get("/admin/").content.decode()

    ask_staff(anna)

    assert LIST in client.get("/admin/").content.decode()
    assert LIST not in other.get("/admin/").content.decode()
    assert list(other.get(LIST).context["cl"].result_list) == []


def test_an_approval_of_another_tenants_thread_waits_for_nobody_here(anna, eve) -> None:
    row = ask_staff(anna)
    row.run.thread.tenant = "elsewhere"
    row.run.thread.save()
    client = browser(eve)

    assert list(client.get(LIST).context["cl"].result_list) == []
    assert client.get(page_of(row)).status_code == 403


def test_the_threads_tell_how_much_waits_for_me(anna, admin_client) -> None:
    threads = "/admin/chatkit_app/thread/"
    assert "Waiting for your approval" not in text_of(admin_client.get(threads))

    ask_staff(anna)
    ask_staff(anna, permission="")

    answer = admin_client.get(threads)
    assert "Waiting for your approval: 1" in text_of(answer)
    assert f"{LIST}?waits=me" in answer.content.decode()


def test_the_queries_of_the_list_do_not_grow_with_it(
    anna, admin_client, django_assert_num_queries
) -> None:
    ask_staff(anna)
    admin_client.get(LIST)
    for count in (1, 20):
        # session, user; what waits for me, counts; rows counted, the page
        with django_assert_num_queries(7):
            admin_client.get(LIST)
        for _ in range(count):
            ask_staff(anna)


# Deciding


def test_what_is_asked_is_told_in_words(anna, eve) -> None:
    row = ask_staff(
        anna,
        message="Really this much?",
        value={**INPUT, "to": {"street": "Main 1", "city": "Bonn"}},
    )

    text = text_of(browser(eve).get(page_of(row)))

    for words in (
        "refund waits for staff with the permission Can change user (auth.change_user)",
        "Really this much?",
        "Order The order&#x27;s number. 1042",
        "Euros How much, in whole euros. 30",
        "Street Street and number. Main 1",
        "Approve",
        "Deny",
        "Answer in words",
    ):
        assert words in text


def test_approving_lets_the_call_run(anna, eve) -> None:
    row = ask_staff(anna)

    answer = decide(browser(eve), row, "approve")

    assert answer.redirect_chain == [(page_of(row), 302)]
    assert "Decided: refund, approved." in text_of(answer)
    assert "approved by eve on" in text_of(answer)
    assert "Approve with these" not in text_of(answer)
    row.refresh_from_db()
    assert (row.status, row.decision, row.answered_by) == ("answered", "approve", eve)
    assert ToolCall.objects.get().status == "queued"


def test_denying_tells_why(anna, eve) -> None:
    row = ask_staff(anna)

    answer = decide(browser(eve), row, "deny", text="Too\r\nmuch.")

    assert "Reason Too much." in text_of(answer)
    call = ToolCall.objects.get()
    assert (call.status, call.error_code) == ("failed", "denied")
    assert "Too\nmuch." in call.error_text


def test_denying_needs_no_reason(anna, eve) -> None:
    decide(browser(eve), ask_staff(anna), "deny")

    assert ToolCall.objects.get().error_code == "denied"


def test_answering_in_words_tells_the_model(anna, eve) -> None:
    row = ask_staff(anna)

    decide(browser(eve), row, "respond", text="Send a voucher instead.")

    call = ToolCall.objects.get()
    assert call.error_code == "answered_instead"
    assert "Send a voucher instead." in call.error_text


def test_no_words_are_no_answer(anna, eve) -> None:
    answer = decide(browser(eve), ask_staff(anna), "respond", text="  ")

    assert "What shall the assistant be told?" in text_of(answer)
    assert Interrupt.objects.get().status == "open"


def test_edited_arguments_are_those_that_run(anna, eve) -> None:
    row = ask_staff(anna)
    changes = arguments(euros="20", reason='"late"', to='{"street": "Main 1"}')

    answer = decide(browser(eve), row, "edit", **changes)

    assert "approved with other arguments by eve" in text_of(answer)
    call = ToolCall.objects.get()
    assert call.input == INPUT
    assert call.edited_input == {
        "order": "1042",
        "euros": 20,
        "reason": "late",
        "to": {"street": "Main 1", "city": ""},
    }
    text = text_of(browser(eve).get(page_of(row)))
    changed = text.partition("Changed to")[2]
    assert "whole euros. 20" in changed
    assert "1042" not in changed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"euros": "many"}, "Enter a number."),
        ({"reason": '"greed"'}, "Select a valid choice."),
        ({"to": "{"}, "This is not JSON."),
        ({"to": '{"city": "Bonn"}'}, "street: Field required"),
        ({"euros": str(2**60)}, "An integer is beyond 2**53."),
        ({"to": '{"street": "\\u0000"}'}, "NUL and lone surrogates"),
    ],
)
def test_arguments_that_do_not_fit_are_told_at_their_field(
    anna, eve, changes, message
) -> None:
    row = ask_staff(anna)

    answer = decide(browser(eve), row, "edit", **arguments(**changes))

    assert answer.status_code == 200
    assert message in text_of(answer)
    assert escape(next(iter(changes.values()))) in answer.content.decode()
    assert re.search(
        r'<details class="chatkit-fold"[^>]* open>', answer.content.decode()
    )
    assert Interrupt.objects.get().status == "open"


def test_what_is_done_once_needs_to_be_confirmed(anna, eve) -> None:
    row = ask_staff(anna, name="refund_once", value={"order": "1042"})
    client = browser(eve)

    unconfirmed = decide(client, row, "approve")
    edited = decide(client, row, "edit", **{"input-order": "7"})
    assert "Please confirm that you have checked it." in text_of(unconfirmed)
    assert "Please confirm that you have checked it." in text_of(edited)
    assert Interrupt.objects.get().status == "open"

    decide(client, row, "approve", confirmed="on")

    assert Interrupt.objects.get().decision == "approve"


def test_denying_needs_no_confirmation(anna, eve) -> None:
    row = ask_staff(anna, name="refund_once", value={"order": "1042"})

    decide(browser(eve), row, "deny")

    assert Interrupt.objects.get().decision == "deny"


@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "perhaps"},
        {"decision": "answer"},
        {"decision": ""},
        {"submission": ""},
        {"submission": "x' OR 1=1"},
    ],
)
def test_what_is_no_decision_decides_nothing(anna, eve, fields) -> None:
    row = ask_staff(anna)
    posted = {"decision": "approve", "submission": uuid4().hex, **fields}

    answer = browser(eve).post(page_of(row), posted)

    assert answer.status_code == 200
    assert Interrupt.objects.get().status == "open"
    assert "Please" in text_of(answer)


def test_the_second_to_decide_reads_who_was_faster(anna, eve) -> None:
    row = ask_staff(anna)
    other = browser(make_staff("otto", PERMISSION))
    decide(browser(eve), row, "deny", text="No.")

    answer = decide(other, row, "approve")

    assert "This was decided before: denied by eve." in text_of(answer)
    assert Interrupt.objects.get().decision == "deny"
    assert LogEntry.objects.count() == 1


def test_a_second_click_is_the_same_decision(anna, eve) -> None:
    row, client, submission = ask_staff(anna), browser(eve), uuid4().hex

    for _ in range(2):
        answer = decide(client, row, "approve", submission=submission)

    assert "Decided: refund, approved." in text_of(answer)
    assert LogEntry.objects.count() == 1


def test_who_goes_back_and_decides_otherwise_reads_what_was_decided(anna, eve) -> None:
    row, client, submission = ask_staff(anna), browser(eve), uuid4().hex
    decide(client, row, "approve", submission=submission)

    answer = decide(client, row, "deny", submission=submission)

    assert "This was decided before: approved by eve." in text_of(answer)
    assert Interrupt.objects.get().decision == "approve"


def test_after_its_time_nothing_is_decided(anna, eve) -> None:
    row = ask_staff(anna, expires_at=timezone.now() - timedelta(seconds=1))
    client = browser(eve)

    shown, answer = client.get(page_of(row)), decide(client, row, "approve")

    assert "expired: nobody answered in time" in text_of(shown)
    assert 'name="decision"' not in shown.content.decode()
    assert "It is too late" in text_of(answer)


def test_the_log_tells_the_decision_and_no_content(anna, eve) -> None:
    row = ask_staff(anna)

    decide(browser(eve), row, "deny", text="She lies.")

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (eve, str(row.pk))
    assert entry.change_message == "deny refund"
    assert "1042" not in entry.object_repr
    assert "lies" not in entry.object_repr


# Who may


def test_who_may_not_decide_sees_that_it_waits_and_no_buttons(anna) -> None:
    row = ask_staff(anna)
    client = browser(make_staff("mallory", "chatkit_app.view_interrupt"))

    shown = client.get(page_of(row))

    assert "waits for staff with the permission" in text_of(shown)
    assert "others decide" in text_of(shown)
    assert 'name="decision"' not in shown.content.decode()
    assert decide(client, row, "approve").status_code == 403
    assert Interrupt.objects.get().status == "open"


@pytest.mark.parametrize("permission", ["", "auth.delete_user"])
def test_a_forged_decision_is_refused(anna, eve, permission) -> None:
    row = ask_staff(anna, permission=permission)
    client = browser(eve)

    assert client.get(page_of(row)).status_code == 403
    assert decide(client, row, "approve").status_code == 403
    assert Interrupt.objects.get().status == "open"
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("kind", ["client_tool", "question"])
def test_what_is_no_approval_is_not_decided_here(anna, admin_client, kind) -> None:
    row = ask_staff(anna, kind=kind, permission="")

    assert decide(admin_client, row, "approve").status_code == 404


def test_a_decision_needs_the_pages_token(anna, eve) -> None:
    row = ask_staff(anna)

    answer = decide(browser(eve, enforce_csrf_checks=True), row, "approve")

    assert answer.status_code == 403
    assert Interrupt.objects.get().status == "open"


def test_who_is_not_of_the_staff_is_sent_away(anna) -> None:
    row = ask_staff(anna)
    anna.user_permissions.set(make_staff("eve", PERMISSION).user_permissions.all())

    answer = browser(anna).post(page_of(row), {"decision": "approve"})

    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]
    assert Interrupt.objects.get().status == "open"


def test_the_admins_own_link_to_an_approval_leads_to_its_page(anna, eve) -> None:
    row = ask_staff(anna)
    client = browser(eve)
    decide(client, row, "approve")

    answer = client.get(LogEntry.objects.get().get_admin_url())

    assert (answer.status_code, answer["Location"]) == (302, page_of(row))
    assert client.get(f"{LIST}nonsense/change/").status_code == 404


# On a thread's page


def test_a_thread_tells_what_waits_and_takes_the_decision(anna) -> None:
    row = ask_staff(anna, message="Really this much?")
    client = browser(
        make_staff("eve", PERMISSION, "chatkit_app.view_thread"),
    )

    shown = client.get(thread_of(row))
    answer = decide(client, row, "approve", from_thread="1")

    assert "Really this much?" in text_of(shown)
    assert page_of(row) in shown.content.decode()
    assert answer.redirect_chain == [(thread_of(row), 302)]
    assert "Decided: refund, approved." in text_of(answer)


def test_a_thread_tells_others_that_it_waits_but_not_what_about(anna) -> None:
    row = ask_staff(anna, value={**INPUT, "order": "a secret"}, message="a secret")
    client = browser(make_staff("mallory", "chatkit_app.view_thread"))

    text = text_of(client.get(thread_of(row)))

    assert "waits for staff with the permission" in text
    assert "others decide" in text
    assert "a secret" not in text


def test_a_visitors_own_approval_is_told_and_not_given_here(anna, admin_client) -> None:
    row = ask_staff(anna, permission="")

    answer = admin_client.get(thread_of(row))

    assert "waits for the visitor" in text_of(answer)
    assert "in the visitor's page, not here" in text_of(answer)
    assert 'name="decision"' not in answer.content.decode()


@pytest.mark.parametrize(
    ("kind", "who"),
    [("question", "the visitor"), ("client_tool", "a page of the visitor")],
)
def test_what_else_the_visitor_is_asked_can_be_answered_in_their_place(
    anna, admin_client, kind, who
) -> None:
    row = ask_staff(anna, kind=kind, permission="")

    answer = admin_client.get(thread_of(row))

    assert f"waits for {who}" in text_of(answer)
    assert f"/interrupt/{row.pk}/answer/" in answer.content.decode()


def test_a_timeline_tells_who_decided_what_and_why(anna, eve, admin_client) -> None:
    row = ask_staff(anna)
    decide(browser(eve), row, "deny", text="Too much.")

    text = text_of(admin_client.get(thread_of(row)))

    assert "asked: approval, denied" in text
    assert "by eve" in text
    assert "Reason Too much." in text
    assert "approval-responded" in text


def test_a_timeline_tells_the_arguments_in_the_words_of_the_schema(
    anna, admin_client
) -> None:
    row = ask_staff(anna)

    text = text_of(admin_client.get(thread_of(row)))

    assert text.count("Euros How much, in whole euros. 30") == 2


# What is shown is text


def test_whatever_models_and_people_write_is_shown_as_text(anna, admin_client) -> None:
    schema = {
        "type": "object",
        "properties": {
            HOSTILE: {
                "type": "string",
                "title": HOSTILE,
                "description": HOSTILE,
                "enum": [HOSTILE, "x"],
            },
            "deep": {"type": "array", "description": HOSTILE},
        },
    }
    row = ask_staff(
        anna,
        value={HOSTILE: HOSTILE, "deep": [{HOSTILE: HOSTILE}], "more": HOSTILE},
        message=HOSTILE,
        response_schema=schema,
    )
    ToolCall.objects.update(name=HOSTILE)
    shown = [admin_client.get(url) for url in (LIST, page_of(row), thread_of(row))]
    shown.append(decide(admin_client, row, "edit", **{"input-deep": HOSTILE}))
    shown.append(decide(admin_client, row, "deny", text=HOSTILE))
    shown += [admin_client.get(url) for url in (page_of(row), thread_of(row))]

    for answer in shown:
        body = answer.content.decode()
        assert "&lt;script&gt;" in body
        assert "<script>alert" not in body
        assert "<img src=x" not in body
        assert "{{ 7|add:7 }}" in body


def test_an_id_that_is_unknown_is_not_found(admin_client) -> None:
    assert admin_client.get(f"{LIST}{UUID(int=1)}/decide/").status_code == 404
