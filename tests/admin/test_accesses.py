from __future__ import annotations

from uuid import uuid4

import pytest

from chatkit_app.access import AccessPolicy, Action
from chatkit_app.models import Thread
from chatkit_app.threads.accesses import note
from tests.admin.lists import found, make_staff, make_user, text_of
from tests.history_rows import make_thread

pytestmark = pytest.mark.django_db

LIST = "/admin/chatkit_app/accesslog/"


def test_who_did_what_in_which_thread_is_listed(client) -> None:
    eve, thread = make_user("eve"), uuid4()
    note(eve, thread, Action.READ_CONTENT)
    note(eve, uuid4(), Action.ERASE)
    make_staff(client, "view_accesslog")

    text = text_of(client.get(LIST))

    for words in ("eve", "read content", "erase", str(thread)):
        assert words in text
    assert len(found(client, LIST, q=str(thread))) == 1
    assert len(found(client, LIST, action="erase")) == 1


def test_a_thread_that_is_gone_has_no_link(client) -> None:
    eve, there, gone = make_user("eve"), make_thread(uuid4()), uuid4()
    note(eve, there.pk, Action.READ_CONTENT)
    note(eve, gone, Action.ERASE)
    make_staff(client, "view_accesslog", "view_thread")

    page = client.get(LIST).content.decode()

    assert f"/thread/{there.pk}/change/" in page
    assert f"/thread/{gone}/change/" not in page
    assert str(gone) in page


class Tenants(AccessPolicy):
    """Everybody here is of the first one."""

    def tenant(self, user, host) -> str:
        return "one"


def test_what_happened_in_another_tenants_threads_is_not_told(client, settings) -> None:
    eve, ours, theirs = make_user("eve"), make_thread(uuid4()), make_thread(uuid4())
    Thread.objects.filter(pk=ours.pk).update(tenant="one")
    Thread.objects.filter(pk=theirs.pk).update(tenant="two")
    for thread in (ours, theirs):
        note(eve, thread.pk, Action.READ_CONTENT)
    make_staff(client, "view_accesslog", "view_thread")
    settings.CHATKIT_ACCESS_POLICY = f"{__name__}.{Tenants.__name__}"

    assert [row.thread_id for row in found(client, LIST)] == [ours.pk]


def test_it_needs_its_permission_and_nothing_can_be_changed(client) -> None:
    make_staff(client, "view_thread", "view_content")
    assert client.get(LIST).status_code == 403


def test_no_access_is_taken_back(admin_client) -> None:
    note(make_user("eve"), uuid4(), Action.READ_CONTENT)
    [row] = found(admin_client, LIST)

    assert (
        admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    )
    assert admin_client.get(f"{LIST}add/").status_code == 403
