from __future__ import annotations

import pytest
from django.utils import timezone

from chatkit_app.admin import paging
from chatkit_app.admin.paging import OrMore, Pages, key_of, place_of_key
from chatkit_app.models import Thread
from tests.admin.lists import THREADS, found, make_user, text_of
from tests.history_rows import make_thread


@pytest.fixture
def few(monkeypatch) -> None:
    """Lists count to ten, and show four a page."""
    monkeypatch.setattr(paging, "MOST", 10)
    monkeypatch.setattr("chatkit_app.admin.ThreadAdmin.list_per_page", 4)


@pytest.fixture
def threads(db) -> list[Thread]:
    anna, at = make_user("anna"), timezone.now()
    # At the same moment: the key alone tells them apart.
    rows = [make_thread(anna, at=at) for _ in range(25)]
    return sorted(rows, key=lambda row: row.pk, reverse=True)


def test_a_number_that_is_not_known_to_its_end_says_so() -> None:
    assert str(OrMore(1000)) == "1,000+"
    assert OrMore(1000) == 1000


def test_a_list_is_counted_as_far_as_it_has_pages(
    few, threads, django_assert_num_queries
) -> None:
    with django_assert_num_queries(1) as told:
        pages = Pages(Thread.objects.order_by("-id"), 4)
        assert (pages.count, pages.num_pages) == (10, 3)

    assert "LIMIT 11" in told.captured_queries[0]["sql"]
    assert isinstance(pages.count, OrMore)
    assert not isinstance(
        Pages(Thread.objects.order_by("id").filter(pk__in=[]), 4).count, OrMore
    )
    assert Pages([1, 2, 3], 2).count == 3


@pytest.mark.parametrize(("asked", "shown"), [(0, 1), (-3, 1), (2, 2), (10**9, 3)])
def test_a_page_that_is_not_there_is_the_one_nearest_to_it(asked, shown) -> None:
    assert Pages(range(9), 4).page(asked).number == shown


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "~",
        "x~y",
        "2026-01-01T00:00:00~0192aaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa",
        "2026-01-01T00:00:00+00:00~x",
        "2026-01-01T00:00:00+00:00",
        "9" * 9999,
    ],
)
def test_a_key_that_is_none_names_no_place(text) -> None:
    assert place_of_key(text) is None


def test_a_key_names_the_place_of_its_row(threads) -> None:
    row = threads[0]

    assert place_of_key(key_of(row, "last_activity_at")) == (
        row.last_activity_at,
        row.pk,
    )


def test_all_rows_are_found_page_by_page_and_then_by_key(
    few, threads, admin_client
) -> None:
    shown, address = [], "?"
    while address:
        for number in (1, 2, 3):
            changes = admin_client.get(f"{THREADS}{address}&p={number}").context["cl"]
            rows = list(changes.result_list)
            shown += [row for row in rows if row not in shown]
        address = changes.older

    assert shown == threads


def test_the_last_of_the_pages_leads_to_older_ones(few, threads, admin_client) -> None:
    first = admin_client.get(THREADS)
    last = admin_client.get(THREADS, {"p": 3})

    assert "10+ threads" in text_of(first)
    assert "Older ones" not in text_of(first)
    assert "Older ones" in text_of(last)


@pytest.mark.parametrize("page", ["999999", "-1", "0", "x", "9" * 30, "1.5"])
def test_any_page_is_answered(few, threads, admin_client, page) -> None:
    answer = admin_client.get(THREADS, {"p": page})

    assert answer.status_code == 200
    assert len(answer.context["cl"].result_list) <= 4


@pytest.mark.parametrize("key", ["x", "~", "%00", "2026~" + "0" * 32])
def test_a_key_from_elsewhere_is_passed_over(few, threads, admin_client, key) -> None:
    assert found(admin_client, THREADS, older=key) == threads[:4]
