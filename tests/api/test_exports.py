from __future__ import annotations

import io
import json
import zipfile
from uuid import uuid4

import pytest
from django.test import AsyncClient, Client

from chatkit_app.models import Message, Thread
from tests.api.people import ask, client_of, make_user
from tests.history_rows import add_turns, make_thread
from tests.threads.owned_rows import fill


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


def body(answer) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer)


@pytest.mark.parametrize(
    ("kind", "media_type", "suffix"),
    [
        ("", "application/json", "json"),
        ("json", "application/json", "json"),
        ("markdown", "text/markdown; charset=utf-8", "md"),
    ],
)
def test_a_thread_is_a_file_to_save(page, anna, kind, media_type, suffix) -> None:
    thread = fill(anna, "m4rk")

    answer = ask(page, "get", f"threads/{thread.pk}/export/{kind and f'?as={kind}'}")

    assert answer["Content-Type"] == media_type
    name = f'attachment; filename="thread-{thread.pk}.{suffix}"'
    assert answer["Content-Disposition"] == name
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert b"m4rk answer 1" in body(answer)


def test_all_of_mine_is_one_file(page, anna, berta) -> None:
    fill(anna, "m4rk")
    fill(berta, "0ther5")

    told = json.loads(body(ask(page, "get", "export/")))
    text = body(ask(page, "get", "export/?as=markdown"))
    archive = zipfile.ZipFile(io.BytesIO(body(ask(page, "get", "export/?as=zip"))))

    assert [thread["title"] for thread in told["threads"]] == ["m4rk title"]
    assert text.startswith(b"# m4rk title")
    assert len(archive.namelist()) == 4
    assert b"0ther5" not in text + archive.read("export.json")


def test_a_visitor_takes_theirs_along_and_nobody_nothing(db) -> None:
    visitor = uuid4()
    thread = fill(visitor, "m4rk")

    told = json.loads(body(ask(client_of(visitor), "get", "export/")))
    assert [row["id"] for row in told["threads"]] == [str(thread.pk)]
    for place, status in (("export/", 403), (f"threads/{thread.pk}/export/", 404)):
        assert ask(Client(), "get", place).status_code == status


@pytest.mark.parametrize(
    ("place", "status", "code"),
    [
        ("threads/{theirs}/export/", 404, "thread_not_found"),
        ("threads/{deleted}/export/", 404, "thread_not_found"),
        ("threads/x/export/", 400, "invalid_command"),
        ("threads/{mine}/export/?as=pdf", 400, "invalid_command"),
        ("threads/{mine}/export/?as=zip", 400, "invalid_command"),
        ("threads/{mine}/export/?all=1", 400, "invalid_command"),
        ("export/?as=%00", 400, "invalid_command"),
    ],
)
def test_what_is_not_there_or_asked_for_wrongly_is_refused(
    page, anna, berta, place, status, code
) -> None:
    deleted = make_thread(anna)
    Thread.objects.filter(pk=deleted.pk).update(deleted_at=deleted.created_at)
    named = {
        "mine": make_thread(anna).pk,
        "theirs": make_thread(berta).pk,
        "deleted": deleted.pk,
    }

    answer = ask(page, "get", place.format(**named))

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_long_thread_is_sent_as_it_is_read(page, anna) -> None:
    thread = make_thread(anna)
    Message.objects.bulk_create(
        Message(thread=thread, depth=n, role="user", status="complete")
        for n in range(1000)
    )

    answer = ask(page, "get", f"threads/{thread.pk}/export/")
    pieces = list(answer)

    assert len(pieces) > 3
    assert len(json.loads(b"".join(pieces))["threads"][0]["messages"]) == 1000


@pytest.mark.django_db(transaction=True)
async def test_under_asgi_the_loop_is_not_held_up_and_nothing_is_collected_first(
    stopped_background,
) -> None:
    from asgiref.sync import sync_to_async as aside  # noqa: TID251 (a test's own rows)

    def prepared():
        anna = make_user("anna")
        thread = make_thread(anna)
        add_turns(thread, 3)
        return anna, thread

    anna, thread = await aside(prepared)()
    browser = AsyncClient()
    await browser.aforce_login(anna)

    answer = await browser.get(f"/chatkit/api/threads/{thread.pk}/export/")
    pieces = [piece async for piece in answer]

    assert answer.is_async
    told = json.loads(b"".join(pieces))
    assert len(told["threads"][0]["messages"]) == 6
