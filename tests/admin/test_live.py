from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model

from chatkit_app.access import AccessPolicy
from chatkit_app.models import Thread
from tests.admin.lists import make_staff
from tests.history_rows import add_turns, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def thread() -> Thread:
    found = make_thread(get_user_model().objects.create_user("anna"))
    add_turns(found, 1)
    return found


def fragment(thread: Thread) -> str:
    return f"/admin/chatkit_app/thread/{thread.pk}/timeline/"


def test_the_fragment_is_what_the_page_shows(admin_client, thread) -> None:
    drawn = admin_client.get(fragment(thread)).content.decode()

    assert drawn.lstrip().startswith('<div id="chatkit-live"')
    assert "Answer 0" in drawn
    assert "<html" not in drawn


def test_where_nothing_has_happened_there_is_nothing_to_draw(
    admin_client, thread
) -> None:
    known = f"{thread.epoch}.{thread.position}"

    assert admin_client.get(fragment(thread), {"known": known}).status_code == 204
    Thread.objects.update(position=7)
    assert admin_client.get(fragment(thread), {"known": known}).status_code == 200


def test_the_socket_is_for_those_who_may_read(client, thread) -> None:
    make_staff(client, "view_thread")

    assert 'data-mount=""' in client.get(fragment(thread)).content.decode()


def test_who_is_logged_out_is_sent_to_the_login(client, thread) -> None:
    assert client.get(fragment(thread)).status_code == 302


def test_a_thread_that_is_none_is_missing(admin_client) -> None:
    url = f"/admin/chatkit_app/thread/{uuid4()}/timeline/"

    assert admin_client.get(url).status_code == 404


class TenantPolicy(AccessPolicy):
    """Whoever works in the admin works for one tenant."""

    def tenant(self, user, host):
        return "blue"


def test_another_tenants_thread_is_as_good_as_missing(
    admin_client, thread, settings
) -> None:
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.TenantPolicy"
    base = f"/admin/chatkit_app/thread/{thread.pk}"

    for name in ("timeline", "events", "erase"):
        assert admin_client.get(f"{base}/{name}/").status_code == 404
    assert admin_client.get(f"{base}/change/").status_code == 302  # to the index
    Thread.objects.update(tenant="blue")
    assert admin_client.get(f"{base}/timeline/").status_code == 200
