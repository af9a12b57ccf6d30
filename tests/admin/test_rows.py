from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chatkit_app.models import Command, Event, Interrupt, Message, Run, Thread, ToolCall
from tests.history_rows import NOON, Turn, make_thread

pytestmark = pytest.mark.django_db

MODELS = [Command, Event, Interrupt, Message, Run, Thread, ToolCall]


def list_of(model: type) -> str:
    return f"/admin/chatkit_app/{model.__name__.lower()}/"


@pytest.fixture
def rows() -> dict[type, object]:
    """One row of each table, all of one turn."""
    thread = make_thread(
        get_user_model().objects.create_user("anna"), title="Order 1042"
    )
    turn = Turn.begin(thread, "Where is it?", depth=0)
    call = turn.call("order_status", output={"status": "sent", "by": {"name": "Ann"}})
    asked = turn.ask_page(call, claim_token="0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa")
    turn.end()
    event = Event.objects.create(
        thread=thread,
        position=1,
        type="part.delta",
        data='{"type":"part.delta"}',
        at=NOON,
    )
    command = Command.objects.create(
        thread=thread,
        owner_key="u:1",
        protocol="native",
        client_id="c-1",
        kind="send",
        run=turn.run,
    )
    found = [command, event, asked, turn.prompt, turn.run, thread, call]
    return {type(row): row for row in found}


@pytest.mark.parametrize("model", MODELS)
def test_each_table_has_a_list_and_a_page_for_each_row(
    admin_client, rows, model
) -> None:
    # The thread's last activity is long ago: by itself its list begins a week back.
    listed = admin_client.get(
        list_of(model), {"when": "all"} if model is Thread else {}
    )
    shown = admin_client.get(f"{list_of(model)}{rows[model].pk}/change/")

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert list(listed.context["cl"].result_list)


@pytest.mark.parametrize("model", MODELS)
def test_no_row_can_be_changed(admin_client, rows, model) -> None:
    page = f"{list_of(model)}{rows[model].pk}/change/"

    body = admin_client.get(page).content.decode()

    assert admin_client.post(page, {}).status_code == 403
    assert admin_client.get(f"{list_of(model)}add/").status_code == 403
    assert 'name="_save"' not in body
    assert "/delete/" not in body


def test_the_index_names_what_people_begin_with(admin_client) -> None:
    body = admin_client.get("/admin/").content.decode()

    named = {model for model in MODELS if f'href="{list_of(model)}"' in body}

    assert named == {Thread, Run, ToolCall, Interrupt}


def test_json_is_shown_as_people_read_it(admin_client, rows) -> None:
    body = admin_client.get(f"{list_of(ToolCall)}{rows[ToolCall].pk}/change/").content

    assert b"&quot;by&quot;: {\n    &quot;name&quot;: &quot;Ann&quot;\n  }" in body


def test_the_token_of_a_claim_is_not_shown(admin_client, rows) -> None:
    asked = rows[Interrupt]

    body = admin_client.get(f"{list_of(Interrupt)}{asked.pk}/change/").content.decode()

    assert str(asked.claim_token) not in body
    assert "Claim until" in body


def test_a_run_tells_its_steps(admin_client, rows) -> None:
    body = admin_client.get(f"{list_of(Run)}{rows[Run].pk}/change/").content.decode()

    assert "openai-responses" in body
    assert "model-one-2026" in body


def test_the_rows_of_one_thread_are_found_from_its_page(admin_client, rows) -> None:
    other = make_thread(get_user_model().objects.create_user("berta"))
    Event.objects.create(
        thread=other, position=1, type="thread.changed", data="{}", at=NOON
    )
    Turn.begin(other, "Hello", depth=0)
    thread = rows[Thread]
    page = admin_client.get(f"{list_of(Thread)}{thread.pk}/change/").content.decode()

    runs = f"{list_of(Run)}?thread__id__exact={thread.pk}"
    events = f"{list_of(Thread)}{thread.pk}/events/"
    assert f'href="{runs}"' in page
    assert f'href="{events}"' in page
    assert list(admin_client.get(runs).context["cl"].result_list) == [rows[Run]]
    told = admin_client.get(events).content.decode()
    assert "part.delta" in told
    assert "thread.changed" not in told


@pytest.mark.parametrize("model", [Run, ToolCall])
@pytest.mark.parametrize("term", ["", "x", "'", "order_status", "1" * 40])
def test_any_words_can_be_searched_for(admin_client, rows, model, term) -> None:
    assert admin_client.get(list_of(model), {"q": term}).status_code == 200


def test_a_run_and_a_call_are_found_by_the_ids_that_logs_carry(
    admin_client, rows
) -> None:
    for model, term in (
        (Run, rows[Run].pk),
        (Run, rows[Thread].pk),
        (ToolCall, rows[ToolCall].pk),
        (ToolCall, rows[Run].pk),
        (ToolCall, "order_sta"),
    ):
        found = admin_client.get(list_of(model), {"q": str(term)}).context["cl"]
        assert list(found.result_list) == [rows[model]]


@pytest.mark.parametrize("model", MODELS)
def test_the_queries_of_a_list_do_not_grow_with_it(admin_client, rows, model) -> None:
    add_turns(2)
    few = queries_of_list(admin_client, model)
    add_turns(20)

    assert queries_of_list(admin_client, model) == few


def add_turns(count: int) -> None:
    """So many threads of anna's, each with a row of every kind."""
    anna = get_user_model().objects.get(username="anna")
    for _ in range(count):
        turn = Turn.begin(make_thread(anna, at=timezone.now()), "Hello", depth=0)
        turn.ask_page(turn.call("order_status", output={}))
        Event.objects.create(
            thread=turn.run.thread, position=1, type="run.changed", data="{}", at=NOON
        )
        Command.objects.create(
            thread=turn.run.thread,
            owner_key="u:1",
            protocol="native",
            client_id=str(turn.run.pk),
            kind="send",
            run=turn.run,
        )


def queries_of_list(admin_client: Client, model: type) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get(list_of(model)).status_code == 200
    return len(queries)
