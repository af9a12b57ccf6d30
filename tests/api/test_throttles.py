"""How often one viewer may ask."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client

from chatkit_app.api.throttles import read_rate
from tests.api.people import THREADS, ask, client_of
from tests.history_rows import make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()
    yield
    cache.clear()


def rates(answer) -> tuple[str, str]:
    return answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]


def test_every_answer_tells_how_much_is_left(page, settings) -> None:
    settings.CHATKIT_THROTTLES = {"read": "3/day"}

    answers = [page.get(THREADS) for _ in range(4)]

    assert [rates(answer) for answer in answers] == [
        ("3", "2"),
        ("3", "1"),
        ("3", "0"),
        ("3", "0"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.json()["code"] == "throttled"
    assert 0 < int(refused["Retry-After"]) <= 86_400
    assert refused["X-RateLimit-Reset"] == refused["Retry-After"]
    assert refused.json()["retryMs"] == 1000 * int(refused["Retry-After"])


def test_a_refused_change_changes_nothing(page, anna, settings) -> None:
    settings.CHATKIT_THROTTLES = {"write": "1/day"}
    thread = make_thread(anna, title="One")

    for title in ("Two", "Three"):
        ask(page, "patch", f"threads/{thread.pk}/", {"title": title})

    thread.refresh_from_db()
    assert thread.title == "Two"


def test_each_viewer_and_each_scope_counts_alone(anna, berta, settings) -> None:
    settings.CHATKIT_THROTTLES = {"read": "1/day", "search": "1/day"}
    visitor = uuid4()

    for owner in (anna, berta, visitor):
        client = client_of(owner)
        assert client.get(THREADS).status_code == 200
        assert client.get(THREADS).status_code == 429
        assert client.get(THREADS, {"search": "x"}).status_code == 200
        assert ask(client, "post", "threads/", {"assistant": "test"}).status_code == 201


def test_whoever_is_nobody_counts_by_their_address(client, settings) -> None:
    settings.CHATKIT_THROTTLES = {"read": "1/day"}

    assert client.get(THREADS).status_code == 200
    assert client.get(THREADS).status_code == 429
    assert client.get(THREADS, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_a_scope_without_a_rate_is_not_counted(page, settings) -> None:
    settings.CHATKIT_THROTTLES = {"read": ""}

    answer = page.get(THREADS)

    assert answer.status_code == 200
    assert "X-RateLimit-Limit" not in answer


def test_saying_something_is_a_scope_of_its_own(page, recorded, settings) -> None:
    settings.CHATKIT_THROTTLES = {"send": "1/day"}
    body = {"id": "1", "assistant": "test", "text": "say Hi."}

    assert ask(page, "post", "messages/", body).status_code == 202
    assert ask(page, "post", "messages/", body).status_code == 429


def test_a_door_for_everybody_counts_by_address_whoever_asks(page, settings) -> None:
    settings.CHATKIT_THROTTLES = {"shared": "1/day"}
    path = "/chatkit/api/shared/none/"

    assert page.get(path).status_code == 404
    assert Client().get(path).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").get(path).status_code == 404


def test_a_rate_is_a_number_and_a_period() -> None:
    assert read_rate("600/minute") == (600, 60)
    for text in ("600", "600/fortnight", "-1/day", "0/day", "many/day"):
        with pytest.raises(ValueError, match="is no rate"):
            read_rate(text)


class AwayCache(LocMemCache):
    """A cache whose server does not answer."""

    def add(self, *args, **kwargs):
        raise ConnectionError("no route to the cache")


def test_a_cache_that_is_away_refuses_nobody(page, settings) -> None:
    settings.CHATKIT_THROTTLES = {"read": "1/day"}
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.{AwayCache.__name__}"}}

    answers = [page.get(THREADS) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
